import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { formatPublicKey, openMinisign, parsePublicKey, publicKeyOf, signMinisign } from "../../src/codec/minisign.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const known = publicKeyOf(privateKey);

describe("a public key of minisign", () => {
  it("is read from its line, alone or below a comment, and from nothing else", () => {
    const line = formatPublicKey(known);
    expect(line).toHaveLength(56);
    expect(parsePublicKey(line)?.id).toBe(known.id);
    expect(parsePublicKey(`untrusted comment: minisign public key\n${line}\n`)?.id).toBe(known.id);
    for (const bad of ["", "RWQ", line.slice(1), `${line}A`, `X${line.slice(1)}`, `untrusted comment: ${line}`])
      expect(parsePublicKey(bad), bad).toBeUndefined();
  });

  it("published with minisign itself reads as its documentation prints it", () => {
    // The key that signs minisign's own releases.
    expect(parsePublicKey("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")?.id).toBe("1fe8b442180f62e7");
  });
});

describe("a text signed in minisign's format", () => {
  it("opens with its comment, under the key it was signed with and the first line it was given", () => {
    const file = Buffer.from(signMinisign("text\n", "said with it", "first line", privateKey));
    expect(openMinisign(file, "first line", [known])).toEqual({
      text: "text\n",
      trustedComment: "said with it",
      keyId: known.id,
    });
    expect(openMinisign(file, "another line", [known])).toHaveProperty("refused");
    expect(openMinisign(file, "first line", [])).toHaveProperty("refused");
  });
});
