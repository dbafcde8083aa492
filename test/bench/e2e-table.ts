import type { Verdict } from "./e2e-check.ts";

/** One round of one peer. */
export interface Measured {
  readonly peer: string;
  readonly cpuSPerMin: number;
  readonly cpuByProcess: readonly number[];
  readonly pssMb: number;
  /** From the start of the process to its first position at the subscriber. */
  readonly startS: number;
  readonly switchesPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly verdict: Verdict;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Prints what was measured, medians of the rounds, with ratios and goals; returns the figures. */
export function tellTable(rounds: readonly Measured[]): Record<string, number> {
  const names = [...new Set(rounds.map((r) => r.peer))];
  const mid = (peer: string, of: (m: Measured) => number) => median(rounds.filter((r) => r.peer === peer).map(of));
  const figures: Record<string, number> = {};
  console.log(
    "| peer | CPU s/min | ÷ C | PSS MB | start → position s | p50 ms | p99 ms | p50 ÷ C | switches/s | positions | lost |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|---|---|");
  const ratio = (peer: string, of: (m: Measured) => number) =>
    names.includes("C") ? (mid(peer, of) / mid("C", of)).toFixed(1) : "–";
  const cpu = (m: Measured) => m.cpuSPerMin;
  const p50 = (m: Measured) => m.p50Ms;
  for (const name of names) {
    const mine = rounds.filter((r) => r.peer === name);
    const sum = (of: (v: Verdict) => number) => mine.reduce((n, m) => n + of(m.verdict), 0);
    const cells = [
      name,
      mid(name, cpu).toFixed(2),
      ratio(name, cpu),
      mid(name, (m) => m.pssMb).toFixed(1),
      mid(name, (m) => m.startS).toFixed(2),
      mid(name, p50).toFixed(2),
      mid(name, (m) => m.p99Ms).toFixed(2),
      ratio(name, p50),
      mid(name, (m) => m.switchesPerS).toFixed(0),
      sum((v) => v.fixes),
      sum((v) => v.lost),
    ];
    console.log(`| ${cells.join(" | ")} |`);
    figures[`${name} CPU s/min`] = mid(name, cpu);
    figures[`${name} p50 ms`] = mid(name, p50);
    figures[`${name} PSS MB`] = mid(name, (m) => m.pssMb);
  }
  for (const { peer, verdict } of rounds) {
    for (const what of verdict.wrong.slice(0, 5)) console.log(`wrong from ${peer}: ${what}`);
    if (verdict.seconds === 0) console.log(`no statistics from ${peer}`);
    if (verdict.skippedFirst > 0 && verdict.lost === 0) {
      console.log(`${peer}: ${verdict.skippedFirst} positions were not told live, a newer one had taken their place`);
    }
    if (verdict.stalled) console.log(`${peer} did not read for a while: the feeder left bytes out`);
  }
  if (!names.includes("Swath")) return figures;
  const processes = rounds
    .find((r) => r.peer === "Swath")!
    .cpuByProcess.map((_, i) => mid("Swath", (m) => m.cpuByProcess[i] ?? 0));
  console.log(`Swath's processes, CPU s/min: ${processes.map((s) => s.toFixed(2)).join(" + ")} (unit, sampler)`);
  const goal = (what: string, peer: string, of: (m: Measured) => number, limit: number) => {
    if (!names.includes(peer)) return;
    const is = mid("Swath", of) / mid(peer, of);
    figures[`Swath ${what} / ${peer}`] = is;
    console.log(`${what}: ${is.toFixed(2)} × ${peer}, goal ≤ ${limit.toFixed(2)}: ${is <= limit ? "met" : "not met"}`);
  };
  goal("CPU", "Node-RED", cpu, 1 / 3);
  goal("CPU", "Python", cpu, 1.2);
  goal("p50 on live", "C", p50, 3);
  return figures;
}
