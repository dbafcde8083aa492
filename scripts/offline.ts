import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type OfflineFigures, offline } from "../test/rigs/offline.ts";
import { offlineUnit, toldBy } from "../test/rigs/offline-unit.ts";

/**
 * Days without a link, written at full rate as fast as it goes, and drained into `swath hq` over 1 Mbit/s and 300 ms of round
 * trip. Prints the figures and ends with 0 when all of them hold. Long form: npm run offline
 */
const { values } = parseArgs({
  options: {
    hours: { type: "string", default: "72" },
    result: { type: "string" },
    unit: { type: "string" },
  },
});
if (values.unit !== undefined) await offlineUnit(toldBy(values.unit));

const LINK = { bytesPerS: 125_000, latencyMs: 150 };
const hours = Number(values.hours);
const f = await offline({ hours, hq: true, ...LINK, script: fileURLToPath(import.meta.url), timeoutMs: 3_600_000 });
const text = table(f);
console.log(text);
if (values.result !== undefined) writeFileSync(values.result, `${text}\n`);
const holds =
  f.timesRealTime >= 20 &&
  f.live.p99 < 2000 &&
  f.events.p99 < 2000 &&
  thirtyDays(f.spoolBytes) <= 1e9 &&
  f.atHq === f.records;
process.exit(holds ? 0 : 1);

function thirtyDays(bytes: number): number {
  return (bytes / hours) * 720;
}

function table(of: OfflineFigures): string {
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const ms = (s: OfflineFigures["live"]) => `p50 ${s.p50} ms, p99 ${s.p99} ms, most ${s.most} ms of ${s.heard}`;
  const { rssMb } = of;
  return [
    `${hours} h without a link at full rate (25 channels × mean/min/max, 7 states, position), npm run offline`,
    "",
    `records                     ${of.records}, written in ${of.wroteSeconds.toFixed(0)} s (${Math.round((hours * 3600) / of.wroteSeconds)} × real time)`,
    `on the card                 ${mb(of.spoolBytes)}; 30 days ${mb(thirtyDays(of.spoolBytes))} (limit 1000 MB)`,
    `bodies                      ${mb(of.payloadBytes)}, ${(of.payloadBytes / hours / 3600).toFixed(1)} bytes a machine-second`,
    `as JSON columns             ${mb(of.jsonBytes)}; 30 days ${mb(thirtyDays(of.jsonBytes))}`,
    `drained into the database   ${of.atHq} of ${of.records} in ${of.drainSeconds.toFixed(0)} s over 1 Mbit/s and 300 ms: ${Math.round(of.timesRealTime)} × real time (at least 20)`,
    `live meanwhile              ${ms(of.live)} (300 ms of round trip included)`,
    `events meanwhile            ${ms(of.events)}`,
    `RSS of the unit's process   ${rssMb.early.toFixed(0)} MB early, ${rssMb.written.toFixed(0)} MB when written, at most ${rssMb.most.toFixed(0)} MB while it drained, ${rssMb.drained.toFixed(0)} MB at the end`,
  ].join("\n");
}
