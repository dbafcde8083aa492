import { createShockDetector, type Shock } from "../../src/dsp/detect/shock.ts";
import { createRing } from "../../src/dsp/ring.ts";
import { createBlackBox } from "../../src/sampler/black-box.ts";
import { block, blowAt, fill, normalFrom, randomFrom, type TestBlow } from "../dsp/detect/blows.ts";

/** What is tried: true peak at the strongest axis (m/s2), length of the pulse (ms), noise (peak over its standard deviation). */
export const PEAKS = [400, 600, 750, 900, 1200, 1800, 2600] as const;
export const PULSES_MS = [1.2, 2.3, 4, 6, 8, 10] as const;
export const SNRS = [20, 40, 100] as const;

const PERIOD_MS = 1.25;
const PER_BLOCK = 16;
const SHARES = [0.6, 0.25, 1] as const;
/** Seconds to learn the noise before shocks begin. */
const LEARN_MS = 11_000;
/** What a capture keeps around a candidate, and the ring it comes from. */
const BEFORE_MS = 500;
const AFTER_MS = 500;
const RING_SAMPLES = 24_000;

export interface Cell {
  readonly peak: number;
  readonly pulseMs: number;
  readonly snr: number;
  shocks: number;
  found: number;
}

export interface GridResult {
  readonly cells: readonly Cell[];
  readonly hours: number;
  /** Candidates that no shock explains, among them rock strikes taken for detonations. */
  falseCandidates: number;
  rocks: number;
  rocksCounted: number;
  /** Captures that were due to a candidate, and those that held every sample from before it to after it. */
  readonly captures: { asked: number; complete: number };
}

/**
 * Simulated shocks in noise of a machine at work (white noise and the hum of the rotor), `everyMs` apart on the average, with
 * rock strikes between them, at 800 samples/s and ±200 g. Each level of noise is a stretch of its own. Everything follows from the seed.
 */
export function runGrid(options: { shocksPerCell: number; everyMs: number; seed: number }): GridResult {
  const { shocksPerCell, everyMs, seed } = options;
  const random = randomFrom(seed);
  const normal = normalFrom(random);
  const result = {
    cells: [] as Cell[],
    hours: 0,
    falseCandidates: 0,
    rocks: 0,
    rocksCounted: 0,
    captures: { asked: 0, complete: 0 },
  };
  for (const peak of PEAKS)
    for (const snr of SNRS) {
      const cells = PULSES_MS.map((pulseMs): Cell => ({ peak, pulseMs, snr, shocks: 0, found: 0 }));
      result.cells.push(...cells);
      stretch(cells, peak / snr, { shocksPerCell, everyMs, random, normal, result });
    }
  return result;
}

interface Around {
  readonly shocksPerCell: number;
  readonly everyMs: number;
  readonly random: () => number;
  readonly normal: () => number;
  readonly result: GridResult & { hours: number };
}

function stretch(
  cells: readonly Cell[],
  rms: number,
  { shocksPerCell, everyMs, random, normal, result }: Around,
): void {
  const plan: { blow: TestBlow; cell: Cell | undefined }[] = [];
  let atMs = LEARN_MS;
  for (let n = 0; n < shocksPerCell * cells.length; n++) {
    const cell = cells[n % cells.length]!;
    const { peak, pulseMs } = cell;
    atMs += everyMs * (0.5 + random());
    plan.push({ blow: { atMs, peak, pulseMs, ringHz: 80 + 80 * random(), decayMs: 20 + 20 * random() }, cell });
    if (n % 3 !== 0) continue;
    // A stone, at a time of its own before the next shock.
    atMs += 600 + 400 * random();
    plan.push({ blow: { atMs, peak: 120 + 280 * random(), pulseMs: 6, ringHz: 90, decayMs: 12 }, cell: undefined });
  }
  const seen: Shock[] = [];
  const rings = SHARES.map(() => createRing(RING_SAMPLES));
  const captures: string[] = [];
  const span = { beforeMs: BEFORE_MS, afterMs: AFTER_MS };
  const box = createBlackBox({
    channels: SHARES.map((_, axis) => ({ name: `axis_${axis}`, unit: "m/s2", resolution: 0.48, lagMs: 45, span })),
    longestMs: 28_000,
    rings,
    emit: (_, json) => captures.push(json),
  });
  const spec = { floor: 600, strikeFloor: 150, k: 12, riseMs: 5, ringSamples: 4, refractoryMs: 250 };
  const detector = createShockDetector(spec, SHARES.length, (s) => {
    seen.push({ ...s });
    if (s.kind === "detonation_candidate") box.trigger({ name: s.kind, detector: "grid", tMs: s.tMs, peak: s.peak });
  });
  const scratch = block(PER_BLOCK);
  const stepMs = PER_BLOCK * PERIOD_MS;
  const endMs = atMs + 4000;
  let first = 0;
  for (let from = 0; from < endMs; from += stepMs) {
    while (first < plan.length && plan[first]!.blow.atMs + 500 < from) first++;
    const near = plan.slice(first, first + 3).map(({ blow }) => blow);
    for (const [axis, share] of SHARES.entries()) {
      const rest = axis === 2 ? 9.81 : 0;
      fill(scratch, from, PERIOD_MS, (t) => {
        const hum = 1.2 * rms * Math.sin((2 * Math.PI * 37 * t) / 1000 + axis);
        const hit = near.reduce((sum, b) => sum + (t < b.atMs ? 0 : blowAt(b, t)), 0);
        return rest + share * (0.5 * rms * normal() + 0.6 * hum + hit);
      });
      rings[axis]!.push(scratch);
      detector.process(axis, scratch);
    }
    for (let k = 0; k < 20 && box.due.dueMs <= from + stepMs; k++) box.due.step(from + stepMs);
  }
  result.hours += endMs / 3_600_000;
  result.captures.asked += seen.filter((s) => s.kind === "detonation_candidate").length;
  result.captures.complete += captures.reduce((n, json) => n + completeIn(json), 0);
  const explained = new Set<Shock>();
  const near = (s: Shock, b: TestBlow) => s.tMs > b.atMs - 20 && s.tMs < b.atMs + 60;
  for (const { blow, cell } of plan) {
    const match = seen.find((s) => near(s, blow));
    if (cell !== undefined) {
      cell.shocks++;
      if (match?.kind === "detonation_candidate") {
        cell.found++;
        explained.add(match);
      }
    } else {
      result.rocks++;
      if (match?.kind === "rock_strike") result.rocksCounted++;
    }
  }
  result.falseCandidates += seen.filter((s) => s.kind === "detonation_candidate" && !explained.has(s)).length;
}

