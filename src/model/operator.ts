import { z } from "zod";

/** What the operator's lamp says, in words of the panel and of the page in the cab; the first that holds is shown. */
export const LAMPS = [
  "switching_off",
  "reading",
  "accepted",
  "refused",
  "fault",
  "trial",
  "no_fix",
  "degraded",
  "ok",
] as const;
export type Lamp = (typeof LAMPS)[number];

/**
 * What the operator's display shall show: the first line at double size, the others below it; as many as it has room for, of
 * at most 21 letters of ASCII.
 */
export const screen = z
  .array(z.string().regex(/^[\x20-\x7e]{0,21}$/))
  .min(1)
  .max(8);
export type Screen = z.infer<typeof screen>;

/**
 * What an operator can mark; each becomes an event `mark` with `detail.kind`. `no_detonation` is the answer to a candidate that
 * was none.
 */
export const MARK_KINDS = ["mine_found", "detonation", "no_detonation", "breakdown", "standby"] as const;
export type MarkKind = (typeof MARK_KINDS)[number];

/** Where a mark came from: the key of the panel, the page in the cab, a person at HQ. */
export const MARK_ORIGINS = ["key", "cab", "hq"] as const;
export type MarkOrigin = (typeof MARK_ORIGINS)[number];

/** `detail` of an event `mark`. */
export const markDetail = z.strictObject({
  kind: z.enum(MARK_KINDS),
  origin: z.enum(MARK_ORIGINS),
});
export type MarkDetail = z.infer<typeof markDetail>;

/** What a person says about a detonation candidate; each becomes an event of this name. */
export const VERDICTS = ["detonation_confirmed", "detonation_rejected"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** `detail` of a verdict: which candidate it is about, by `boot` and `mono` of its event, and who said so. */
export const verdictDetail = z.strictObject({
  ofBoot: z.string(),
  ofMono: z.number(),
  origin: z.enum(MARK_ORIGINS),
});
