import { z } from "zod";
import { IGNITION, WIND_DOWN } from "./power.ts";
import { TRUST } from "./time.ts";
import { UNIT_CODES } from "./units.ts";

export { LANES, type Lane } from "./lane.ts";

const hash = z.string().regex(/^[0-9a-f]{16}$/);
const column = z.array(z.number().nullable());
const utc = z.iso.datetime({ precision: 3 }).describe("UTC of `mono`; absent while time is unknown");
const mono = z.number().min(0).describe("ms since boot, monotonic, of the first sample or of the event");
const trust = z.enum(TRUST).describe("where UTC came from, weakest first");
const boot = z.string().min(8).max(64).describe("id of this boot");
const unsent = z
  .strictObject({ event: z.int(), log: z.int(), bulk: z.int() })
  .describe("records per lane that the broker has not acknowledged");

const unconfirmed = z
  .strictObject({ event: z.int(), log: z.int(), bulk: z.int() })
  .describe(
    "records per lane that the broker has and HQ's database has not confirmed; only where HQ's word frees them",
  );

/** What every record carries. `seq` is given when the record becomes durable, before any attempt to send. */
const envelope = {
  v: z.literal(1).describe("version of this form"),
  seq: z.int().min(1).describe("number in its lane, without a hole within one spool"),
  spool: z
    .string()
    .min(8)
    .max(64)
    .describe("id of the spool that numbered it; `(unit, spool, lane, seq)` names a record"),
  boot,
  mono,
  t: utc.optional(),
  trust,
  unc: z.number().min(0).optional().describe("uncertainty of `t` in ms"),
};

const columns = {
  desc: hash.describe("hash of the descriptor that says what the columns are"),
  n: z.int().min(1).max(3600).describe("number of rows"),
  c: z.record(z.string(), column).describe("columns by name; null where there is no value"),
  q: z
    .record(z.string(), z.array(z.int().min(0)))
    .optional()
    .describe("quality bits of each row, only for columns that are not all good"),
};

const telemetry = z
  .strictObject({
    ...envelope,
    kind: z.literal("telemetry"),
    ...columns,
    dt: z.number().positive().describe("ms from row to row; row i began at `mono` + i × `dt`"),
  })
  .describe("Statistics of the channels on an even grid of rows.");

const track = z
  .strictObject({
    ...envelope,
    kind: z.literal("track"),
    ...columns,
    at: z.array(z.number().min(0)).describe("when each row was, in ms after `mono`"),
  })
  .describe("Fixes of the receiver, each at its own time.");

const calibrated = {
  by: z.string().describe("who measured it"),
  at: z.string().describe("when, in UTC"),
  unit: z.string().describe("the unit it was measured with"),
};

/** One channel of a descriptor: what its columns mean. */
export const descriptorChannel = z.strictObject({
  label: z.string().describe("words for a person"),
  unit: z.enum(UNIT_CODES).describe("UCUM code from the closed list"),
  range: z.tuple([z.number(), z.number()]).describe("what the source can deliver"),
  resolution: z.number().positive().describe("smallest step that is sent"),
  source: z.string().describe("part and channel of its table"),
  sources: z
    .array(z.string())
    .min(2)
    .optional()
    .describe(
      "all its sources, best first; the column `<channel>.src` says which spoke last in a row: its place here, from 0",
    ),
  table: z.enum(["telemetry", "track"]).describe("kind of the records that hold its columns"),
  columns: z.array(z.string()).min(1).describe("names of its columns"),
  rateHz: z.number().positive().optional().describe("samples per second behind the filters, when regular"),
  filters: z.array(z.string()).describe("the filter chain, stage by stage"),
  calibration: z
    .strictObject({
      kind: z.enum(["depth", "tilt", "rotor"]),
      ...calibrated,
      uncertainty: z
        .number()
        .min(0)
        .describe("standard uncertainty: m of a depth, degrees of a tilt, share of a rotor's speed"),
    })
    .optional()
    .describe("which calibration made the values; absent where there is none"),
  codes: z.array(z.string()).optional().describe("words for its values, when they are codes from 0 on"),
  simulated: z.boolean().optional().describe("made by a simulator: never evidence"),
});