/** How many candidates a capture is complete for: every sample of every axis, evenly, from before the first to after the last. */
function completeIn(json: string): number {
  const { triggers, channels } = JSON.parse(json) as {
    triggers: { at: number }[];
    channels: Record<string, { every?: number; dt?: number; x: (number | null)[] }>;
  };
  const expected = (BEFORE_MS + triggers.at(-1)!.at + AFTER_MS) / PERIOD_MS;
  const whole = (ch: { every?: number; dt?: number; x: (number | null)[] }) =>
    ch.every === undefined && ch.dt !== undefined && Math.abs(ch.x.length - expected) <= 1 && !ch.x.includes(null);
  const all = Object.values(channels);
  return all.length === SHARES.length && all.every(whole) ? triggers.length : 0;
}

/** Above this line none may be missed: true peak in m/s2, length of the pulse in ms, peak over noise. */
export const LINE = { peak: 900, pulseMs: [4, 8], snr: 20 } as const;

export const aboveLine = (c: Cell) =>
  c.peak >= LINE.peak && c.pulseMs >= LINE.pulseMs[0] && c.pulseMs <= LINE.pulseMs[1] && c.snr >= LINE.snr;

/** The table as text. */
export function gridText({ cells, hours, falseCandidates, rocks, rocksCounted, captures }: GridResult): string {
  const shocks = cells.reduce((n, c) => n + c.shocks, 0);
  const over = cells.filter(aboveLine);
  const missed = over.reduce((n, c) => n + c.shocks - c.found, 0);
  const lines = [
    `${shocks} simulated shocks and ${rocks} rock strikes in ${hours.toFixed(2)} h of simulated working noise, three axes at 800 samples/s, ±200 g`,
    "",
    "Share found as a detonation candidate, by true peak (m/s2, at the strongest axis), length of the pulse and peak over noise.",
    "The configured floor is 600 m/s2.",
  ];
  for (const snr of SNRS) {
    lines.push("", `peak over noise ${snr}`, `  peak    ${PULSES_MS.map((p) => `${p} ms`.padStart(8)).join("")}`);
    for (const peak of PEAKS) {
      const row = PULSES_MS.map((pulseMs) => {
        const c = cells.find((x) => x.peak === peak && x.pulseMs === pulseMs && x.snr === snr)!;
        return (c.found / c.shocks).toFixed(2).padStart(8);
      });
      lines.push(`  ${String(peak).padStart(6)}  ${row.join("")}`);
    }
  }
  return [
    ...lines,
    "",
    `The line: peak from ${LINE.peak} m/s2, pulse of ${LINE.pulseMs[0]} to ${LINE.pulseMs[1]} ms, peak over noise from ${LINE.snr}`,
    `  above it: ${over.reduce((n, c) => n + c.shocks, 0)} shocks, ${missed} missed`,
    `False candidates: ${falseCandidates}, ${(falseCandidates / hours).toFixed(2)} in a working hour`,
    `Rock strikes: ${rocksCounted} of ${rocks} counted as such (the others are below 150 m/s2 or within the noise)`,
    `Captures complete: ${captures.complete} of ${captures.asked}`,
    "",
  ].join("\n");
}
