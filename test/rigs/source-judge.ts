import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect } from "vitest";
import type { SourceMutant } from "./source-mutants.ts";

/** The vectors of a part. */
export const goldenOf = (part: string) =>
  JSON.parse(readFileSync(resolve(import.meta.dirname, `../golden/${part}.json`), "utf8"));
export const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

/** Whether a module contradicts the vectors; one that throws does. */
type Contradicts<M> = (module: M) => boolean;

/** Has the vectors read every mutant; prints the rate and what was not found. `explained` are slips that mean the same. */
export function judge<M>(
  table: string,
  { original, mutants }: { original: M; mutants: readonly SourceMutant<M>[] },
  contradicts: Contradicts<M>,
  explained: readonly RegExp[] = [],
): void {
  expect(contradicts(original), `${table} as it is`).toBe(false);
  const survivors = mutants.filter((mutant) => {
    try {
      return !contradicts(mutant.load());
    } catch {
      return false;
    }
  });
  const titles = survivors.map((s) => s.title);
  const same = titles.filter((title) => explained.some((e) => e.test(title)));
  const rate = (100 * (mutants.length - survivors.length)) / mutants.length;
  console.log(
    `${table}: ${mutants.length} mistakes, ${rate.toFixed(1)} % found, ${same.length} mean the same${titles.map((s) => `\n  not found: ${s}`).join("")}`,
  );
  expect(mutants.length).toBeGreaterThan(10);
  expect(titles.filter((title) => !same.includes(title))).toEqual([]);
}

export const close = (x: number, y: number | null) =>
  y === null ? Number.isNaN(x) : Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(y));
export const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
