import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BURST, CHAIN_SET, type SetChain, samplesOf } from "./filter-set.ts";
import type { Question } from "./filter-set-worker.ts";
import type { HeapCost } from "./heap-cost.ts";

const SAMPLES = 32_768;

/**
 * Each chain of the set beside the same chain in C (`program`, or undefined where there is no compiler): first both must
 * report the same, then rounds take turns. Then the cost of more channels and of higher orders.
 */
export async function runChainSet(program: string | undefined, folder: string, rounds: number): Promise<void> {
  const child = fork(join(import.meta.dirname, "filter-set-worker.js"), [String(SAMPLES)], {
    execArgv: ["--expose-gc"],
  });
  const ask = async (question: Question) => {
    child.send(question);
    return (await once(child, "message"))[0] as unknown;
  };
  try {
    const all = CHAIN_SET.map((chain) => ({
      chain,
      path: join(folder, `${chain.name}.bin`),
      c: [] as number[],
      full: [] as number[],
      ts: [] as number[],
    }));
    for (const { chain, path } of all) {
      writeFileSync(path, new Uint8Array(samplesOf(chain, SAMPLES).buffer));
      if (program !== undefined) {
        const rows = (await ask({ do: "rows", name: chain.name })) as number[];
        compare(chain, inC(program, "verify", chain, path), rows);
        compare(chain, inC(program, "verify-full", chain, path), rows);
      }
      await ask({ do: "passes", name: chain.name, passes: 40 });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { chain, path, c, full, ts } of all) {
        if (program !== undefined) {
          c.push(...timeC(program, "time", chain, path, 8));
          full.push(...timeC(program, "time-full", chain, path, 8));
        }
        ts.push(...((await ask({ do: "passes", name: chain.name, passes: 8 })) as number[]));
      }
    }
    console.log("ns per sample of more chains, C and TypeScript in turns; least (median); steady-state allocation");
    console.log("C has values and nothing else; C full takes and reports instants and quality too, as TypeScript does");
    for (const { chain, c, full, ts } of all) {
      const { bytesPerM, gcPerM } = (await ask({ do: "heap", name: chain.name })) as HeapCost;
      const time = (of: number[]) => `${at(of, 0).toFixed(2).padStart(6)} (${at(of, 0.5).toFixed(2).padStart(6)})`;
      const ratio = (of: number[]) =>
        `${(at(ts, 0) / at(of, 0)).toFixed(2)} (${(at(ts, 0.5) / at(of, 0.5)).toFixed(2)})`.padStart(12);
      console.log(
        `${chain.name.padEnd(9)} C ${time(c)}  C full ${time(full)}  TypeScript ${time(ts)} ${ratio(c)} × C ${ratio(full)} × C full   ` +
          `${Math.round(bytesPerM)} bytes, ${gcPerM.toFixed(2)} collections per million samples`,
      );
    }
    const growth = async (by: "channels" | "order", steps: readonly number[]) => {
      const costs = steps.map((): number[] => []);
      // The first round warms up.
      for (let round = 0; round < 6; round++) {
        for (const [k, of] of steps.entries()) {
          const times = (await ask({ do: by, of, passes: 10 })) as number[];
          if (round > 0) costs[k]!.push(...times);
        }
      }
      return steps.map((of, k) => `${of}: ${at(costs[k]!, 0).toFixed(2)}`).join("  ");
    };
    console.log(`ns per sample of the vibration chain by channels   ${await growth("channels", [1, 4, 16, 64, 256])}`);
    console.log(`ns per sample of a low-pass by order               ${await growth("order", [2, 4, 6, 8])}`);
  } finally {
    child.kill();
  }
}

function inC(
  program: string,
  how: "verify" | "verify-full",
  { name, coefficients }: SetChain,
  path: string,
): Float64Array {
  const args = [how, name, path, String(BURST), ...coefficients.map(String)];
  return new Float64Array(new Uint8Array(execFileSync(program, args, { maxBuffer: 1 << 26 })).buffer);
}

function timeC(
  program: string,
  how: "time" | "time-full",
  { name, coefficients }: SetChain,
  path: string,
  passes: number,
): number[] {
  const args = [how, name, path, String(BURST), String(passes), ...coefficients.map(String)];
  return execFileSync(program, args, { encoding: "utf8" }).trim().split("\n").map(Number);
}

/** Both report the same to 1e-9, or the comparison means nothing. */
function compare({ name }: SetChain, c: Float64Array, ours: readonly number[]): void {
  if (ours.length !== c.length || c.length === 0)
    throw new Error(`${name}: C reports ${c.length} numbers, TypeScript ${ours.length}`);
  const wrong = c.findIndex((v, i) => !(Math.abs(ours[i]! - v) <= 1e-9 * Math.max(1, Math.abs(v))));
  if (wrong >= 0) throw new Error(`${name}: number ${wrong} is ${c[wrong]} in C, ${ours[wrong]} in TypeScript`);
}

/** A quantile; NaN of nothing. */
function at(values: readonly number[], p: number): number {
  return values.toSorted((a, b) => a - b)[Math.round(p * (values.length - 1))] ?? Number.NaN;
}
