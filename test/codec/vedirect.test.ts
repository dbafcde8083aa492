import { describe, expect, it } from "vitest";
import { createVeDirectFramer, encodeVeDirect } from "../../src/codec/vedirect.ts";
import { pieces } from "../device/serial-rig.ts";
import fc from "../properties.ts";

function read(chunks: Uint8Array[]) {
  const blocks: [string, string][][] = [];
  const framer = createVeDirectFramer((fields) => blocks.push([...fields]));
  for (const chunk of chunks) framer.push(chunk, 0);
  return { blocks, counters: { ...framer.counters } };
}

const bytes = (text: string) => Uint8Array.from(text, (ch) => ch.charCodeAt(0));
const field = fc.tuple(fc.stringMatching(/^[A-Z#]{1,8}\d?$/), fc.stringMatching(/^[-\w.]{0,32}$/));

describe("VE.Direct blocks", () => {
  it("come back as they were written, whatever their checksum byte is", () => {
    fc.assert(
      fc.property(fc.uniqueArray(field, { maxLength: 22, selector: ([label]) => label }), (fields) => {
        expect(read([encodeVeDirect(fields)]).blocks).toEqual([fields]);
      }),
      { numRuns: 500 },
    );
  });

  it("have a checksum byte that may be a colon", () => {
    const block = encodeVeDirect([["V", "TTU"]]);
    expect(block.at(-1)).toBe(0x3a);
    expect(read([block, encodeVeDirect([["I", "1"]])])).toMatchObject({
      blocks: [[["V", "TTU"]], [["I", "1"]]],
      counters: { hexMessages: 0 },
    });
  });

  it("survive a HEX message at any place", () => {
    const block = encodeVeDirect([
      ["V", "12065"],
      ["I", "-7625"],
    ]);
    for (let at = 0; at < block.length; at++) {
      const parts = [block.subarray(0, at), bytes(":7F0ED0011\n"), block.subarray(at)];
      // Before the checksum byte a colon is the checksum.
      if (at === block.length - 1) continue;
      expect(read(parts).blocks, `at ${at}`).toHaveLength(1);
    }
  });

  it("are the same for any chunks, and the next good one is read after any noise that has an end", () => {
    const good = encodeVeDirect([["V", "12065"]]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(400), { maxLength: 8 }), (noise, cuts) => {
        const stream = Uint8Array.from([...noise, ...bytes("\n"), ...good, ...good, ...good]);
        const whole = read([stream]);
        expect(read(pieces(stream, cuts))).toEqual(whole);
        expect(whole.blocks.at(-1)).toEqual([["V", "12065"]]);
      }),
      { numRuns: 500 },
    );
  });

  it("never hold more than the protocol allows", () => {
    const { blocks, counters } = read([bytes(`\r\n${"A".repeat(500)}\t1\r\nB\t${"9".repeat(500)}`)]);
    expect(blocks).toEqual([]);
    expect(counters.tooLong).toBeGreaterThan(0);
  });
});
