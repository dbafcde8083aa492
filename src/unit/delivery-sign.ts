import type { Lamp } from "../model/operator.ts";

/** How long the lamp says what became of a delivery, in ms: long enough to look up from the stick and count twice. */
const SHOWN_MS = 20_000;
/** A delivery that is being read for longer than this, in ms, says nothing any more. */
const READING_MS = 600_000;

export type Delivery = Extract<Lamp, "reading" | "accepted" | "refused">;

/**
 * What is shown of the newest delivery, a bundle or what a stick asked for: that it is being read, then for some seconds what
 * became of it. It outlives the unit that a new configuration ends.
 */
export function createDeliverySign(nowMs: () => number) {
  let newest: Delivery | undefined;
  let sinceMs = Number.NEGATIVE_INFINITY;
  const now = () => (nowMs() - sinceMs < (newest === "reading" ? READING_MS : SHOWN_MS) ? newest : undefined);
  return {
    show(delivery: Delivery): void {
      // A stick may bring two things: that one was refused is not hidden by the other.
      if (delivery === "accepted" && now() === "refused") return;
      newest = delivery;
      sinceMs = nowMs();
    },
    /** Undefined when there is nothing to say. */
    now,
  };
}
export type DeliverySign = ReturnType<typeof createDeliverySign>;
