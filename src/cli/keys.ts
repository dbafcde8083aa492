import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatPublicKey, type PublicKey, parsePublicKey, publicKeyOf } from "../codec/minisign.ts";
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
export function readSecretKey(file: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch (e) {
    throw new Error(`${file} is no private key: ${e instanceof Error ? e.message : String(e)}`);
  }
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`${file}: expected a key of ed25519`);
  return key;
}

/**
 * `swath keys NAME`: makes a key pair of ed25519: `NAME.key` for HQ alone, `NAME.pub` for the units (minisign's form), and
 * `NAME.pub.pem` for what reads PEM. Never writes over a file.
 */
export async function keys(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  const [name, ...more] = args;
  if (name === undefined || name.startsWith("-") || more.length > 0) {
    out.write("usage: swath keys NAME\n");
    return EXIT_USAGE;
  }
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const known = publicKeyOf(privateKey);
  const files: [string, string, number][] = [
    [`${name}.key`, privateKey.export({ format: "pem", type: "pkcs8" }).toString(), 0o600],
    [`${name}.pub`, `untrusted comment: minisign public key ${known.id}\n${formatPublicKey(known)}\n`, 0o644],
    [`${name}.pub.pem`, publicKey.export({ format: "pem", type: "spki" }).toString(), 0o644],
  ];
  for (const [file, text, mode] of files) {
    try {
      writeFileSync(file, text, { flag: "wx", mode });
    } catch (e) {
      out.write(`${file} was not written: ${e instanceof Error ? e.message : String(e)}\n`);
      return 1;
    }
  }
  out.write(`key ${known.id}\n  ${name}.key      sign with it; keep it at HQ, and a copy locked away\n`);
  out.write(`  ${name}.pub      copy it to /etc/swath/keys/ of every unit\n  ${name}.pub.pem  the same key as PEM\n`);
  return 0;
}
