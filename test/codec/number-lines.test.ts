import { describe, expect, it } from "vitest";
import { createNumberLines } from "../../src/codec/number-lines.ts";
import fc from "../properties.ts";

function read(prefix: string, chunks: Uint8Array[]) {
  const values: number[] = [];
  const lines = createNumberLines(prefix, (v) => values.push(v));
  for (const chunk of chunks) lines.push(chunk);
  return { values, counters: { ...lines.counters } };
}

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe("numbers on lines", () => {
  it("reads what the distance sensors of the sheets send", () => {
    expect(read("R", [bytes("R1234\rR0480 \r\xff\xffR123\r")]).values).toEqual([1234, 480, 123]);
    expect(read("", [bytes("1.25\r\n-0.5\n+7\n 12\n")]).values).toEqual([1.25, -0.5, 7, 12]);
  });

  it("counts lines that are something else, and publishes none of them", () => {
    const { values, counters } = read("R", [bytes("R\rX12\r12\rR1.2.3\rR12a\rR1e5\rRNaN\rR12\r")]);
    expect(values).toEqual([12]);
    expect(counters).toEqual({ lines: 1, malformed: 7, tooLong: 0 });
    expect(read("", [bytes(`${"9".repeat(40)}\n5\n`)])).toEqual({
      values: [5],
      counters: { lines: 1, malformed: 0, tooLong: 1 },
    });
  });

  it("gives the nearest double to what was written", () => {
    fc.assert(
      fc.property(fc.integer({ min: -99999999, max: 99999999 }), fc.integer({ min: 0, max: 6 }), (m, d) => {
        const text = (m / 10 ** d).toFixed(d);
        expect(read("", [bytes(`${text}\n`)]).values).toEqual([Number(text) + 0]);
      }),
    );
  });

  it("gives the same numbers for any chunks, and never throws on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200), { maxLength: 6 }), (data, cuts) => {
        const noisy = Uint8Array.from([...data, ...bytes("\n12.5\n")]);
        const at = [0, ...cuts.filter((c) => c < noisy.length).sort((a, b) => a - b), noisy.length];
        const chunks = at.slice(1).map((end, i) => noisy.subarray(at[i]!, end));
        const whole = read("", [noisy]);
        expect(read("", chunks)).toEqual(whole);
        expect(whole.values.at(-1)).toBe(12.5);
      }),
    );
  });
});
