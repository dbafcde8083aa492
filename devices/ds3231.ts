import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";
import { QUALITY } from "../src/model/quality.ts";

/** Two decimal digits; NaN where a digit is none. */
function digits(byte: number): number {
  return (byte & 0x0f) > 9 || byte > 0x9f ? Number.NaN : (byte >> 4) * 10 + (byte & 0x0f);
}

const bcd = (n: number) => (Math.floor(n / 10) << 4) | (n % 10);

function hourOf(byte: number): number {
  if ((byte & 0x40) === 0) return digits(byte & 0x3f);
  const twelve = digits(byte & 0x1f);
  return (twelve === 12 ? 0 : twelve) + ((byte & 0x20) !== 0 ? 12 : 0);
}

/** Seconds since 1970 from the seven registers; NaN where they do not make a date. */
function decode(frame: Uint8Array, _calibration: Uint8Array, values: Float64Array): void {
  const [second, minute, hour] = [digits(frame[0]! & 0x7f), digits(frame[1]! & 0x7f), hourOf(frame[2]!)];
  const [day, month] = [digits(frame[4]! & 0x3f), digits(frame[5]! & 0x1f)];
  const year = 2000 + digits(frame[6]!) + ((frame[5]! & 0x80) !== 0 ? 100 : 0);
  const good = second < 60 && minute < 60 && hour < 24 && day >= 1 && day <= 31 && month >= 1 && month <= 12;
  values[0] = good ? Date.UTC(year, month - 1, day, hour, minute, second) / 1000 : Number.NaN;
}

function encode(values: Float64Array, _calibration: Uint8Array, frame: Uint8Array): void {
  const date = new Date(Math.round(values[0]!) * 1000);
  if (Number.isNaN(date.getTime())) return;
  const century = date.getUTCFullYear() >= 2100 ? 0x80 : 0;
  frame.set([bcd(date.getUTCSeconds()), bcd(date.getUTCMinutes()), bcd(date.getUTCHours()), date.getUTCDay() + 1]);
  frame.set([bcd(date.getUTCDate()), bcd(date.getUTCMonth() + 1) | century, bcd(date.getUTCFullYear() % 100)], 4);
}

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
        { reg: "SECONDS", bytes: 7, everyMs: o.everyMs, decode, encode },
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
