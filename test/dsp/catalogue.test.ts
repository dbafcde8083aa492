import { describe, expect, it } from "vitest";
import { filterExamples } from "../../scripts/filter-examples.ts";
import { filterNames, filters } from "../../src/dsp/catalogue.ts";
import { type ChainSpec, createChain } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import type { Block } from "../../src/model/block.ts";
import { QUALITY } from "../../src/model/quality.ts";
import fc from "../properties.ts";
import { blockOf, runIn } from "./samples.ts";

function inputFor(name: string): Signal {
  const signal: Signal = { unit: filterExamples[name]!.unit ?? "m/s2", range: [-20, 20], capacity: 40, ringMs: 60_000 };
  return name === "debounce" ? signal : { ...signal, rateHz: 100 };
}

const make = (name: string) => createChain([{ [name]: filterExamples[name]!.params }], inputFor(name));

const samples = fc.array(
  fc.record({
    x: fc.oneof(
      fc.double({ min: -20, max: 20, noNaN: true }),
      fc.integer({ min: -2, max: 2 }),
      fc.constant(Number.NaN),
    ),
    q: fc.oneof(
      { weight: 8, arbitrary: fc.constant(0) },
      fc.constantFrom(QUALITY.suspect | QUALITY.range, QUALITY.missing, QUALITY.clipped, QUALITY.overrun),
    ),
    gap: fc.oneof({ weight: 15, arbitrary: fc.constant(10) }, fc.constantFrom(0, 3, 150, 30_000)),
  }),
  { minLength: 1, maxLength: 120 },
);

function toBlock(all: { x: number; q: number; gap: number }[]): Block {
  const block = blockOf(
    all.map((s) => s.x),
    0,
    1,
    all.map((s) => s.q),
  );
  let t = 0;
  all.forEach((s, i) => {
    t += s.gap;
    block.t[i] = t;
  });
  return block;
}

it("has an example for every filter and none besides", () => {
  expect(Object.keys(filterExamples).sort()).toEqual([...filterNames].sort());
  expect(new Set(filterNames).size).toBe(filterNames.length);
});

describe.each([...filterNames])("%s", (name) => {
  it("gives the same output however the samples are cut into blocks, and again after a reset", () => {
    fc.assert(
      fc.property(samples, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }), (all, sizes) => {
        const block = toBlock(all);
        const one = runIn(make(name), block, [1]);
        const chain = make(name);
        expect(runIn(chain, block, sizes)).toEqual(one);
        chain.reset();
        expect(runIn(chain, block, sizes)).toEqual(one);
      }),
      { numRuns: 40 },
    );
  });

  it("says missing exactly where it has no value, never turns back in time, and keeps within its capacity", () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 40 }), (all, size) => {
        const chain = make(name);
        let lastMs = -Infinity;
        for (const s of runIn(chain, toBlock(all), [size])) {
          expect(Number.isFinite(s.x)).toBe((s.q & QUALITY.missing) === 0);
          expect(s.t).toBeGreaterThanOrEqual(lastMs);
          lastMs = s.t;
        }
        expect(chain.process(toBlock(all.slice(0, 40))).n).toBeLessThanOrEqual(chain.output.capacity);
      }),
      { numRuns: 40 },
    );
  });

  it("refuses a parameter it does not know, naming those it does", () => {
    const plan = filters[name]!.plan(inputFor(name), { ...filterExamples[name]!.params, nonsense: 1 });
    expect(plan).toMatchObject({
      ok: false,
      problems: [{ key: "nonsense", known: Object.keys(filters[name]!.params.shape) }],
    });
  });
});

describe("a chain of everything that keeps its rate", () => {
  it("runs", () => {
    const specs: ChainSpec[] = ["calibrate", "plausible", "median", "hampel", "low_pass", "slew_limit"].map((name) => ({
      [name]: filterExamples[name]!.params,
    }));
    const out = runIn(createChain(specs, inputFor("median")), blockOf(new Array(100).fill(1), 0, 10), [40]);
    expect(out).toHaveLength(100);
  });
});
