import { z } from "zod";

export const slotNames = ["a", "b"] as const;
export type SlotName = (typeof slotNames)[number];

const slot = z.enum(slotNames);
const reason = z.string().max(2000);

/** What is known about the slots, as it lies on the disk. */
export const slotState = z.strictObject({
  v: z.literal(1),
  /** The slot that counts when no trial runs. */
  active: slot,
  /** Highest serial that was ever taken: nothing older comes back. */
  serial: z.int().min(0),
  /** The machine the unit is on: a slot of another one never runs again. */
  machine: z.string().max(64).optional(),
  trial: z
    .strictObject({
      slot,
      serial: z.int(),
      /** Boot of the last run. */
      boot: z.string().max(64),
      /** Boots in which it ran and came to no end. */
      boots: z.int(),
      /** Runs that ended without a word while the computer went on. */
      crashes: z.int(),
      /** The last run ended in order, or has not begun. */
      orderly: z.boolean(),
      /** Whether the link was up before. */
      connected: z.boolean(),
      /** Parts that did not answer before. */
      absent: z.array(z.string().max(64)).max(256),
    })
    .optional(),
  successors: z.array(z.strictObject({ key: z.string().max(100), by: z.string().max(16) })).max(8),
  retired: z.array(z.string().max(16)).max(32),
  last: z
    .strictObject({
      serial: z.int(),
      outcome: z.enum(["committed", "reverted"]),
      reason,
      told: z.boolean(),
    })
    .optional(),
});
export type SlotState = z.infer<typeof slotState>;

/** How a trial ended. */
export interface Verdict {
  readonly outcome: "committed" | "reverted";
  readonly reason: string;
}

/** Runs that may end without a word within a trial before it is over. */
const MOST_CRASHES = 3;
/** Boots that may cut a trial off: the key is turned often, but a computer that never lasts is not well. */
const MOST_BOOTS = 10;

/**
 * The state with which a run begins, and whether a trial ended by it. A run of the same boot after one that did not end in
 * order is a crash; a new boot is ignition or power, which is no fault of the configuration.
 */
export function beginRun(
  state: SlotState,
  boot: string,
  readable: (slot: SlotName) => boolean,
): { readonly next: SlotState; readonly reverted?: string } {
  const { trial, ...rest } = state;
  if (trial === undefined) return { next: state };
  const sameBoot = trial.boot === boot;
  const crashes = trial.crashes + (sameBoot && !trial.orderly ? 1 : 0);
  const boots = trial.boots + (sameBoot ? 0 : 1);
  const why = !readable(trial.slot)
    ? "its slot cannot be read any more"
    : crashes >= MOST_CRASHES
      ? `the unit ended ${crashes} times without a word`
      : boots >= MOST_BOOTS
        ? `it was cut off ${boots} times before it came to an end`
        : undefined;
  if (why === undefined) return { next: { ...state, trial: { ...trial, boot, boots, crashes, orderly: false } } };
  return {
    next: { ...rest, last: { serial: trial.serial, outcome: "reverted", reason: why, told: false } },
    reverted: why,
  };
}

/** What a trial is judged by. Times in ms. */
export interface TrialFacts {
  readonly samplerRestarts: number;
  /** Since the sampler was last heard. */
  readonly silentMs: number;
  /** Since the last row of telemetry or fix. */
  readonly rowAgeMs: number;
  /** Parts that deliver now. */
  readonly fresh: readonly string[];
  readonly connected: boolean;
  /** Rows that fell out of the sampler's memory, and samples that came into no row. */
  readonly lost: number;
  /** Median lateness of the sampler's loop. */
  readonly latenessMs: number;
  /** Bytes of records made since the start. */
  readonly recordBytes: number;
  /** The ignition is off, or the unit winds down: what falls silent now is no fault of the configuration. */
  readonly ignitionOff: boolean;
}

