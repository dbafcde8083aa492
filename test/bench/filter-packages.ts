import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AXES, FRAME_BYTES } from "./filter-frames.ts";

/** What people compose such a chain of today, fixed so that the figures mean the same thing tomorrow. */
const PACKAGES = [
  "median@0.0.2",
  "fili@2.0.3",
  "rxjs@7.8.2",
  "@stdlib/stats-incr-mean@0.2.3",
  "@stdlib/stats-incr-min@0.2.3",
  "@stdlib/stats-incr-max@0.2.3",
  "@stdlib/stats-incr-stdev@0.2.3",
];
const COUNT = 0.049 * 9.80665;

/** Installs them in a folder of their own and returns it. */
export function installPackages(): string {
  const folder = mkdtempSync(join(tmpdir(), "swath-bench-npm-"));
  writeFileSync(join(folder, "package.json"), "{}");
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...PACKAGES], {
    cwd: folder,
    stdio: "ignore",
  });
  return folder;
}

function values(frames: Uint8Array, each: (axis: number, value: number) => void): void {
  const bytes = Buffer.from(frames.buffer, frames.byteOffset, frames.length);
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
    for (let axis = 0; axis < AXES; axis++) each(axis, 0.98 * bytes.readInt16LE(at + 2 * axis) * COUNT + 0.3);
  }
}

/** median + fili + stdlib: the same maths from packages. */
export function createPackageChains(folder: string, report: () => void) {
  const load = createRequire(join(folder, "package.json"));
  const median: any = load("median");
  const fili: any = load("fili");
  const make = (name: string) => load(`@stdlib/stats-incr-${name}`);
  const coefficients = new fili.CalcCascades().lowpass({ order: 1, characteristic: "butterworth", Fs: 800, Fc: 100 });
  const axes = Array.from({ length: AXES }, () => ({
    window: [] as number[],
    filter: new fili.IirFilter(coefficients),
    stats: ["mean", "min", "max", "stdev"].map((name) => make(name)()),
    n: 0,
    last: [] as number[],
  }));
  return {
    run(frames: Uint8Array): void {
      values(frames, (axis, value) => {
        const a = axes[axis]!;
        a.window.push(value);
        if (a.window.length > 5) a.window.shift();
        const y: number = a.filter.singleStep(median(a.window));
        const now: number[] = a.stats.map((s) => s(y));
        if (++a.n < 16) return;
        a.n = 0;
        a.stats = ["mean", "min", "max", "stdev"].map((name) => make(name)());
        if (a.last.length > 0 && now.slice(0, 3).every((v, i) => Math.abs(v - a.last[i]!) <= 5)) return;
        a.last = now;
        report();
      });
    },
  };
}

/** rxjs: the same chain as operators, one subject an axis. */
export function createRxChains(folder: string, section: any, report: () => void) {
  const load = createRequire(join(folder, "package.json"));
  const { Subject, scan, map, bufferCount, filter }: any = load("rxjs");
  const subjects = Array.from({ length: AXES }, () => {
    const subject = new Subject();
    let last: number[] = [];
    subject
      .pipe(
        scan((w: number[], x: number) => [...w.slice(-4), x], []),
        map((w: number[]) => [...w].sort((a, b) => a - b)[w.length >> 1]),
        scan(
          (s: any, u: number) => {
            const y = section.b0 * u + s.s1;
            return { y, s1: section.b1 * u - section.a1 * y + s.s2, s2: section.b2 * u - section.a2 * y };
          },
          { y: 0, s1: 0, s2: 0 },
        ),
        map((s: any) => s.y),
        bufferCount(16),
        map((b: number[]) => [
          b.reduce((x, y) => x + y, 0) / 16,
          Math.min(...b),
          Math.max(...b),
          Math.sqrt(b.reduce((x, y) => x + y * y, 0) / 16),
        ]),
        filter((now: number[]) => {
          if (last.length > 0 && now.slice(0, 3).every((v, i) => Math.abs(v - last[i]!) <= 5)) return false;
          last = now;
          return true;
        }),
      )
      .subscribe(report);
    return subject;
  });
  return { run: (frames: Uint8Array) => values(frames, (axis, value) => subjects[axis].next(value)) };
}
