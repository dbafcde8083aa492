import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WireRecord } from "../../src/model/record.ts";
import { receive } from "../codec/nmea-run.ts";
import { listenAt } from "../rigs/broker-ear.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { openPty } from "../rigs/pty.ts";
import { epochFix, epochText } from "../rigs/receiver.ts";
import { gnssConfig, unitHome } from "../rigs/unit.ts";
import { hasRecordings, loadRecording } from "./gnss-witness.ts";

const DAY_MS = 86_400_000;

/** Recordings of NMEA 0183 and the least day to believe of each. */
const NMEA = [
  { name: "april6_2019", floor: "1990-01-01" },
  { name: "hemi", floor: "2014-01-01" },
  { name: "neo-m8n", floor: "2014-01-01" },
  { name: "nmea-fuzzy-cases", floor: "2014-01-01" },
  { name: "nmea-rtk", floor: "2014-01-01" },
  { name: "ublox-zed-f9p-nmea", floor: "2014-01-01" },
] as const;

/** One row of the track as it arrived. */
interface Fix {
  readonly lat: number | null;
  readonly lon: number | null;
  readonly utc: number | null;
  readonly mode: number | null;
}

let broker: Mosquitto;
let units = 0;
beforeAll(async () => {
  broker = await startMosquitto();
});
afterAll(() => broker.stop());

function fixesOf(records: readonly WireRecord[]): Fix[] {
  return records.flatMap((r) => {
    if (r.kind !== "track") return [];
    return Array.from({ length: r.n }, (_, i) => {
      const at = (column: string) => r.c[column]?.[i] ?? null;
      return { lat: at("lat"), lon: at("lon"), utc: at("utc"), mode: at("fix_mode") };
    });
  });
}

/** Places to cut, the same at every run; seed 0 does not cut. */
function chunksOf(bytes: Uint8Array, seed: number): Uint8Array[] {
  if (seed === 0) return [bytes];
  const chunks: Uint8Array[] = [];
  let x = seed;
  for (let at = 0; at < bytes.length; ) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) & 0x7fffffff;
    const size = 1 + (x % 509);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** Feeds bytes to a unit of its own over a pty; returns the fixes that came to the broker and the counters in `health`. */
async function replay(bytes: Uint8Array, options: { floor: string; fixes: number; junkBytes?: number; seed?: number }) {
  const { floor, fixes, junkBytes = 0, seed = 0 } = options;
  const home = unitHome();
  const unit = `unit-${++units}`;
  const ear = await listenAt(broker.port, unit);
  const pty = await openPty();
  try {
    const rig = await home.start(
      gnssConfig({
        brokerPort: broker.port,
        spoolDir: home.spoolDir,
        pty: pty.path,
        dateFloor: floor,
        more: { unit, rows: { everyMs: 500, batch: 1 } },
      }),
    );
    // What was written before the port was open would be thrown away, as on a real line.
    await rig.until("the port to be open", () => rig.lines.some((l) => l["reason"] === "opened"));
    for (const chunk of chunksOf(bytes, seed)) seed === 0 ? pty.write(chunk) : pty.chunk(chunk);
    await rig.until(`${fixes} fixes`, () => fixesOf(ear.heard("log").map((h) => h.body)).length >= fixes);
    const source = () => ear.health?.sources["gnss"];
    const counters = () => source()?.counters ?? {};
    if (fixes > 0) {
      // Health follows a change of state, so a pulled cable brings the last counters.
      await pty.pull();
      await rig.until("the pull in health", () => ["failed", "absent"].includes(source()?.state ?? ""));
    } else await rig.until("all of it in health", () => (counters()["junkBytes"] ?? 0) >= junkBytes);
    const health = counters();
    expect((await rig.stop()).code).toBe(0);
    await ear.settle();
    return { fixes: fixesOf(ear.whole("log")), counters: health };
  } finally {
    await home.close();
    await pty.stop();
    await ear.close();
  }
}

function close(got: number | null, want: number | null | undefined, within: number): boolean {
  if (got === null || want === null || want === undefined) return got === null && (want ?? null) === null;
  return Math.abs(got - want) <= within;
}

