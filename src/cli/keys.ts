import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatPublicKey, type PublicKey, parsePublicKey, publicKeyOf } from "../codec/minisign.ts";
import { sealKeyIdOf } from "../codec/sealed-stream.ts";
import { EXIT_USAGE } from "./exit-codes.ts";

/** Every public key in a folder: files that end with `.pub`, in minisign's form. What is none is passed over. */
export function readKeys(dir: string): PublicKey[] {
  let names: string[];
  try {
    names = readdirSync(dir).filter((name) => name.endsWith(".pub"));
  } catch {
    return [];
  }
  return names.sort().flatMap((name) => parsePublicKey(readFileSync(join(dir, name), "utf8")) ?? []);
}

/** The private key of a PEM file. Throws an error that names the file. */
export function readSecretKey(file: string, type: "ed25519" | "x25519" = "ed25519"): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch (e) {
    throw new Error(`${file} is no private key: ${e instanceof Error ? e.message : String(e)}`);
  }
  if (key.asymmetricKeyType !== type)
    throw new Error(`${file} is a key of type ${key.asymmetricKeyType}, expected ${type}`);
  return key;
}

/**
 * `swath keys NAME`: makes a key pair of ed25519: `NAME.key` for HQ alone, `NAME.pub` for the units (minisign's form), and
 * `NAME.pub.pem` for what reads PEM. `swath keys NAME --export`: one of X25519, for records that a stick carries to HQ. Never
 * writes over a file.
 */
export async function keys(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  const names = args.filter((arg) => arg !== "--export");
  const [name, ...more] = names;
  if (name === undefined || name.startsWith("-") || more.length > 0) {
    out.write("usage: swath keys NAME [--export]\n");
    return EXIT_USAGE;
  }
  return names.length < args.length ? exportKeys(name, out) : signingKeys(name, out);
}

function signingKeys(name: string, out: { write(text: string): unknown }): number {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const known = publicKeyOf(privateKey);
  const isWritten = writeNew(out, [
    ...pemFiles(name, privateKey, publicKey),
    [`${name}.pub`, `untrusted comment: minisign public key ${known.id}\n${formatPublicKey(known)}\n`, 0o644],
  ]);
  if (!isWritten) return 1;
  out.write(`key ${known.id}\n  ${name}.key      sign with it; keep it at HQ, and a copy locked away\n`);
  out.write(`  ${name}.pub      copy it to /etc/swath/keys/ of every unit\n  ${name}.pub.pem  the same key as PEM\n`);
  return 0;
}

function exportKeys(name: string, out: { write(text: string): unknown }): number {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  if (!writeNew(out, pemFiles(name, privateKey, publicKey))) return 1;
  out.write(`export key ${sealKeyIdOf(privateKey)}\n`);
  out.write(`  ${name}.key      reads what units seal (swath hq import); keep it at HQ, and a copy locked away\n`);
  out.write(`  ${name}.pub.pem  copy it to every unit and name it as hq.exportKeyFile\n`);
  return 0;
}

function pemFiles(name: string, privateKey: KeyObject, publicKey: KeyObject): [string, string, number][] {
  return [
    [`${name}.key`, privateKey.export({ format: "pem", type: "pkcs8" }).toString(), 0o600],
    [`${name}.pub.pem`, publicKey.export({ format: "pem", type: "spki" }).toString(), 0o644],
  ];
}

function writeNew(out: { write(text: string): unknown }, files: readonly [string, string, number][]): boolean {
  for (const [file, text, mode] of files) {
    try {
      writeFileSync(file, text, { flag: "wx", mode });
    } catch (e) {
      out.write(`${file} was not written: ${e instanceof Error ? e.message : String(e)}\n`);
      return false;
    }
  }
  return true;
}
