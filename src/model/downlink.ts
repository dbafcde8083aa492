import { z } from "zod";
import { LANES, SEVERITIES } from "./record.ts";

const utc = z.iso.datetime({ precision: 3 });
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const seq = z.int().min(1);

/** A signed text, as `ack` and `cmd` carry it. */
export const signedText = z
  .strictObject({
    v: z.literal(1).describe("version of this form"),
    key: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .describe("first 8 bytes of the SHA-256 of the raw public key"),
    sig: z.base64().length(88).describe("ed25519 signature of the bytes of `text`, 64 bytes in base64"),
    text: z.string().max(1_000_000).describe("JSON of what is said"),
  })
  .describe(
    "Signed are the bytes of `text` as they stand, so no canonical form of JSON is needed; nothing in `text` is parsed before the signature holds.",
  );
export type SignedText = z.infer<typeof signedText>;

/** What is committed of one lane in HQ's database: all up to a number but those it lacks. */
export const laneWatermark = z.strictObject({
  upTo: z.int().min(0).describe("newest number that HQ has"),
  missing: z
    .array(seq)
    .max(64)
    .describe(
      "numbers up to `upTo` that HQ lacks, oldest first; when there are 64 of them, more may be missing above the last one",
    ),
});
export type LaneWatermark = z.infer<typeof laneWatermark>;

/** The text of `ack`: the commit watermark of one spool of one unit. */
export const ackText = z.strictObject({
  kind: z.literal("ack"),
  unit: id.describe("the unit it is for"),
  spool: z.string().min(8).max(64).describe("the spool whose numbers these are"),
  lanes: z.partialRecord(z.enum(LANES), laneWatermark),
  at: utc.describe("when HQ said so"),
});
export type AckText = z.infer<typeof ackText>;

/** What HQ can ask of a unit. None of them moves the machine. */
export const COMMAND_OPS = ["rebirth", "config", "snapshot", "locate"] as const;

/** The text of `cmd`. */
export const cmdText = z.strictObject({
  kind: z.literal("cmd"),
  unit: id.describe("the unit it is for"),
  id: id.describe("names the command; `rsp` repeats it"),
  serial: z.int().min(1).describe("grows with every command to this unit: an older one is refused"),
  expires: utc.describe("from then on it is refused, when the unit knows the time"),
  op: z.enum(COMMAND_OPS),
  args: z.record(z.string(), z.unknown()).optional(),
});
export type CmdText = z.infer<typeof cmdText>;

/** `rsp`: the answer to a command. */
export const rspMessage = z.strictObject({
  v: z.literal(1).describe("version of this form"),
  id: id.describe("of the command"),
  ok: z.boolean(),
  reason: z.string().describe("one line for a person: what was done, or why not"),
  detail: z.record(z.string(), z.unknown()).optional(),
});
export type RspMessage = z.infer<typeof rspMessage>;

/** `alerts`: every alarm that stands now. Never holds a position. */
export const alertsMessage = z.strictObject({
  v: z.literal(1).describe("version of this form"),
  boot: z.string().min(8).max(64),
  mono: z.number().min(0).describe("ms since boot"),
  t: utc.optional(),
  alerts: z.array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9_]+$/),
      severity: z.enum(SEVERITIES),
      source: z.string().optional().describe("the part or channel it is about"),
      since: z.number().min(0).describe("mono at which it began"),
      text: z.string().describe("one line for a person"),
    }),
  ),
});
export type AlertsMessage = z.infer<typeof alertsMessage>;

/** The unit level of HQ's own state, reserved: `swath/1/<org>/hq/state`. */
export const HQ_UNIT = "hq";

/** HQ's retained state, and its last will with `lost`. */
export const hqStateMessage = z.strictObject({
  v: z.literal(1).describe("version of this form"),
  state: z.enum(["online", "offline", "lost"]),
});
export type HqStateMessage = z.infer<typeof hqStateMessage>;
