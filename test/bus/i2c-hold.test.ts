import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { holdBack } from "../../src/bus/i2c-hold.ts";

describe("holding back parts that hang", () => {
  const asked: [address: number, atMs: number][] = [];
  let answers: Map<number, "hangs" | "moves">;
  const hold = () =>
    holdBack(async (address) => {
      asked.push([address, Date.now()]);
      return answers.get(address) ?? "hangs";
    });

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
    asked.length = 0;
    answers = new Map();
  });
  afterEach(() => vi.useRealTimers());

  it("asks a part that hangs after 1, 2, 4 … and then every 30 s, and frees it once it does not", async () => {
    const h = hold();
    h.timedOut(0x53);
    expect(h.refusal(0x53)).toMatchObject({ code: "bus/timeout" });
    expect(h.refusal(0x54)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(95_000);
    expect(asked.map(([, atMs]) => atMs / 1000)).toEqual([1, 3, 7, 15, 31, 61, 91]);
    answers.set(0x53, "moves");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(h.refusal(0x53)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked.length).toBe(8);
  });

  it("holds the whole bus only when nothing answered between two parts that timed out", () => {
    const apart = hold();
    apart.timedOut(0x53);
    apart.answered(0x20, false);
    apart.timedOut(0x54);
    expect(apart.refusal(0x20)).toBeUndefined();
    const inRow = hold();
    inRow.timedOut(0x53);
    inRow.timedOut(0x53);
    expect(inRow.refusal(0x20)).toBeUndefined();
    inRow.timedOut(0x54);
    expect(inRow.refusal(0x20)).toMatchObject({ code: "bus/timeout" });
  });

  it("frees a good part within seconds when two bad ones had the whole bus held", async () => {
    const h = hold();
    answers.set(0x20, "moves");
    h.timedOut(0x53);
    h.timedOut(0x54);
    h.refusal(0x20); // somebody wants it
    await vi.advanceTimersByTimeAsync(5000);
    expect(h.refusal(0x20)).toBeUndefined();
    expect(h.refusal(0x53)).toMatchObject({ code: "bus/timeout" });
  });

  it("refuses everybody as busy while a part is being asked", async () => {
    let settle: (answer: "moves") => void = () => {};
    const h = holdBack(() => new Promise((resolve) => (settle = resolve)));
    h.timedOut(0x53);
    await vi.advanceTimersByTimeAsync(1000);
    expect(h.refusal(0x20)).toMatchObject({ code: "bus/busy" });
    settle("moves");
    await vi.advanceTimersByTimeAsync(0);
    expect(h.refusal(0x20)).toBeUndefined();
    expect(h.refusal(0x53)).toBeUndefined();
  });

  it("takes three slow answers in a row, and only in a row, for a part that hangs", () => {
    const h = hold();
    for (const slow of [true, true, false, true, true]) h.answered(0x53, slow);
    expect(h.refusal(0x53)).toBeUndefined();
    h.answered(0x53, true);
    expect(h.refusal(0x53)).toMatchObject({ code: "bus/timeout" });
  });

  it("asks nobody once stopped", async () => {
    const h = hold();
    h.timedOut(0x53);
    h.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual([]);
  });
});
