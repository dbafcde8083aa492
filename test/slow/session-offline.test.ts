import { join } from "node:path";
import { expect, it } from "vitest";
import { offline } from "../rigs/offline.ts";

/** Compiled by the build that the test command begins with. */
const script = join(import.meta.dirname, "../../dist/scripts/offline.js");
/** Hours in thirty days, and what a spool may take for them. */
const [MONTH_HOURS, MONTH_BYTES] = [720, 1e9];

it("a unit that was two hours without a link drains at 20 times real time and more, while live and events pass by", async () => {
  const hours = 2;
  const f = await offline({ hours, hq: false, bytesPerS: 125_000, latencyMs: 150, script, timeoutMs: 100_000 });
  console.log(JSON.stringify(f));
  expect(f.records).toBe(1 + (hours * 3600) / 5);
  expect(f.timesRealTime).toBeGreaterThan(20);
  expect(f.live.heard).toBeGreaterThan(5);
  expect(f.live.p50).toBeLessThan(2_000);
  expect(f.events.p50).toBeLessThan(2_000);
  expect(f.rssMb.most - f.rssMb.written).toBeLessThan(60);
  const monthOf = (bytes: number) => (bytes / hours) * MONTH_HOURS;
  expect(monthOf(f.payloadBytes)).toBeLessThan(MONTH_BYTES / 2);
  // Negative control: as JSON columns thirty days would not fit.
  expect(monthOf(f.jsonBytes)).toBeGreaterThan(MONTH_BYTES);
}, 300_000);
