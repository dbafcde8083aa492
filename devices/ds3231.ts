import { z } from "zod";
import { decodeClock, encodeClock } from "../src/device/clock-registers.ts";
import { defineDevice, poll } from "../src/device/define.ts";
import { QUALITY } from "../src/model/quality.ts";

/** Maxim DS3231: the clock that goes on while the machine is off. Its time is believed only while OSF is not set. */
export const ds3231 = defineDevice({
  part: "ds3231",
  summary: "battery-backed clock",
  source: "Maxim DS3231 data sheet, timekeeping registers",
  addresses: [0x68],
  maxClockHz: 400_000,
  registers: { SECONDS: 0x00, CONTROL: 0x0e, STATUS: 0x0f, TEMP_MSB: 0x11 },
  powerOn: { CONTROL: 0x1c },
  options: z.strictObject({ everyMs: z.number().min(1000).default(60_000).describe("time between two readings, ms") }),
  // Runs on the battery, no alarms, no square wave.
  setup: () => [{ reg: "CONTROL", mask: 0xdf, value: 0x1c }],
  read: (o) =>
    poll({
      frames: [
        { reg: "STATUS", bytes: 1, everyMs: o.everyMs },
        { reg: "SECONDS", bytes: 7, everyMs: o.everyMs, decode: decodeClock, encode: encodeClock },
        { reg: "TEMP_MSB", bytes: 2, everyMs: o.everyMs },
      ],
    }),
  // A clock that shows the same second four times in a row has stopped.
  stuckAfter: 3,
  stuckFrame: "SECONDS",
  flags: [
    // OSF: the oscillator has stopped since the time was set.
    {
      frame: "STATUS",
      byte: 0,
      mask: 0x80,
      equals: 0x80,
      q: QUALITY.suspect | QUALITY.fault,
      channels: ["utc"],
    },
  ],
  channels: {
    utc: { label: "Clock", unit: "s", range: [946_684_800, 7_258_118_399], frame: "SECONDS", resolution: 1 },
    temperature: {
      label: "Clock temperature",
      unit: "Cel",
      range: [-40, 85],
      frame: "TEMP_MSB",
      byte: 0,
      encoding: "i10be<<6",
      scale: 0.25,
    },
  },
});
