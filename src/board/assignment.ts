import { z } from "zod";

const pin = z.int().min(0).max(127);

/** What the reader of a sub-board is told when it is started: what to set up and what to report. */
export const boardAssignment = z.strictObject({
  inputs: z.array(
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("analog"), pin }),
      z.object({ kind: z.literal("digital"), pin, pullUp: z.boolean() }),
      z.object({ kind: z.literal("pulses"), pin, edge: z.enum(["rising", "falling"]), everyMs: z.int() }),
    ]),
  ),
  samplingMs: z.int(),
  adcBits: z.int(),
  /** Pins of the operator's panel; each may be left out. */
  panel: z.strictObject({
    lampPin: pin.optional(),
    buzzerPin: pin.optional(),
    keyPin: pin.optional(),
    muted: z.boolean(),
  }),
});
export type BoardAssignment = z.infer<typeof boardAssignment>;

/** Kinds of trouble and of presses, in the order in which frames number them. */
export const TROUBLES = ["malformed", "unanswered", "boardResets", "settingsLost", "crashes", "hangs"] as const;
export const PRESSES = ["short", "long", "mute"] as const;

/** With which code the reader ends, so that the sampler can say why it begins anew. */
export const READER_EXITS = { 10: "board-reset", 11: "settings-lost", 12: "no-answer", 13: "refused" } as const;