/** What a trial asks for. */
export interface TrialTerms {
  /** Parts that must deliver. */
  readonly required: readonly string[];
  /** Whether the broker must be reached. */
  readonly link: boolean;
  /** Whether rows must come. */
  readonly rows: boolean;
  /** Bytes a second that the configuration was said to make. */
  readonly plannedBytesPerS: number;
  /** All must be well for this long ... */
  readonly holdMs: number;
  /** ... within this time. */
  readonly limitMs: number;
}

const MOST_RESTARTS = 3;
const SILENT_MS = 5000;
const NO_ROW_MS = 5000;
const LATE_MS = 250;
/** Records may be this many times what was planned, beside a start of some 100 kB (descriptor, events, captures). */
const FLOOD_TIMES = 5;
const FLOOD_START_BYTES = 200_000;

/** Watches one trial; `step` gives the verdict when there is one. */
export function createTrial(terms: TrialTerms, startMs: number) {
  let wellSinceMs: number | undefined;
  let lostBefore: number | undefined;
  let restartsBefore = 0;
  let lastWrong: readonly string[] = [];
  let steppedMs = startMs;
  let pausedMs = 0;
  return {
    step(atMs: number, facts: TrialFacts): Verdict | undefined {
      // The time with the ignition off is not of the trial.
      if (facts.ignitionOff) {
        pausedMs += atMs - steppedMs;
        wellSinceMs = undefined;
      }
      steppedMs = atMs;
      const nowMs = atMs - pausedMs;
      const ranS = Math.max(0, nowMs - startMs) / 1000;
      if (facts.samplerRestarts >= MOST_RESTARTS)
        return { outcome: "reverted", reason: `the sampler ended ${facts.samplerRestarts} times` };
      const planned = FLOOD_START_BYTES + terms.plannedBytesPerS * FLOOD_TIMES * ranS;
      if (facts.recordBytes > planned) {
        const reason = `it floods the spool: ${facts.recordBytes} bytes in ${ranS.toFixed(0)} s, planned were ${Math.round(terms.plannedBytesPerS)} a second`;
        return { outcome: "reverted", reason };
      }
      if (facts.ignitionOff) {
        lostBefore = undefined;
        return undefined;
      }
      const wrong = wrongNow(terms, facts, lostBefore);
      // What it said before it ended is no sign that it is well.
      if (facts.samplerRestarts > restartsBefore) wrong.push("the sampler ended");
      restartsBefore = facts.samplerRestarts;
      lostBefore = facts.lost;
      if (wrong.length > 0) lastWrong = wrong;
      if (wrong.length > 0) wellSinceMs = undefined;
      else wellSinceMs ??= nowMs;
      if (wellSinceMs !== undefined && nowMs - wellSinceMs >= terms.holdMs)
        return { outcome: "committed", reason: `all was well for ${Math.round(terms.holdMs / 1000)} s` };
      if (nowMs - startMs < terms.limitMs) return undefined;
      const reason = `${wrong.length === 0 ? "it was not well for long enough: " : ""}${lastWrong.join("; ")}`;
      return { outcome: "reverted", reason: `after ${ranS.toFixed(0)} s: ${reason}` };
    },
  };
}

function wrongNow(terms: TrialTerms, facts: TrialFacts, lostBefore: number | undefined): string[] {
  const missing = terms.required.filter((name) => !facts.fresh.includes(name));
  const wrong: string[] = [];
  if (facts.silentMs > SILENT_MS) wrong.push(`the sampler has been silent for ${Math.round(facts.silentMs / 1000)} s`);
  if (terms.rows && facts.rowAgeMs > NO_ROW_MS)
    wrong.push(`no row has come for ${Math.round(facts.rowAgeMs / 1000)} s`);
  if (missing.length > 0) wrong.push(`nothing comes from ${missing.join(", ")}`);
  if (terms.link && !facts.connected) wrong.push("the broker is not reached");
  if (lostBefore !== undefined && facts.lost > lostBefore) wrong.push("samples or rows are lost");
  if (facts.latenessMs > LATE_MS) wrong.push(`the sampler's loop is ${Math.round(facts.latenessMs)} ms late`);
  return wrong;
}
