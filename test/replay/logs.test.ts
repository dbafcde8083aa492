import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { encodeNmea } from "../../src/codec/nmea-encode.ts";
import { loadConfig } from "../../src/config/load.ts";
import { entriesOf } from "../../src/replay/format.ts";
import { logAsRecording } from "../../src/replay/logs.ts";
import { replayRecording } from "../../src/replay/replay.ts";

const demo = loadConfig(join(import.meta.dirname, "../../config/demo.yaml"), { catalogue });

describe("a log of one port, replayed", () => {
  it("as raw NMEA gives its fixes at the speed of the port, and nothing of the other parts", () => {
    const text = Array.from({ length: 100 }, (_, i) => {
      const fix = { utc: 25_200_000 + 200 * i, lat: 13.3576 + i * 1e-6, lon: 103.302 };
      return [
        encodeNmea("GN", "GGA", { ...fix, quality: 4, satsUsed: 19, hdop: 0.6, altMsl: 14, geoidSep: -14 }),
        encodeNmea("GN", "RMC", {
          ...fix,
          status: "A",
          speedKn: 0.3,
          course: 0,
          date: Date.UTC(2026, 10, 23),
          mode: "R",
          navStatus: "V",
        }),
      ].join("");
    }).join("");
    const replayed = replayRecording(logAsRecording(Buffer.from(text), demo, undefined), demo);
    const fixes = replayed.rows.filter((row) => row.table === 1);
    expect(fixes.length).toBeGreaterThanOrEqual(99);
    expect(fixes[50]!.values[0]).toBeCloseTo(13.35765, 6);
    expect(replayed.notRecorded).toContain("adc");
    // Pieces of 20 ms, and one more at the end.
    expect(Math.abs(replayed.toMs - (text.length * 10_000) / 38_400)).toBeLessThan(150);
  });

  it("as candump becomes lines of an SLCAN adapter at their times", () => {
    const log = "(1436509052.249713) can0 18FEF100#0102030405060708\n(1436509052.449847) can0 123#AB\nnonsense\n";
    const entries = [...entriesOf(logAsRecording(Buffer.from(log), demo, "gnss_uart"))];
    const lines = entries.flatMap((e) =>
      e.kind === "bytes" ? [[Math.round(e.mono), Buffer.from(e.bytes).toString()]] : [],
    );
    expect(lines).toEqual([
      [0, "T18FEF10080102030405060708\r"],
      [200, "t1231AB\r"],
    ]);
  });

  it("is refused for a port that is not there", () => {
    expect(() => logAsRecording(Buffer.from("x"), demo, "can")).toThrow(/no serial port "can".*gnss_uart/);
  });
});
