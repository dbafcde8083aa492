import { describe, expect, it } from "vitest";
import { codecOf, type Encoding } from "../../src/device/encoding.ts";
import fc from "../properties.ts";

const bytes = (hex: string) => Uint8Array.from(hex.split(" ").map((b) => Number.parseInt(b, 16)));

describe("encodings", () => {
  it.each<[Encoding, string, number]>([
    ["u8", "ff", 255],
    ["i8", "ff", -1],
    ["i16le", "ee ff", -18],
    ["i16be", "80 00", -32768],
    ["u16be", "80 00", 32768],
    ["u16le", "34 12", 0x1234],
    ["i12be<<4", "ff 60", -10],
    ["i12be<<4", "80 00", -2048],
    ["i10be<<6", "7f c0", 511],
    ["i13be", "1f 60", -160],
    ["i13be", "c0 f0", 240],
    ["i20be<<4", "b4 10 00", -311040],
    ["i20be<<4", "4c cc c0", 314572],
    ["u20be<<4", "ff ff f0", 1048575],
    ["u24be", "48 00 0c", 4718604],
    ["i24be", "ff ff ff", -1],
    ["u40be", "00 3f 48 00 00", 1061683200],
    ["i40be", "ff ff ff ff ff", -1],
    ["i40be", "80 00 00 00 00", -549755813888],
    ["u1<<3", "f7", 0],
    ["u1<<3", "08", 1],
    ["bcd8", "59", 59],
  ])("%s reads %s as %d", (encoding, hex, count) => {
    expect(codecOf(encoding).read(bytes(hex), 0)).toBe(count);
  });

  const names = [
    ...["u8", "i8", "i16le", "i16be", "u16be", "u16le", "i12be<<4", "i10be<<6", "i13be", "i20be<<4", "u20be<<4"],
    ...["u24be", "i24be", "u40be", "i40be", "i24le", "u1<<3", "u3<<5", "bcd8"],
  ] as Encoding[];

  it.each(names)("%s gives back any count that was put in, and leaves the other bits alone", (name) => {
    const { lowest, highest, read, write, bytes: width } = codecOf(name);
    fc.assert(
      fc.property(
        fc.integer({ min: lowest, max: highest }),
        fc.uint8Array({ minLength: width + 2, maxLength: width + 2 }),
        (count, into) => {
          const before = into.slice();
          write(count, into, 1);
          expect(read(into, 1)).toBe(count);
          expect([into[0], into[width + 1]]).toEqual([before[0], before[width + 1]]);
          if (name !== "bcd8") {
            write(read(before, 1), into, 1);
            expect(into).toEqual(before);
          }
        },
      ),
    );
  });

  it.each(["i16", "u0", "f32", "u8be", "i56be", "u16be<<"])("refuses %s as a name", (name) => {
    expect(() => codecOf(name as Encoding)).toThrow(RangeError);
  });
});