/** The body of a descriptor, over which its hash is taken. */
export const descriptorBody = z.strictObject({
  machine: z.string().describe("the machine; stays when units are swapped"),
  unit: z.string().describe("the unit"),
  config: hash.describe("hash of the configuration in force"),
  quality: z.record(z.string(), z.int()).describe("quality bits by name"),
  leverArm: z
    .strictObject({
      ...calibrated,
      forwardM: z.number(),
      rightM: z.number(),
      upM: z.number(),
      uncertaintyM: z.number().min(0).describe("standard uncertainty"),
    })
    .optional()
    .describe(
      "where the antenna is, seen from the middle of the tool's edge on the ground, in m; positions are of the antenna",
    ),
  channels: z.record(z.string(), descriptorChannel).describe("channels by name"),
});
export type Descriptor = z.infer<typeof descriptorBody>;

const desc = z
  .strictObject({ ...envelope, kind: z.literal("desc"), hash: hash.describe("hash of `body`"), body: descriptorBody })
  .describe("What the columns mean, at every start of the unit. HQ keeps all of them by hash.");

const anchor = z
  .strictObject({
    ...envelope,
    kind: z.literal("anchor"),
    offsetMs: z.number().describe("UTC in ms since 1970 is `mono` + this, within ± `unc`"),
  })
  .describe("How `mono` of this boot maps to UTC. Earlier records of the boot are resolved by it, never rewritten.");

const outage = z
  .strictObject({
    ...envelope,
    kind: z.literal("outage"),
    from: z.number().describe("mono at which measuring ended"),
    to: z.number().describe("mono at which it went on"),
    reason: z.enum(["sampler-restart", "sampler-stalled", "unit-restart", "link-overflow"]),
  })
  .describe("Nothing was measured between two instants of this boot, and why.");

const gap = z
  .strictObject({
    ...envelope,
    kind: z.literal("gap"),
    from: z.int().min(1).describe("first missing number, the same as `seq`"),
    to: z.int().min(1).describe("last missing number"),
    reason: z
      .enum(["thinned", "disk-full", "corrupt", "capture-dropped", "poison", "freed"])
      .describe("`freed`: acknowledged before, and asked for again when they were no longer kept"),
  })
  .describe("Records of this lane do not exist any more, and why. It is sent in their place.");

