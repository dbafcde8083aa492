import { describe, expect, it } from "vitest";
import { DECODERS, type FuzzedDecoder } from "./decoders.ts";
import { fuzzDecoder } from "./fuzz.ts";

describe("decoders of bytes from outside", () => {
  it.each(DECODERS)("$name bears damage, and finds its place again", (decoder) => {
    expect(fuzzDecoder(decoder, 20_260_324, 1500).inputs).toBe(1500);
  });

  it("the fuzzer notices a decoder that loses a good frame", () => {
    const nmea = DECODERS[0]!;
    const deaf: FuzzedDecoder = {
      ...nmea,
      open(emit) {
        let n = 0;
        return nmea.open((digest) => {
          if (n++ % 97 !== 20) emit(digest);
        });
      },
    };
    expect(() => fuzzDecoder(deaf, 1, 2000)).toThrow(/lost/);
  });
});
