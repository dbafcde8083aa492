import { z } from "zod";
import { defineCounterDevice } from "../src/device/counter-device.ts";

/**
 * A pickup on a GPIO, counted by the kernel in the interrupt: the most honest speed to be had on a Pi, because a pulse is
 * counted whatever the programs do. Its author measured 20 kHz on an idle i.MX6S; no figure is known of a Pi.
 */
export const interruptCounter = defineCounterDevice({
  part: "interrupt-counter",
  summary: "speed from a pickup, counted by the kernel",
  source: "Linux drivers/counter/interrupt-cnt.c; sysfs-bus-counter",
  options: z
    .strictObject({
      pulsesPerRevolution: z
        .number()
        .positive()
        .max(10_000)
        .describe("pulses of the pickup in one turn of what is named"),
      label: z.string().min(1).max(60).default("Speed"),
      maxRpm: z.number().positive().max(100_000).default(3000).describe("faster cannot be: such a sample is suspect"),
      everyMs: z.int().min(50).max(10_000).default(100).describe("time between two readings"),
      windowMs: z.int().min(100).max(10_000).default(1000).describe("speed is the mean over so long"),
      coast: z
        .strictObject({
          fromRpm: z.number().positive().describe("a speed"),
          ms: z
            .int()
            .min(100)
            .max(600_000)
            .describe("shortest time in which it comes to rest from there, braked or jammed"),
        })
        .optional()
        .describe("how fast what turns can stop, measured on this machine: pulses that end sooner are a broken pickup"),
    })
    .refine((o) => o.windowMs >= 2 * o.everyMs && o.windowMs <= 200 * o.everyMs, {
      path: ["windowMs"],
      message: "expected 2 to 200 times everyMs",
    }),
  plan: ({ label, ...o }) => ({
    ...o,
    channels: {
      speed: {
        label,
        unit: "rpm",
        range: [0, o.maxRpm],
        resolution: 60_000 / (o.pulsesPerRevolution * o.windowMs),
        rateHz: 1000 / o.everyMs,
      },
    },
  }),
});