/** How bad an event is, least first. */
export const SEVERITIES = ["info", "warning", "alarm"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What an event says beside its place and time. */
export const eventFields = {
  name: z
    .string()
    .regex(/^[a-z0-9_]+$/)
    .describe(
      "what happened, such as `source_state`, `source_switch`, `recovery_hook`, `detonation_candidate`, or the name of a limit",
    ),
  severity: z.enum(SEVERITIES),
  source: z.string().optional().describe("the part it is about"),
  detail: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
};

const event = z
  .strictObject({ ...envelope, kind: z.literal("event"), ...eventFields })
  .describe(
    "Something happened: a source changed its state, a limit was reached or left, a shock was felt (docs/detectors.md).",
  );

/** What a capture says beside its place and time, which is that of its first trigger. */
export const captureFields = {
  detector: z.string().describe("the detector whose trigger came first"),
  triggers: z
    .array(z.strictObject({ name: eventFields.name, at: z.number().describe("ms after `mono`") }))
    .min(1)
    .max(64)
    .describe("the events it was kept for, by name and time"),
  peak: z.number().min(0).describe("greatest peak of them: when the disk is full the smallest goes first"),
  channels: z
    .record(
      z.string(),
      z.strictObject({
        unit: z.enum(UNIT_CODES),
        t0: z.number().describe("first sample, in ms after `mono`; negative before it"),
        dt: z.number().positive().optional().describe("ms from sample to sample, when they are even"),
        at: column.optional().describe("when each sample was, in ms after `t0`, when they are not"),
        every: z.int().min(2).optional().describe("of each so many samples only the strongest was kept"),
        x: column.describe("samples as they came, before any filter; null where there is none"),
        q: z
          .union([z.int(), z.array(z.int())])
          .optional()
          .describe("quality bits of all samples, or of each"),
      }),
    )
    .describe("by name: `unit`, `t0`, `dt` or `at`, `every`, `x`, `q`"),
};

const capture = z
  .strictObject({ ...envelope, kind: z.literal("capture"), ...captureFields })
  .describe(
    "The black box: the samples of every channel from before a trigger to after it. A channel has its `unit`; its first sample is `t0` ms after `mono` (negative before it); samples are `dt` ms apart, or `at` says when each was, in ms after `t0`; `every` says that only the strongest of each so many was kept; `x` is the samples as they came, before any filter; `q` is the quality bits of all, or of each.",
  );

/** Every kind of record, by name. */
export const RECORDS = { telemetry, track, event, capture, desc, anchor, outage, gap } as const;

/** A record: what becomes durable and is sent as one message. */
export const wireRecord = z.discriminatedUnion("kind", [telemetry, track, desc, anchor, outage, gap, event, capture]);
export type WireRecord = z.infer<typeof wireRecord>;
export type RecordKind = WireRecord["kind"];

/** A record before it has its place in the spool. */
export type DraftOf<K extends RecordKind> = Omit<Extract<WireRecord, { kind: K }>, "seq" | "spool">;
export type Draft = { [K in RecordKind]: DraftOf<K> }[RecordKind];

/** States of a source, as the driver's recovery ladder moves it. */
export const SOURCE_STATES = ["absent", "starting", "running", "degraded", "failed"] as const;
export type SourceState = (typeof SOURCE_STATES)[number];

/**
 * How a part was recognised, strongest first: by an identity register, by reading back what was written, by its acknowledge or a
 * checked answer, by check sums of what it sends unasked; `none`: not at all, or not since it was last lost.
 */
export const VERIFIED = ["id", "readback", "ack-only", "sentences", "none"] as const;
export type Verified = (typeof VERIFIED)[number];

/** Why a unit started, as far as that can be told. */
export const BOOT_REASONS = ["first", "ignition", "planned", "crash", "watchdog", "brown-out", "power-cut"] as const;

/** Why a sampler ended: it showed no sign of life and was killed, it died, it ended by itself, it could not be started. */
export const SAMPLER_ENDS = ["hung", "died", "ended", "not-started"] as const;
export type SamplerEnd = { readonly cause: (typeof SAMPLER_ENDS)[number]; readonly words: string };

/** Whether the memory on the machine's harness agrees with the configuration. */
const harnessWord = z.enum(["unknown", "right", "wrong"]);
export type HarnessWord = z.infer<typeof harnessWord>;

/** Retained `state`, and the last will with `state: lost`. Never holds a position. */
export const stateMessage = z.strictObject({
  v: z.literal(1).describe("version of this form"),
  state: z.enum(["online", "sleeping", "offline", "lost"]).describe("`lost` is the last will: gone without a word"),
  boot,
  machine: z.string().describe("the machine; stays when units are swapped"),
  harness: harnessWord
    .optional()
    .describe("`wrong`: the memory on the harness says that this is another machine; only where one is configured"),
  software: z.string(),
  config: hash.describe("hash of the configuration in force"),
  desc: hash.describe("hash of the descriptor in force"),
  spool: z.string().describe("id of the spool that numbers records now"),
  unsent,
  unconfirmed: unconfirmed.optional(),
  bootReason: z
    .enum(BOOT_REASONS)
    .optional()
    .describe(
      "why the unit started: `ignition` power came after a planned stop or after the ignition was off, `planned` restarted in order, `crash` restarted after it had died, `watchdog` or `brown-out` reset the computer, `power-cut` the power or the kernel went without a word (which of the two cannot be told), `first` nothing is known of a run before",
    ),
  trust,
  sampler: z.enum(["starting", "running", "restarting"]).describe("the acquisition process"),
  samplerEnd: z
    .strictObject({ cause: z.enum(SAMPLER_ENDS), words: z.string().describe("the same for a person") })
    .optional()
    .describe("why the acquisition process was started anew the last time, where it was since the unit started"),
  sources: z.record(z.string(), z.enum(SOURCE_STATES)).describe("state of every part by name"),
  bundle: z
    .strictObject({
      serial: z.int().describe("serial of the signed configuration that runs"),
      trial: z.boolean().describe("it is on trial: it goes back to the one before when it does not do well"),
      last: z.string().optional().describe("what became of the newest one, for a person"),
      rehearsal: z
        .string()
        .optional()
        .describe("what the newest one would have made of the last seconds and of a recording, in a line"),
      refused: z.string().optional().describe("the newest that was refused since the start, and why"),
    })
    .optional()
    .describe("which signed configuration runs, where one does"),
  mono,
  t: utc.optional(),
});
export type StateMessage = z.infer<typeof stateMessage>;

/** `live`: the newest row and the newest fix. */
export const liveMessage = z.strictObject({
  v: z.literal(1).describe("version of this form"),
  boot,
  mono,
  t: utc.optional(),
  trust,
  desc: hash.describe("hash of the descriptor that says what the columns are"),
  c: z.record(z.string(), z.number().nullable()).describe("newest value of each column; null where there is none"),
  q: z.record(z.string(), z.int()).optional().describe("quality bits of the columns that are not good"),
});
export type LiveMessage = z.infer<typeof liveMessage>;

/** The retained `desc`: the descriptor as in its record, without the place in a lane. */
export const descMessage = z.strictObject({
  v: z.literal(1).describe("version of this form"),
  kind: z.literal("desc"),
  hash: hash.describe("hash of `body`"),
  body: descriptorBody,
});

/** Health of one source: its state, how it was verified, and every counter that is not zero. */
export const sourceHealth = z.strictObject({
  state: z.enum(SOURCE_STATES),
  part: z.string().describe("which part it is, by its name in the catalogue"),
  verified: z
    .enum(VERIFIED)
    .default("none")
    .describe(
      "how the part was recognised: `id` its identity was read, `readback` what was written to it was read back, `ack-only` it answered when it was spoken to, `sentences` what it sends unasked has good check sums, `none` not at all or not since it was last lost",
    ),
  lastSampleMono: z.number().optional().describe("mono of its newest sample"),
  counters: z.record(z.string(), z.int()).describe("since the sampler started; counters at 0 are left out"),
});
export type SourceHealth = z.infer<typeof sourceHealth>;

/** Samples that came into no row, per channel and kind; channels and kinds without any are left out. */
export const channelLosses = z.record(z.string(), z.record(z.string(), z.int()));

/** `health`, one a minute, retained. Never holds a position. */
export const healthMessage = z.strictObject({
  v: z.literal(1).describe("version of this form"),
  boot,
  mono,
  t: utc.optional(),
  uptimeS: z.number().describe("since the unit process started, in s"),
  rssMb: z
    .strictObject({ unit: z.number(), sampler: z.number().optional() })
    .describe("memory of the two processes in MB"),
  cpuTempCel: z.number().optional().describe("temperature of the processor in °C"),
  undervoltage: z.boolean().optional().describe("the supply of the Pi is too low"),
  diskFreeMb: z.number().optional(),
  spool: z.strictObject({
    unsent,
    unconfirmed: unconfirmed.optional(),
    bytes: z.int().describe("bytes the spool takes on disk"),
    state: z.enum(["ok", "degraded", "failed"]).describe("`failed`: records are kept in memory only"),
  }),
  link: z.strictObject({
    connected: z.boolean(),
    connects: z.int(),
    refused: z.int(),
    protocol: z.enum(["3.1.1", "5"]).optional().describe("MQTT version of the connection"),
    certificateExpires: z.iso.datetime({ precision: 3 }).optional().describe("when the certificate of this unit ends"),
  }),
  sampler: z.strictObject({
    restarts: z.int(),
    latenessP50Ms: z.number().optional().describe("median lateness of its loop in the last 2 s"),
    latenessMaxMs: z.number().optional().describe("greatest lateness of its loop in the last 2 s"),
    framesLost: z.int().describe("rows that fell out of its outbox before they were durable"),
    losses: channelLosses.describe(
      "samples that came into no row, by channel: `late` after its row was closed, `refused` in a block too long, `jumps` of their clock",
    ),
  }),
  sources: z.record(z.string(), sourceHealth).describe("every part by name"),
  power: z
    .strictObject({
      ignition: z
        .enum(IGNITION)
        .describe("`leaving`: off, not yet for long enough; `unknown`: no usable sample, or the machine plainly runs"),
      windDown: z
        .enum(WIND_DOWN)
        .describe(
          "`winding` makes the last rows durable, `asked` wants the computer switched off, `going` it is being switched off, `stayed` that failed and the unit goes on",
        ),
    })
    .optional()
    .describe("the ignition, where it is sensed"),
  display: sourceHealth.optional().describe("the operator's display, where there is one; nothing is measured with it"),
});
export type HealthMessage = z.infer<typeof healthMessage>;
