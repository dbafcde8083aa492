import { describe, expect, it } from "vitest";
import { filterNames } from "../../src/dsp/catalogue.ts";
import { type ChainSpec, chainSchema, checkChain, createChain } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import type { StatBlock } from "../../src/dsp/stat-block.ts";
import type { Block } from "../../src/model/block.ts";
import { QUALITY } from "../../src/model/quality.ts";
import fc from "../properties.ts";
import { blockOf, part, runIn, type Sample, samplesOf } from "./samples.ts";

const shock: Signal = { unit: "m/s2", rateHz: 800, range: [-1960, 1960], capacity: 64, ringMs: 30_000 };

const vibration: ChainSpec[] = [
  { calibrate: { scale: 0.98, offset: 0.3 } },
  { median: { window: 5 } },
  { low_pass: { cutoffHz: 100, order: 2 } },
  { decimate: { factor: 16 } },
  { deadband: { band: 2, maxAgeMs: 500 } },
];

const values = fc.array(
  fc.record({
    x: fc.double({ min: -1000, max: 1000, noNaN: true }),
    q: fc.oneof(
      { weight: 9, arbitrary: fc.constant(0) },
      fc.constantFrom(QUALITY.suspect | QUALITY.range, QUALITY.missing, QUALITY.clipped, QUALITY.overrun),
    ),
    gap: fc.oneof({ weight: 20, arbitrary: fc.constant(1.25) }, fc.constantFrom(20, 1000)),
  }),
  { minLength: 1, maxLength: 300 },
);

/** Samples as drawn, as a block. */
function timed(all: readonly { x: number; q: number; gap: number }[]): Block {
  const block = blockOf(all.map((v) => v.x));
  let t = 0;
  all.forEach((v, i) => {
    t += v.gap;
    block.t[i] = t;
    block.q[i] = v.q;
  });
  return block;
}

describe("a chain of filters", () => {
  it("works out unit, rate and range of what comes out", () => {
    const chain = createChain(vibration, shock);
    expect(chain.output).toMatchObject({ unit: "m/s2", stats: true, holdMs: 500 });
    expect(createChain(vibration.slice(0, 4), shock).output).toMatchObject({ rateHz: 50, stats: true });
    expect(createChain([{ calibrate: { scale: -2, offset: 1, unit: "V" } }], shock).output).toMatchObject({
      unit: "V",
      range: [-3919, 3921],
    });
  });

  it("gives the same output however the samples are cut into blocks", () => {
    fc.assert(
      fc.property(values, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }), (all, sizes) => {
        const block = timed(all);
        for (let stages = 1; stages <= vibration.length; stages++) {
          const specs = vibration.slice(0, stages);
          const one = runIn(createChain(specs, { ...shock, capacity: 64 }), block, [1]);
          expect(runIn(createChain(specs, { ...shock, capacity: 64 }), block, sizes)).toEqual(one);
        }
      }),
    );
  });

  it("is not disturbed by other chains, and what it reported holds while they run", () => {
    const others: ChainSpec[][] = [
      vibration,
      vibration.slice(0, 3),
      [{ median: 3 }],
      [{ resample: { rateHz: 1600, maxGapMs: 20 } }],
    ];
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 40 }), (all, size) => {
        const block = timed(all);
        const specs = [...others, vibration];
        const alone = specs.map((of) => runIn(createChain(of, shock), block, [size]));
        const chains = specs.map((of) => createChain(of, shock));
        const together: Sample[][] = specs.map(() => []);
        for (let at = 0; at < block.n; at += size) {
          const outs = chains.map((chain) => chain.process(part(block, at, Math.min(block.n, at + size))));
          outs.forEach((out, k) => {
            together[k]!.push(...samplesOf(out));
          });
        }
        expect(together).toEqual(alone);
      }),
    );
  });

  it("runs linear filters in a row as each would run by itself", () => {
    const linear = fc.constantFrom<ChainSpec>(
      { low_pass: { cutoffHz: 100 } },
      { high_pass: { cutoffHz: 10, order: 4 } },
      { band_pass: { lowHz: 50, highHz: 200, order: 6 } },
      { notch: { hz: 50, bandwidthHz: 20, order: 8 } },
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(values, fc.array(linear, { minLength: 2, maxLength: 4 }), sizes, (all, row, cuts) => {
        // Long enough to have warmed up before the first mark.
        const good = Array.from({ length: 600 }, (_, k) => ({ x: 100 * Math.sin(k * k), q: 0, gap: 1.25 }));
        const block = timed([...good, ...all]);
        const chains = row.map((spec) => createChain([spec], shock));
        const apart = {
          process: (block: Block) => chains.reduce((out, chain) => chain.process(out), block) as StatBlock,
        };
        expect(runIn(createChain(row, shock), block, cuts)).toEqual(runIn(apart, block, cuts));
      }),
    );
  });

  it("gives the same output again after a reset", () => {
    const chain = createChain(vibration, shock);
    const block = blockOf(Array.from({ length: 200 }, (_, i) => Math.sin(i) * 100));
    const first = runIn(chain, block, [50]);
    chain.reset();
    expect(runIn(chain, block, [50])).toEqual(first);
  });

  it("marks a value that is not a number as missing, and takes the value of a missing sample away", () => {
    const out = samplesOf(createChain([], shock).process(blockOf([1, Number.NaN, 3], 0, 1, [0, 0, QUALITY.missing])));
    expect(out.map((s) => [s.x, s.q])).toEqual([
      [1, 0],
      [Number.NaN, QUALITY.missing],
      [Number.NaN, QUALITY.missing],
    ]);
  });

  it("counts samples beyond the block length it was made for and marks the next one", () => {
    const chain = createChain([], { ...shock, capacity: 3 });
    expect(samplesOf(chain.process(blockOf([1, 2, 3, 4, 5])))).toHaveLength(3);
    expect(chain.refused).toBe(2);
    expect(samplesOf(chain.process(blockOf([6, 7], 5))).map((s) => s.q)).toEqual([QUALITY.overrun, 0]);
  });

  it("leaves the block it was given as it was", () => {
    const block = blockOf([1, 2, 3]);
    createChain([{ calibrate: { scale: 2 } }], shock).process(block);
    expect([...block.x]).toEqual([1, 2, 3]);
  });

  it("describes its stages one line each", () => {
    expect(createChain(vibration, shock).describe()).toEqual([
      "calibrate scale 0.98, offset 0.3",
      "median window 5",
      "low_pass cutoffHz 100, order 2",
      "decimate factor 16",
      "deadband band 2, maxAgeMs 500",
    ]);
  });
});

