import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { HANGS, type HangRound, hangStays, runHangs } from "../rigs/hangs.ts";

const ROUNDS = Number(process.env["SWATH_HANG_ROUNDS"] ?? HANGS.length);
const UNITS = Math.min(ROUNDS, 10);
const LIMIT_MS = 35_000;

it("a sampler that hangs is started anew within 35 s, and the next birth says that it hung; fed by a timer, it stays", async () => {
  const began = performance.now();
  const [rounds, stayed] = await Promise.all([runHangs(ROUNDS, UNITS), hangStays(LIMIT_MS)]);
  const words = report(rounds, stayed, performance.now() - began);
  console.log(words);
  const file = process.env["SWATH_HANG_RESULT"];
  if (file !== undefined) writeFileSync(file, words);
  expect(rounds).toHaveLength(ROUNDS);
  for (const round of rounds) {
    expect(round.cause, JSON.stringify(round)).toBe("hung");
    expect(round.words).toMatch(/^no sign of life for \d+ s; it was killed$/);
    expect(round.restartMs, JSON.stringify(round)).toBeLessThanOrEqual(LIMIT_MS);
  }
  expect(stayed).toBe(true);
}, 3_600_000);

function report(rounds: readonly HangRound[], stayed: boolean, ms: number): string {
  const good = (r: HangRound) => r.cause === "hung" && r.restartMs <= LIMIT_MS;
  const lines = HANGS.map((hang) => {
    const of = rounds.filter((r) => r.hang === hang);
    const birth = Math.max(...of.map((r) => r.birthMs / 1000));
    const times = of.map((r) => r.restartMs / 1000).sort((a, b) => a - b);
    const [median, worst] = [times[Math.floor(times.length / 2)] ?? Number.NaN, times.at(-1) ?? Number.NaN];
    return `${hang.padEnd(17)} ${of.filter(good).length} of ${of.length} restarted within 35 s with the cause; restart after ${median.toFixed(1)} s in the median, ${worst.toFixed(1)} s at most; birth ${birth.toFixed(1)} s at most`;
  });
  return [
    `hangs of the sampler: ${rounds.filter(good).length} of ${rounds.length} ended in a restart within 35 s with the cause in the next birth, in ${Math.round(ms / 1000)} s with ${UNITS} units beside each other`,
    ...lines,
    `control, fed by a timer and not by progress: the hang ${stayed ? "stayed for 35 s" : "did NOT stay"}`,
    "",
  ].join("\n");
}
