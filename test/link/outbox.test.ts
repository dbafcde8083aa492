import { describe, expect, it } from "vitest";
import { createOutbox } from "../../src/link/outbox.ts";

function fill(holdMs: number, maxBytes = 1e9) {
  const lost: [number, number][] = [];
  const outbox = createOutbox({ holdMs, maxBytes, onLost: (from, to) => lost.push([from, to]) });
  for (let s = 0; s < 200; s++) outbox.add(s * 1000, (number) => Uint8Array.of(number));
  return { outbox, lost };
}

describe("the outbox of unacknowledged frames", () => {
  it("keeps 120 s of frames while the unit hangs, and says which span fell out beyond that", () => {
    const { outbox, lost } = fill(120_000);
    expect(outbox.length).toBe(121);
    expect(outbox.lost).toBe(79);
    expect(lost[0]).toEqual([0, 1000]);
    expect(lost.at(-1)).toEqual([78_000, 79_000]);
    expect(outbox.firstKept).toBe(80);
  });

  it("forgets what is acknowledged and sends the rest again in order", () => {
    const { outbox } = fill(1e9);
    outbox.ack(198);
    expect(outbox.after(0)?.bytes[0]).toBe(199);
    expect(outbox.after(199)?.bytes[0]).toBe(200);
    expect(outbox.after(200)).toBeUndefined();
    outbox.ack(500);
    expect(outbox.length).toBe(0);
    expect(outbox.firstKept).toBe(201);
  });

  it("is bounded in bytes as well", () => {
    expect(fill(1e9, 10).outbox.length).toBe(10);
  });
});