describe("checking a chain", () => {
  const check = (specs: ChainSpec[], input: Partial<Signal> = {}) =>
    checkChain(specs, { ...shock, ...input }).map(({ index, key, message }) => `${index} ${key}: ${message}`);

  it("finds nothing wrong with a right one", () => {
    expect(check(vibration)).toEqual([]);
  });

  it("refuses a low-pass at or above half the sample rate, counted after decimation", () => {
    expect(check([{ low_pass: { cutoffHz: 400 } }])[0]).toMatch(/^0 low_pass.cutoffHz: .*400 Hz/);
    expect(check([{ decimate: { factor: 16 } }, { low_pass: { cutoffHz: 30 } }])[0]).toMatch(/^1 low_pass.cutoffHz/);
    const { rateHz: _rate, ...irregular } = shock;
    expect(checkChain([{ low_pass: { cutoffHz: 1 } }], irregular)[0]!.message).toMatch(/regular rate/);
  });

  it("refuses blocks longer than it works on", () => {
    expect(check([], { capacity: 65_537 })).toEqual([expect.stringMatching(/^0 : blocks of 65537 samples/)]);
    const optimistic = { heartbeat: { periodMs: 1, optimistic: true, maxGapMs: 62_000 } };
    expect(check([{ resample: { rateHz: 10, maxGapMs: 100 } }, optimistic], { capacity: 1 })[0]).toMatch(/65536/);
  });

  it("refuses bounds of another quantity", () => {
    expect(check([{ clamp: { max: 3, unit: "kPa" } }])[0]).toMatch(/clamp.unit: .*kPa.*pressure, not acceleration/);
  });

  it("refuses a window that looks back further than the ring", () => {
    expect(check([{ median: { window: 101 } }], { ringMs: 100 })[0]).toMatch(/^0 median.window: .*ring/);
  });

  it("names an unknown filter with the right names, and goes on", () => {
    const [unknown, above] = checkChain([{ medain: {} }, { low_pass: { cutoffHz: 999 } }], shock);
    expect(unknown).toMatchObject({ index: 0, key: "medain", known: filterNames });
    expect(above).toMatchObject({ index: 1, key: "low_pass.cutoffHz" });
    expect(checkChain([{ constructor: {} }], shock)).toHaveLength(1);
  });

  it("names an unknown parameter with the right names", () => {
    const [problem] = checkChain([{ median: { windw: 5 } }], shock);
    expect(problem).toMatchObject({
      index: 0,
      key: "median.windw",
      known: ["window", "windowMs", "sendEvery", "sendFirstAt"],
    });
  });

  it("takes the one parameter of a filter without its name", () => {
    expect(createChain([{ median: 3 }, { decimate: 4 }], shock).describe()).toEqual([
      "median window 3",
      "decimate factor 4",
    ]);
  });

  it("refuses a list item that is not one filter", () => {
    expect(chainSchema.safeParse([{ median: {}, clamp: {} }]).success).toBe(false);
    expect(chainSchema.safeParse(["median"]).success).toBe(false);
    expect(chainSchema.safeParse(vibration).success).toBe(true);
  });

  it("throws the first problem when a wrong chain is made all the same", () => {
    expect(() => createChain([{ medain: {} }], shock)).toThrow(RangeError);
  });
});
