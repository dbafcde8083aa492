import { describe, expect, it } from "vitest";
import { SendWindow } from "../../src/uplink/send-window.ts";
import fc from "../properties.ts";

/** Keeps a link of `bytesPerS` and `rttMs` as full as the window allows; returns the worst latency after a settling time. */
function drive(bytesPerS: number, rttMs: number, recordBytes: number, seconds: number) {
  const window = new SendWindow(32);
  const queue: { mark: ReturnType<SendWindow["sent"]>; dueMs: number }[] = [];
  let nowMs = 0;
  let freeAtMs = 0;
  let delivered = 0;
  let worstMs = 0;
  while (nowMs < seconds * 1_000) {
    while (window.hasSlot && window.fits(recordBytes)) {
      freeAtMs = Math.max(nowMs, freeAtMs) + (recordBytes / bytesPerS) * 1_000;
      queue.push({ mark: window.sent(recordBytes, true, nowMs), dueMs: freeAtMs + rttMs });
    }
    const next = queue.shift()!;
    nowMs = next.dueMs;
    window.confirmed(next.mark, recordBytes, true, nowMs);
    delivered += recordBytes;
    if (nowMs > seconds * 200) worstMs = Math.max(worstMs, nowMs - next.mark.sentMs);
  }
  return { window, used: delivered / ((nowMs / 1_000) * bytesPerS), worstMs };
}

describe("the send window", () => {
  it.each([
    [125_000, 300, 2_000],
    [12_500, 300, 1_000],
    [1_250, 200, 400],
    [1_000_000, 40, 1_000],
  ])(
    "keeps a link of %i bytes/s and %i ms busy, and what is sent next waits less than 2 s",
    (bytesPerS, rttMs, bytes) => {
      const { used, worstMs } = drive(bytesPerS, rttMs, bytes, 120);
      const countBound = (32 * bytes * 1_000) / rttMs / bytesPerS;
      expect(used).toBeGreaterThan(0.8 * Math.min(1, countBound));
      expect(worstMs).toBeLessThan(2_000 + rttMs);
    },
  );

  it("never counts below zero nor beyond its limits, whatever is sent and confirmed in whatever order", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 50_000 }), pick: fc.nat(), waitMs: fc.nat(3_000) })),
        (most, steps) => {
          const window = new SendWindow(most);
          const out: { mark: ReturnType<SendWindow["sent"]>; bytes: number }[] = [];
          let nowMs = 0;
          for (const { bytes, pick, waitMs } of steps) {
            nowMs += waitMs;
            if (window.hasSlot && window.fits(bytes)) out.push({ mark: window.sent(bytes, true, nowMs), bytes });
            else {
              const [sent] = out.splice(pick % out.length, 1);
              window.confirmed(sent!.mark, sent!.bytes, true, nowMs);
            }
            expect(window.messages).toBe(out.length);
            expect(window.messages).toBeLessThanOrEqual(most);
            expect(window.bytes).toBeGreaterThanOrEqual(0);
            expect(window.budgetBytes).toBeGreaterThanOrEqual(2_048);
            expect(window.budgetBytes).toBeLessThanOrEqual(256 * 1024);
          }
          for (const { mark, bytes } of out) window.confirmed(mark, bytes, true, nowMs);
          expect(window.messages).toBe(0);
          expect(window.bytes).toBe(0);
        },
      ),
    );
  });

  it("always lets something through when nothing is on its way", () => {
    expect(new SendWindow(1).fits(10_000_000)).toBe(true);
  });
});
