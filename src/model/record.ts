import { z } from "zod";
import { TRUST } from "./time.ts";
import { UNIT_CODES } from "./units.ts";

/** Lanes, most important first: an ordered stream of records of one importance. */
export const LANES = ["event", "log", "bulk"] as const;
export type Lane = (typeof LANES)[number];

const hash = z.string().regex(/^[0-9a-f]{16}$/);
const column = z.array(z.number().nullable());

/** What every record carries. `seq` is given when the record becomes durable, before any attempt to send. */
const envelope = {
  v: z.literal(1),
  seq: z.int().min(1),
  spool: z.string().min(8).max(64),
  boot: z.string().min(8).max(64),
  mono: z.number().min(0),
  t: z.iso.datetime({ precision: 3 }).optional(),
  trust: z.enum(TRUST),
  unc: z.number().min(0).optional(),
};

/** Rows as columns at even spacing: `n` rows, `dt` ms apart, the first at `mono`. Null where there is no value. */
const telemetry = z.strictObject({
  ...envelope,
  kind: z.literal("telemetry"),
  desc: hash,
  n: z.int().min(1).max(3600),
  dt: z.number().positive(),
  c: z.record(z.string(), column),
  q: z.record(z.string(), z.array(z.int().min(0))).optional(),
});

/** Fixes as columns at their own times: `at` holds the offset of each from `mono` in ms. */
const track = z.strictObject({
  ...envelope,
  kind: z.literal("track"),
  desc: hash,
  n: z.int().min(1).max(3600),
  at: z.array(z.number().min(0)),
  c: z.record(z.string(), column),
  q: z.record(z.string(), z.array(z.int().min(0))).optional(),
});

/** One channel of a descriptor: what a column means. */
export const descriptorChannel = z.strictObject({
  label: z.string(),
  unit: z.enum(UNIT_CODES),
  range: z.tuple([z.number(), z.number()]),
  resolution: z.number().positive(),
  source: z.string(),
  table: z.enum(["telemetry", "track"]),
  columns: z.array(z.string()).min(1),
  rateHz: z.number().positive().optional(),
  filters: z.array(z.string()),
  simulated: z.boolean().optional(),
});

/** The body of a descriptor, over which its hash is taken. */
export const descriptorBody = z.strictObject({
  machine: z.string(),
  unit: z.string(),
  config: hash,
  quality: z.record(z.string(), z.int()),
  channels: z.record(z.string(), descriptorChannel),
});
export type Descriptor = z.infer<typeof descriptorBody>;

const desc = z.strictObject({ ...envelope, kind: z.literal("desc"), hash, body: descriptorBody });

/** How `mono` maps to UTC from here on; earlier records of the same boot are resolved by it, never rewritten. */
const anchor = z.strictObject({ ...envelope, kind: z.literal("anchor"), offsetMs: z.number() });

/** Nothing was measured between `from` and `to` (mono of `boot`), and why. */
const outage = z.strictObject({
  ...envelope,
  kind: z.literal("outage"),
  from: z.number(),
  to: z.number(),
  reason: z.enum(["sampler-restart", "sampler-stalled", "unit-restart", "link-overflow"]),
  source: z.string().optional(),
});

/** Records `from` to `to` of this lane do not exist any more, and why. It is sent in their place. */
const gap = z.strictObject({
  ...envelope,
  kind: z.literal("gap"),
  from: z.int().min(1),
  to: z.int().min(1),
  reason: z.enum(["thinned", "disk-full", "corrupt", "capture-dropped", "poison"]),
});

/** Something happened: a source changed its state, a limit was crossed. */
const event = z.strictObject({
  ...envelope,
  kind: z.literal("event"),
  name: z.string().regex(/^[a-z0-9_]+$/),
  severity: z.enum(["info", "warning", "alarm"]),
  source: z.string().optional(),
  detail: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
});

/** A record: what becomes durable and is sent as one message. */
export const wireRecord = z.discriminatedUnion("kind", [telemetry, track, desc, anchor, outage, gap, event]);
export type WireRecord = z.infer<typeof wireRecord>;
export type RecordKind = WireRecord["kind"];

/** A record before it has its place in the spool. */
export type DraftOf<K extends RecordKind> = Omit<Extract<WireRecord, { kind: K }>, "seq" | "spool">;
export type Draft = { [K in RecordKind]: DraftOf<K> }[RecordKind];

/** States of a source, as the driver's recovery ladder moves it. */
export const SOURCE_STATES = ["absent", "starting", "running", "degraded", "failed"] as const;
export type SourceState = (typeof SOURCE_STATES)[number];

/** How a part was recognised: by an identity register, by reading back what was written, or only by its acknowledge. */
export const VERIFIED = ["id", "readback", "ack-only", "sentences"] as const;

/** Retained `state`, and the last will with `state: lost`. Never holds a position. */
export const stateMessage = z.strictObject({
  v: z.literal(1),
  state: z.enum(["online", "sleeping", "offline", "lost"]),
  boot: z.string(),
  machine: z.string(),
  software: z.string(),
  config: hash,
  desc: hash,
  spool: z.string(),
  unsent: z.strictObject({ event: z.int(), log: z.int(), bulk: z.int() }),
  trust: z.enum(TRUST),
  sampler: z.enum(["starting", "running", "restarting"]),
  sources: z.record(z.string(), z.enum(SOURCE_STATES)),
  mono: z.number(),
  t: z.iso.datetime({ precision: 3 }).optional(),
});
export type StateMessage = z.infer<typeof stateMessage>;

/** `live`: the newest row and the newest fix. */
export const liveMessage = z.strictObject({
  v: z.literal(1),
  boot: z.string(),
  mono: z.number(),
  t: z.iso.datetime({ precision: 3 }).optional(),
  trust: z.enum(TRUST),
  desc: hash,
  c: z.record(z.string(), z.number().nullable()),
  q: z.record(z.string(), z.int()).optional(),
});
export type LiveMessage = z.infer<typeof liveMessage>;

/** Health of one source: its state, how it was verified, and every counter that is not zero. */
export const sourceHealth = z.strictObject({
  state: z.enum(SOURCE_STATES),
  part: z.string(),
  verified: z.enum(VERIFIED).optional(),
  lastSampleMono: z.number().optional(),
  counters: z.record(z.string(), z.int()),
});
export type SourceHealth = z.infer<typeof sourceHealth>;

/** `health`, one a minute, retained. Never holds a position. */
export const healthMessage = z.strictObject({
  v: z.literal(1),
  boot: z.string(),
  mono: z.number(),
  t: z.iso.datetime({ precision: 3 }).optional(),
  uptimeS: z.number(),
  rssMb: z.strictObject({ unit: z.number(), sampler: z.number().optional() }),
  cpuTempCel: z.number().optional(),
  undervoltage: z.boolean().optional(),
  diskFreeMb: z.number().optional(),
  spool: z.strictObject({
    unsent: z.strictObject({ event: z.int(), log: z.int(), bulk: z.int() }),
    bytes: z.int(),
    state: z.enum(["ok", "degraded", "failed"]),
  }),
  link: z.strictObject({
    connected: z.boolean(),
    connects: z.int(),
    refused: z.int(),
    protocol: z.enum(["3.1.1", "5"]).optional(),
  }),
  sampler: z.strictObject({
    restarts: z.int(),
    latenessP50Ms: z.number().optional(),
    latenessMaxMs: z.number().optional(),
    framesLost: z.int(),
  }),
  sources: z.record(z.string(), sourceHealth),
});
export type HealthMessage = z.infer<typeof healthMessage>;
