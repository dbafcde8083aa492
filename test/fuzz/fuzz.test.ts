import { describe, expect, it } from "vitest";
import { DECODERS } from "./decoders.ts";
import { fuzzDecoder } from "./fuzz.ts";

describe("decoders of bytes from outside", () => {
  it.each(DECODERS)("$name bears damage, and finds its place again", (decoder) => {
    expect(fuzzDecoder(decoder, 20_260_324, 1500).inputs).toBe(1500);
  });

  it("the fuzzer notices a decoder that loses a good frame", () => {
    const nmea = DECODERS[0]!;
    const deaf = { ...nmea, decode: (chunks: readonly Uint8Array[]) => nmea.decode(chunks).filter((_, i) => i !== 20) };
    expect(() => fuzzDecoder(deaf, 1, 2000)).toThrow(/lost/);
  });
});
