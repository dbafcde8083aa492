import { isDeepStrictEqual } from "node:util";
import { describe, it } from "vitest";
import type * as Display from "../../devices/ssd1306.ts";
import { goldenOf, hexOf, judge } from "../rigs/source-judge.ts";
import { sourceMutants } from "../rigs/source-mutants.ts";

const spaced = (bytes: readonly number[]) => hexOf(Uint8Array.from(bytes)).replace(/..(?=.)/g, "$& ");

describe("a mistake in the text of", () => {
  it("the ssd1306 is found by what is written to both sizes, as worked out by hand", () => {
    const { displays } = goldenOf("ssd1306") as {
      displays: Record<
        "128x64" | "128x32",
        { init: string; windows: { column: number; page: number; width: number; bytes: string }[] }
      >;
    };
    judge<typeof Display>("ssd1306", sourceMutants("devices/ssd1306", {}, []), ({ ssd1306: part }) => {
      const facts = [part.addresses, part.maxClockHz, part.control, part.shapes];
      return (
        !isDeepStrictEqual(facts, [
          [0x3c, 0x3d],
          400_000,
          { command: 0x00, data: 0x40 },
          { "128x64": { columns: 128, pages: 8 }, "128x32": { columns: 128, pages: 4 } },
        ]) ||
        (["128x64", "128x32"] as const).some(
          (size) =>
            spaced([...part.off, ...part.setup(size), ...part.on]) !== displays[size].init ||
            displays[size].windows.some(
              ({ column, page, width, bytes }) => spaced(part.window(column, page, width)) !== bytes,
            ),
        )
      );
    });
  });
});
