import { z } from "zod";
import { topicLevel } from "../model/topics.ts";

const who = {
  by: z.string().trim().min(1).max(60).describe("who measured it"),
  at: z.iso.datetime().describe("when, in UTC"),
  machine: topicLevel.describe("the machine it was measured on; on another one it is refused"),
  unit: topicLevel.describe("the unit it was measured with"),
};
const source = z.string().min(3).max(500).describe("what the channel came from then; from anything else it is refused");
const metres = (most: number, about: string) => z.number().min(-most).max(most).describe(about);
const uncertain = (most: number, about: string) => z.number().min(0).max(most).describe(about);
const notZero = (about: string) =>
  z
    .number()
    .refine((x) => x !== 0, "expected a number other than 0")
    .describe(about);

const depth = z
  .strictObject({
    kind: z.literal("depth"),
    ...who,
    source,
    scale: notZero("depth = scale × what the channel said + offset"),
    offset: metres(20, "in m"),
    residualM: uncertain(1, "largest distance of a point from the line in m; absent for two heights").optional(),
    repeatabilityM: uncertain(1, "largest difference between readings of one height in m").optional(),
    uncertaintyM: uncertain(1, "standard uncertainty in m"),
    points: z
      .array(z.tuple([metres(100, "what the channel said"), metres(20, "depth by tape, below ground positive")]))
      .min(2)
      .max(50)
      .describe("what the channel said and the depth by tape, in m"),
  })
  .describe("zero and slope of the tool's depth");

const tilt = z
  .strictObject({
    kind: z.literal("tilt"),
    ...who,
    source,
    offsetDeg: z.number().min(-45).max(45).describe("what the sensor says on level ground; it is taken off"),
    slopeDeg: z.number().min(-45).max(45).describe("slope of the ground it was measured on"),
    uncertaintyDeg: uncertain(10, "standard uncertainty in degrees"),
  })
  .describe("how the sensor of an angle is mounted");

const rotor = z
  .strictObject({
    kind: z.literal("rotor"),
    ...who,
    source,
    method: z.enum(["tachometer", "turns"]).describe("held against a hand tachometer, or turned by hand and counted"),
    pulsesPerRevolution: z.int().min(1).max(10_000).optional().describe("what the option of the part must say"),
    scale: notZero("true speed = scale × what the channel said; for a source that counts no pulses").optional(),
    uncertainty: uncertain(0.5, "standard uncertainty as a share of the speed"),
  })
  .refine((r) => (r.pulsesPerRevolution === undefined) !== (r.scale === undefined), {
    error: "expected pulsesPerRevolution or scale, one of the two",
  })
  .describe("the speed of the rotor");

export const leverArmSchema = z
  .strictObject({
    ...who,
    forwardM: metres(20, "the antenna seen from the middle of the tool: in front positive, in m"),
    rightM: metres(10, "to the right positive, in m"),
    upM: metres(10, "above positive, in m"),
    uncertaintyM: uncertain(1, "standard uncertainty in m"),
  })
  .describe("where the antenna is, seen from the middle of the tool's edge when it touches level ground");

export const channelCalibrationSchema = z.discriminatedUnion("kind", [depth, tilt, rotor]);

export const calibrationSchema = z
  .strictObject({
    maxAgeDays: z.int().min(1).max(3650).default(365).describe("an older one is told of by swath check, in days"),
    channels: z
      .record(z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, "the name of a channel"), channelCalibrationSchema)
      .default({})
      .describe("by channel"),
    leverArm: leverArmSchema.optional(),
  })
  .describe("what was measured on the machine, by whom and when (docs/maintainer.md)");

export type Calibration = z.output<typeof calibrationSchema>;
export type ChannelCalibration = z.output<typeof channelCalibrationSchema>;
export type LeverArm = z.output<typeof leverArmSchema>;
