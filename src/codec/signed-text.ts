import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { type SignedText, signedText } from "../model/downlink.ts";

/** The id of an ed25519 key, public or private: the first 8 bytes of the SHA-256 of its 32 raw public bytes, in hex. */
export function keyIdOf(key: KeyObject): string {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  return createHash("sha256").update(raw).digest("hex").slice(0, 16);
}

/** Signs `body` as JSON with an ed25519 private key. */
export function signText(body: object, privateKey: KeyObject): SignedText {
  const text = JSON.stringify(body);
  return { v: 1, key: keyIdOf(privateKey), sig: sign(null, Buffer.from(text), privateKey).toString("base64"), text };
}

/**
 * The JSON value that was signed, or why it is not believed: not this form, a key that is not among `keys`, or a signature
 * that does not hold. Nothing of the text is parsed before the signature holds.
 */
export function openSigned(
  payload: Uint8Array,
  keys: readonly KeyObject[],
): { readonly value: unknown } | { readonly refused: string } {
  const parsed = signedText.safeParse(jsonOf(Buffer.from(payload).toString("utf8")));
  if (!parsed.success) return { refused: "not a signed message" };
  const { key, sig, text } = parsed.data;
  const publicKey = keys.find((k) => keyIdOf(k) === key);
  if (publicKey === undefined) return { refused: `signed with an unknown key ${key}` };
  if (!verify(null, Buffer.from(text), publicKey, Buffer.from(sig, "base64")))
    return { refused: `the signature of key ${key} does not hold` };
  const value = jsonOf(text);
  return value === undefined ? { refused: "what was signed is not JSON" } : { value };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
