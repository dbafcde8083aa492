import { describe, expect, it } from "vitest";
import { type ChainSpec, createChain } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import { QUALITY } from "../../src/model/quality.ts";
import { measureResponse, type Response } from "./response.ts";
import { blockOf, runIn } from "./samples.ts";

const RATE = 800;
const signal: Signal = { unit: "m/s2", rateHz: RATE, range: [-2000, 2000], capacity: 64 };

/** 20 frequencies from far below the cut-off to near half the rate. */
const frequencies = Array.from({ length: 20 }, (_, i) => 2 * 190 ** (i / 19));

/** The Butterworth response of the continuous prototype at the pre-warped frequency: what the bilinear transform gives. */
function butterworth(order: number, ratio: number, high: boolean): Response {
  let magnitude = 1;
  let phase = 0;
  for (let k = 0; k < order / 2; k++) {
    const damping = 2 * Math.cos((Math.PI * (2 * k + 1)) / (2 * order));
    const [re, im] = [1 - ratio * ratio, damping * ratio];
    magnitude *= (high ? ratio * ratio : 1) / Math.hypot(re, im);
    phase += (high ? Math.PI : 0) - Math.atan2(im, re);
  }
  return { db: 20 * Math.log10(magnitude), degrees: (phase * 180) / Math.PI };
}

/** The low-pass prototype of any order at a frequency of either sign, from its poles. */
function prototype(order: number, w: number): Response {
  let magnitude = 1;
  let phase = 0;
  for (let k = 0; k < order; k++) {
    const angle = Math.PI / 2 + (Math.PI * (2 * k + 1)) / (2 * order);
    const [re, im] = [-Math.cos(angle), w - Math.sin(angle)];
    magnitude /= Math.hypot(re, im);
    phase -= Math.atan2(im, re);
  }
  return { db: 20 * Math.log10(magnitude), degrees: (phase * 180) / Math.PI };
}

const warp = (hz: number) => Math.tan((Math.PI * hz) / RATE);

function expectClose(got: Response, want: Response, what: string) {
  expect(Math.abs(got.db - want.db), `${what}: ${got.db} dB, expected ${want.db}`).toBeLessThan(0.1);
  // Far down in the stop band the phase of what is left cannot be told from rounding.
  if (want.db < -150) return;
  const off = ((((got.degrees - want.degrees) % 360) + 540) % 360) - 180;
  expect(Math.abs(off), `${what}: phase`).toBeLessThan(1);
}

describe("Butterworth filters", () => {
  it.each([2, 4, 6, 8])("low_pass of order %i has the analytic magnitude and phase at 20 frequencies", (order) => {
    const chain = () => createChain([{ low_pass: { cutoffHz: 60, order } }], signal);
    for (const hz of frequencies) {
      expectClose(measureResponse(chain(), hz, RATE), butterworth(order, warp(hz) / warp(60), false), `${hz} Hz`);
    }
  });

  it.each([2, 4, 6, 8])("high_pass of order %i has them too", (order) => {
    const chain = () => createChain([{ high_pass: { cutoffHz: 60, order } }], signal);
    for (const hz of frequencies) {
      expectClose(measureResponse(chain(), hz, RATE), butterworth(order, warp(hz) / warp(60), true), `${hz} Hz`);
    }
  });

  it.each([2, 4, 6, 8])("band_pass of order %i has them too", (order) => {
    const [low, high] = [warp(40), warp(120)];
    for (const hz of frequencies) {
      const w = warp(hz);
      // The low-pass prototype of half the order, at the frequency that the band maps to.
      const want = prototype(order / 2, (w * w - low * high) / (w * (high - low)));
      expectClose(
        measureResponse(createChain([{ band_pass: { lowHz: 40, highHz: 120, order } }], signal), hz, RATE),
        want,
        `${hz} Hz`,
      );
    }
  });

  it.each([2, 4, 6, 8])("notch of order %i has them too", (order) => {
    const w0 = warp(50);
    const band = warp(20) * (1 + w0 * w0);
    for (const hz of frequencies) {
      const w = warp(hz);
      const want = prototype(order / 2, (w * band) / (w0 * w0 - w * w));
      expectClose(
        measureResponse(createChain([{ notch: { hz: 50, bandwidthHz: 20, order } }], signal), hz, RATE),
        want,
        `${hz} Hz`,
      );
    }
  });

  it("is 3.01 dB down at the cut-off, wherever that is", () => {
    for (const cutoffHz of [0.5, 5, 100, 390]) {
      const { db } = measureResponse(createChain([{ low_pass: { cutoffHz, order: 4 } }], signal), cutoffHz, RATE);
      expect(db).toBeCloseTo(-3.0103, 2);
    }
  });

  it("starts settled on the first value, and says warmup until a step would have settled", () => {
    const out = runIn(createChain([{ low_pass: { cutoffHz: 20 } }], signal), blockOf(new Array(200).fill(7)), [64]);
    for (const s of out) expect(s.x).toBeCloseTo(7, 12);
    const warm = out.filter((s) => (s.q & QUALITY.warmup) !== 0).length;
    expect(warm).toBeGreaterThan(10);
    expect(warm).toBeLessThan(60);
    expect(out.at(-1)!.q).toBe(0);
  });

  const spec: ChainSpec[] = [{ low_pass: { cutoffHz: 50 } }];

  it("never swallows a value that is not believable, and marks its place", () => {
    const values = Array.from({ length: 100 }, (_, i) => Math.sin(i / 5));
    const marks = values.map((_, i) => (i === 50 ? QUALITY.suspect | QUALITY.range : i === 60 ? QUALITY.missing : 0));
    const spoilt = values.map((v, i) => (i === 50 ? 1e9 : i === 60 ? Number.NaN : v));
    const held = values.map((v, i) => (i === 50 || i === 60 ? values[i - 1]! : v));
    const out = runIn(createChain(spec, signal), blockOf(spoilt, 0, 1.25, marks), [7]);
    const want = runIn(createChain(spec, signal), blockOf(held, 0, 1.25), [64]);
    out.forEach((s, i) => {
      if (i === 60) expect([s.x, s.q & QUALITY.missing]).toEqual([Number.NaN, QUALITY.missing]);
      else expect(s.x).toBe(want[i]!.x);
    });
    expect(out[50]!.q & QUALITY.suspect).toBe(QUALITY.suspect);
    expect(out[99]!.q).toBe(0);
  });

  it("gives no value before the first usable one", () => {
    const out = runIn(
      createChain(spec, signal),
      blockOf([5, 5, 5], 0, 1.25, [QUALITY.suspect, QUALITY.suspect, 0]),
      [3],
    );
    expect(out.slice(0, 2).map((s) => s.x)).toEqual([Number.NaN, Number.NaN]);
    expect(out[2]!.x).toBeCloseTo(5, 12);
    expect(out[0]!.q).toBe(QUALITY.suspect | QUALITY.missing);
  });

  it("starts afresh after a gap longer than it takes to settle", () => {
    const before = blockOf(new Array(64).fill(0), 0, 1.25);
    const chain = createChain(spec, signal);
    runIn(chain, before, [64]);
    const near = createChain(spec, signal);
    runIn(near, before, [64]);
    const [afar] = runIn(chain, blockOf([100, 100], 60_000, 1.25), [2]);
    const [close] = runIn(near, blockOf([100, 100], 64 * 1.25, 1.25), [2]);
    expect(afar!.x).toBeCloseTo(100, 9);
    expect(afar!.q).toBe(QUALITY.warmup);
    expect(close!.x).toBeLessThan(20);
  });
});
