import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { keyIdOf } from "./signed-text.ts";

/**
 * A text signed in the format of minisign: four lines of signature, then the text. `head -n 4` of such a file is the
 * signature and `tail -n +5` the message for the minisign tool.
 */
const UNTRUSTED = "untrusted comment: ";
const TRUSTED = "trusted comment: ";
/** Two bytes of algorithm, eight of key id, sixty-four of signature. */
const SIGNATURE_BYTES = 74;
const PUBLIC_KEY_BYTES = 42;
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");

/** A public key as minisign has it. */
export interface PublicKey {
  /** Its id in hex, first byte first: with keys made here the id that `ack` and `cmd` are signed with. */
  readonly id: string;
  readonly key: KeyObject;
}

/** What was signed, and by whom. */
export interface Opened {
  readonly text: string;
  readonly trustedComment: string;
  readonly keyId: string;
}

/** The public half of an ed25519 key, under the id that the rest of the product gives it. */
export function publicKeyOf(key: KeyObject): PublicKey {
  return { id: keyIdOf(key), key: key.type === "private" ? createPublicKey(key) : key };
}

/** A public key as the one line that `minisign -P` takes. */
export function formatPublicKey({ id, key }: PublicKey): string {
  const raw = key.export({ format: "der", type: "spki" }).subarray(-32);
  return Buffer.concat([Buffer.from("Ed"), Buffer.from(id, "hex"), raw]).toString("base64");
}

/** Reads a minisign public key: its line, or a file of a comment and that line. Undefined when it is none. */
export function parsePublicKey(text: string): PublicKey | undefined {
  const line = text
    .split("\n")
    .map((l) => l.trim())
    .filter((l) => l !== "" && !l.startsWith(UNTRUSTED))
    .at(0);
  const bytes = line === undefined ? undefined : strictBase64(line, PUBLIC_KEY_BYTES);
  if (bytes === undefined || bytes.toString("latin1", 0, 2) !== "Ed") return undefined;
  const der = Buffer.concat([SPKI_HEAD, bytes.subarray(10)]);
  return { id: bytes.toString("hex", 2, 10), key: createPublicKey({ key: der, format: "der", type: "spki" }) };
}

/** Signs `text`, prehashed with BLAKE2b as minisign does by default; `comment` is one line that is signed with it. */
export function signMinisign(text: string, comment: string, untrusted: string, privateKey: KeyObject): string {
  const signature = sign(null, createHash("blake2b512").update(text).digest(), privateKey);
  const head = Buffer.concat([Buffer.from("ED"), Buffer.from(keyIdOf(privateKey), "hex"), signature]);
  const global = sign(null, Buffer.concat([signature, Buffer.from(comment)]), privateKey);
  const lines = [UNTRUSTED + untrusted, head.toString("base64"), TRUSTED + comment, global.toString("base64")];
  return `${lines.join("\n")}\n${text}`;
}

/**
 * What was signed, or why it is not believed. Every byte of the file counts: the untrusted comment must be `untrusted`
 * word for word, and what base64 leaves open must be as it is written. Both algorithms of minisign are read.
 */
export function openMinisign(
  file: Buffer,
  untrusted: string,
  keys: readonly PublicKey[],
): Opened | { readonly refused: string } {
  const ends: number[] = [];
  for (let at = -1; ends.length < 4; ends.push(at)) {
    at = file.indexOf(10, at + 1);
    if (at < 0) return { refused: "it is not a signed file: it has no four lines of signature" };
  }
  const line = (n: number) => file.subarray(n === 0 ? 0 : (ends[n - 1] ?? 0) + 1, ends[n]);
  if (line(0).toString("latin1") !== UNTRUSTED + untrusted)
    return { refused: `it is not a signed file: its first line is not "${UNTRUSTED}${untrusted}"` };
  const head = strictBase64(line(1).toString("latin1"), SIGNATURE_BYTES);
  const global = strictBase64(line(3).toString("latin1"), 64);
  const trusted = line(2);
  if (head === undefined || global === undefined || trusted.toString("latin1", 0, TRUSTED.length) !== TRUSTED)
    return { refused: "it is not a signed file: its signature is damaged" };
  const algorithm = head.toString("latin1", 0, 2);
  if (algorithm !== "ED" && algorithm !== "Ed") return { refused: "it is signed in a way that is not known here" };
  const keyId = head.toString("hex", 2, 10);
  const known = keys.find((k) => k.id === keyId);
  if (known === undefined) return { refused: `it is signed with key ${keyId}, which this unit does not know` };
  const body = file.subarray((ends[3] ?? 0) + 1);
  const signature = head.subarray(10);
  const message = algorithm === "ED" ? createHash("blake2b512").update(body).digest() : body;
  const comment = trusted.subarray(TRUSTED.length);
  if (
    !verify(null, message, known.key, signature) ||
    !verify(null, Buffer.concat([signature, comment]), known.key, global)
  )
    return { refused: `the signature of key ${keyId} does not hold: the file was changed or is damaged` };
  return { text: body.toString("utf8"), trustedComment: comment.toString("utf8"), keyId };
}

function strictBase64(line: string, bytes: number): Buffer | undefined {
  const found = Buffer.from(line, "base64");
  return found.length === bytes && found.toString("base64") === line ? found : undefined;
}
