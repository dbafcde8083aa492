import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { filterExamples } from "../../scripts/filter-examples.ts";
import { filterNames } from "../../src/dsp/catalogue.ts";
import { createChain } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import { createBlock } from "../../src/model/block.ts";
import { QUALITY } from "../../src/model/quality.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

function inputFor(name: string): Signal {
  const signal: Signal = { unit: filterExamples[name]!.unit ?? "m/s2", range: [-20, 20], capacity: 40, ringMs: 60_000 };
  return name === "debounce" ? signal : { ...signal, rateHz: 100 };
}

const make = (name: string) => createChain([{ [name]: filterExamples[name]!.params }], inputFor(name));

describe.each([...filterNames])("%s", (name) => {
  it("allocates nothing in steady state", () => {
    const chain = make(name);
    const block = createBlock(32);
    block.n = 32;
    let ms = 0;
    const drive = (blocks: number) => {
      for (let k = 0; k < blocks; k++) {
        for (let i = 0; i < 32; i++) {
          ms += 10;
          block.t[i] = ms;
          block.x[i] = 5 * Math.sin(ms / 70) + 0.125 * (i % 5);
          block.q[i] = k % 3 === 0 && i === 7 ? QUALITY.suspect : 0;
        }
        chain.process(block);
      }
    };
    let least = Infinity;
    // On a busy machine the compiler's own thread comes late: until it has been, numbers lie on the heap.
    const endMs = performance.now() + 20_000;
    for (let stretch = 0; (stretch < 100 || performance.now() < endMs) && least > 1; stretch++) {
      drive(200);
      collect();
      const before = process.memoryUsage().heapUsed;
      drive(300);
      least = Math.min(least, (process.memoryUsage().heapUsed - before) / (300 * 32));
    }
    expect(least).toBeLessThan(1);
  });
});
