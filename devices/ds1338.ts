import { z } from "zod";
import { decodeClock, encodeClock } from "../src/device/clock-registers.ts";
import { defineDevice, poll } from "../src/device/define.ts";
import { QUALITY } from "../src/model/quality.ts";

/** Maxim DS1338 (and DS1307 at 5 V): battery-backed clock without a thermometer. Its time is believed only while neither OSF nor CH is set. */
export const ds1338 = defineDevice({
  part: "ds1338",
  summary: "battery-backed clock without a thermometer",
  source: "Maxim DS1338 data sheet, table 2 (timekeeper registers) and control register",
  addresses: [0x68],
  maxClockHz: 400_000,
  registers: { SECONDS: 0x00, CONTROL: 0x07 },
  // As after a set-up with the battery in place; without one OSF (0x20) is set as well.
  powerOn: { CONTROL: 0x93 },
  options: z.strictObject({ everyMs: z.number().min(1000).default(60_000).describe("time between two readings, ms") }),
  // No square wave. OUT and the rate are of no use then and stay as they are.
  setup: () => [{ reg: "CONTROL", mask: 0x10, value: 0x00 }],
  read: (o) =>
    poll({
      frames: [
        { reg: "CONTROL", bytes: 1, everyMs: o.everyMs },
        { reg: "SECONDS", bytes: 7, everyMs: o.everyMs, decode: decodeClock, encode: encodeClock },
      ],
    }),
  // A clock that shows the same second four times in a row has stopped.
  stuckAfter: 3,
  stuckFrame: "SECONDS",
  flags: [
    // OSF: the oscillator has stopped since the time was set.
    { frame: "CONTROL", byte: 0, mask: 0x20, equals: 0x20, q: QUALITY.suspect | QUALITY.fault, channels: ["utc"] },
    // CH: the clock is halted.
    { frame: "SECONDS", byte: 0, mask: 0x80, equals: 0x80, q: QUALITY.suspect | QUALITY.fault, channels: ["utc"] },
  ],
  channels: {
    utc: { label: "Clock", unit: "s", range: [946_684_800, 4_102_444_799], frame: "SECONDS", resolution: 1 },
  },
});
