import { z } from "zod";
import { defineLineDevice } from "../src/device/line-device.ts";
import { UNIT_CODES } from "../src/model/units.ts";

const span = z.tuple([z.number(), z.number()]);

/** Any sensor that sends one number on each line: laser and ultrasonic distance sensors, inclinometers, loggers. */
export const asciiLine = defineLineDevice({
  part: "ascii-line",
  summary: "one number on each line of text",
  source: "ASCII output of common distance sensors, such as MaxBotix HRXL (R1234 CR, mm)",
  options: z.strictObject({
    prefix: z.string().max(8).default("").describe("what stands before the number, such as R"),
    unit: z.enum(UNIT_CODES).describe("unit of the value after scaling"),
    scale: z.number().default(1).describe("value = number × scale + offset"),
    offset: z.number().default(0).describe("value = number × scale + offset"),
    range: span.describe("numbers the sensor can send, lowest and highest; at the ends it is clipped"),
    resolution: z.number().positive().default(1).describe("step of the number as sent"),
    rateHz: z.number().positive().max(2000).optional().describe("lines per second, when they are regular"),
  }),
  plan: (o) => {
    const ends = o.range.map((x) => x * o.scale + o.offset);
    return {
      prefix: o.prefix,
      scale: o.scale,
      offset: o.offset,
      clip: o.range,
      plausible: o.range,
      channels: {
        value: {
          label: "Value",
          unit: o.unit,
          range: [Math.min(...ends), Math.max(...ends)],
          resolution: o.resolution * Math.abs(o.scale),
          ...(o.rateHz === undefined ? {} : { rateHz: o.rateHz }),
        },
      },
    };
  },
});
