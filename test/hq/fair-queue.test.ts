import { describe, expect, it } from "vitest";
import { createFairQueue } from "../../src/hq/ingest/fair-queue.ts";
import { formatRuns, parseRuns } from "../../src/hq/ingest/runs.ts";
import { laneWatermark } from "../../src/hq/ingest/watermark.ts";

describe("the queue of HQ's ingester", () => {
  const item = (unit: string, n: number) => ({ unit, bytes: 10, n });

  it("gives one message of each unit in turn, in each unit's own order", () => {
    const queue = createFairQueue<ReturnType<typeof item>>({ maxItems: 100, maxBytes: 1e6 });
    for (let n = 1; n <= 5; n++) queue.push(item("a", n));
    queue.push(item("b", 1));
    queue.push(item("c", 1));
    const order = queue.take(5, 1e6).map(({ unit, n }) => `${unit}${n}`);
    expect(order).toEqual(["a1", "b1", "c1", "a2", "a3"]);
    expect(queue.take(9, 1e6).map(({ n }) => n)).toEqual([4, 5]);
    expect([queue.items, queue.bytes]).toEqual([0, 0]);
  });

  it("gives at least one message, however long, and no more than fit", () => {
    const queue = createFairQueue<ReturnType<typeof item>>({ maxItems: 100, maxBytes: 1e6 });
    for (let n = 1; n <= 5; n++) queue.push(item("a", n));
    expect(queue.take(5, 1)).toHaveLength(1);
    expect(queue.take(5, 25)).toHaveLength(3);
  });

  it("turns away only the unit that fills it, and only when it is nearly full", () => {
    const queue = createFairQueue<ReturnType<typeof item>>({ maxItems: 100, maxBytes: 1e6 });
    const taken = Array.from({ length: 200 }, (_, n) => queue.push(item("flood", n))).filter((x) => x).length;
    expect(taken).toBe(75);
    expect(Array.from({ length: 20 }, (_, n) => queue.push(item(`calm-${n % 4}`, n))).every((x) => x)).toBe(true);
  });
});

describe("numbers as the database keeps them", () => {
  it("are read and written as they stand", () => {
    for (const text of ["{}", "{[1,2)}", "{[1,100),[105,106),[9007199254740000,9007199254740990)}"])
      expect(formatRuns(parseRuns(text).runs)).toBe(text);
  });
});

describe("a watermark", () => {
  it("names what is missing below the newest number", () => {
    expect(
      laneWatermark(
        10,
        [
          [3, 4],
          [7, 7],
        ],
        10,
      ),
    ).toEqual({ upTo: 10, missing: [3, 4, 7] });
  });
  it("stays below the first hole that is too young to be asked for", () => {
    expect(
      laneWatermark(
        10,
        [
          [3, 4],
          [7, 7],
        ],
        6,
      ),
    ).toEqual({ upTo: 6, missing: [3, 4] });
    expect(laneWatermark(10, [[3, 4]], 0)).toEqual({ upTo: 2, missing: [] });
  });
  it("names at most 64 numbers, the oldest", () => {
    const { upTo, missing } = laneWatermark(1000, [[1, 500]], 1000);
    expect([upTo, missing.length, missing[0], missing.at(-1)]).toEqual([1000, 64, 1, 64]);
  });
});