/** Feeds a recording and says what is wrong with what arrived, or undefined. */
async function replayed(
  bytes: Uint8Array,
  options: { floor: string; fixes: number; seed: number },
  wrong: (fixes: readonly Fix[], counters: Readonly<Record<string, number>>) => string | undefined,
): Promise<string | undefined> {
  const { fixes, counters } = await replay(bytes, options);
  return wrong(fixes, counters);
}

describe.runIf(hasRecordings())("a recorded receiver on a pty of the running unit", () => {
  it.each(NMEA)(
    "$name arrives at Mosquitto where, when and how well its witness says, however cut",
    async ({ name, floor }) => {
      const { bytes, witness } = loadRecording(name);
      // The same decoder in this process tells only which epoch has which time of day; half of hemi's have no date.
      const known = receive(bytes, [], floor).fixes;
      const runs = [0, 1, 2].map((seed) =>
        replayed(bytes, { floor, fixes: known.length, seed }, (fixes, counters) => {
          if (fixes.length !== known.length) return `${fixes.length} fixes in place of ${known.length}`;
          if (counters["epochs"] !== known.length) return `${counters["epochs"]} epochs counted`;
          for (const { utcMs, lat, lon, mode } of witness) {
            const at = known.findIndex((fix) => fix.todMs === utcMs % DAY_MS);
            const fix = fixes[at]!;
            const undated = Number.isNaN(known[at]!.utcMs);
            const timely = fix.utc === null ? undated : Math.abs(fix.utc - utcMs) <= 1;
            const right = fix.mode === mode && close(fix.lat, lat, 1e-7) && close(fix.lon, lon, 1e-7);
            if (!right || !timely)
              return `${new Date(utcMs).toISOString()}: ${JSON.stringify({ fix, lat, lon, mode })}`;
          }
          return undefined;
        }),
      );
      expect(await Promise.all(runs)).toEqual([undefined, undefined, undefined]);
    },
  );

  it("UBX is counted in health and never published", async () => {
    const names = ["ublox-neo-m8u", "ublox-zed-f9p-rtk"];
    const all = names.map((name) => loadRecording(name).bytes);
    const runs = await Promise.all(
      all.map((bytes) => replay(bytes, { floor: "2014-01-01", fixes: 0, junkBytes: 0.9 * bytes.length })),
    );
    runs.forEach(({ fixes, counters }, i) => {
      expect(fixes).toEqual([]);
      expect(counters["junkBytes"]).toBeGreaterThan(all[i]!.length * 0.9);
    });
  });
});

it("junk between sentences is counted and never published, however cut", async () => {
  const epochs = 60;
  const junk = [
    Buffer.from([0xb5, 0x62, 0x01, 0x07, 0x02, 0x00, 0xff, 0x24, 0x0a, 0x00]),
    Buffer.from("$GNGGA,120000.00,9999.0,N\r\n"),
    Buffer.from(`${epochText(9999, 1000).replace(/\*../, "*00").split("\r\n")[0]}\r\n`),
    Buffer.from("$GNRMC,cut off in the mid"),
    Buffer.alloc(300, "$"),
  ];
  const bytes = Buffer.concat(
    Array.from({ length: epochs }, (_, i) =>
      Buffer.concat([Buffer.from(epochText(i, 1000)), junk[i % junk.length]!, Buffer.from("\r\n")]),
    ),
  );
  const runs = [0, 3].map((seed) =>
    replayed(bytes, { floor: "2026-01-01", fixes: epochs, seed }, (fixes, counters) => {
      const bad = fixes.findIndex(({ lat, lon, utc, mode }, i) => {
        const want = epochFix(i, 1000);
        return !close(lat, want.lat, 1e-8) || !close(lon, want.lon, 1e-8) || utc !== want.utcMs || mode !== 3;
      });
      if (bad >= 0 || fixes.length !== epochs) return `fix ${bad} of ${fixes.length}: ${JSON.stringify(fixes[bad])}`;
      const { epochs: counted, badChecksum, junkBytes = 0 } = counters;
      const right = counted === epochs && badChecksum === epochs / junk.length && junkBytes > epochs;
      return right ? undefined : JSON.stringify(counters);
    }),
  );
  expect(await Promise.all(runs)).toEqual([undefined, undefined]);
});
