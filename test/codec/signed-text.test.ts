import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { keyIdOf, openSigned, signText } from "../../src/codec/signed-text.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");

describe("a signed text", () => {
  const signed = Buffer.from(JSON.stringify(signText({ kind: "ack", n: 1 }, privateKey)));

  it("opens with the key of its signer, and tells its id", () => {
    expect(openSigned(signed, [stranger.publicKey, publicKey])).toEqual({ value: { kind: "ack", n: 1 } });
    expect(keyIdOf(privateKey)).toBe(keyIdOf(publicKey));
    expect(keyIdOf(createPublicKey(privateKey))).toMatch(/^[0-9a-f]{16}$/);
  });

  it("is refused with another key", () => {
    expect(openSigned(signed, [stranger.publicKey])).toEqual({
      refused: `signed with an unknown key ${keyIdOf(publicKey)}`,
    });
  });

  it("is refused after any flip of any byte, and after any cut", () => {
    for (let i = 0; i < signed.length; i++) {
      const bad = Buffer.from(signed);
      bad[i] = bad[i]! ^ 0x01;
      expect(openSigned(bad, [publicKey]), `byte ${i}`).toHaveProperty("refused");
      expect(openSigned(signed.subarray(0, i), [publicKey]), `cut at ${i}`).toHaveProperty("refused");
    }
  });
});
