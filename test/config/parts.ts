import { z } from "zod";
import type { Catalogue } from "../../src/device/catalogue.ts";
import { defineDevice, poll, streamFifo } from "../../src/device/define.ts";
import type { DisplayDevice } from "../../src/device/display-device.ts";
import { defineNmeaDevice } from "../../src/device/nmea-device.ts";

/** A FIFO part at two addresses, as fast as a bus goes. */
const shake = defineDevice({
  part: "shake",
  summary: "three axes of nothing",
  source: "made for tests",
  addresses: [0x53, 0x1d],
  maxClockHz: 400_000,
  registers: { DATA: 0x32, STATUS: 0x30, MODE: 0x38 },
  options: z.strictObject({
    odrHz: z.literal([100, 200, 400, 800]).default(800),
    mode: z.enum(["stream", "still"]).default("stream"),
    drainMs: z.number().min(5).max(100).default(20),
  }),
  setup: () => [{ reg: "MODE", mask: 0xff, value: 0x80 }],
  read: (o) =>
    streamFifo({
      data: "DATA",
      bytes: 8,
      entries: { byte: 7, mask: 0x3f },
      depth: 32,
      odrHz: o.odrHz,
      drainMs: o.drainMs,
      overrun: { reg: "STATUS", mask: 1 },
      mode: { reg: "MODE", mask: 0xff, value: 0x80 },
    }),
  frame: { reg: "DATA", bytes: 6 },
  channels: {
    shakeX: { label: "Shake, X", unit: "m/s2", range: [-2000, 2000], byte: 0, encoding: "i16le", scale: 0.5 },
    shakeY: { label: "Shake, Y", unit: "m/s2", range: [-2000, 2000], byte: 2, encoding: "i16le", scale: 0.5 },
  },
});

const sender = z.union([
  z.strictObject({ loop420: z.strictObject({ lo: z.number(), hi: z.number() }) }),
  z.strictObject({ volts: z.strictObject({ divider: z.number().min(1).default(1) }) }),
]);

/** A slow part with one address, whose channels depend on its options. */
const meter = defineDevice({
  part: "meter",
  summary: "two inputs",
  source: "made for tests",
  addresses: [0x48],
  maxClockHz: 100_000,
  registers: { VALUE: 0x00 },
  width: { bytes: 2, order: "be" },
  options: z
    .strictObject({ a: sender.optional(), b: sender.optional(), everyMs: z.number().min(10).default(50) })
    .refine((o) => o.a !== undefined || o.b !== undefined, "at least one input must be configured"),
  setup: () => [],
  read: (o) => poll({ frames: [{ reg: "VALUE", bytes: 2, everyMs: o.everyMs }] }),
  channels: (o) =>
    Object.fromEntries(
      (["a", "b"] as const)
        .filter((key) => o[key] !== undefined)
        .map((key) => [
          key,
          { label: `Input ${key}`, unit: "V", range: [0, 4], byte: 0, encoding: "i16be", scale: 1e-3 } as const,
        ]),
    ),
});

const receiver = defineNmeaDevice({
  part: "receiver",
  summary: "position",
  source: "made for tests",
  options: z.strictObject({ dateFloor: z.iso.date().default("2026-01-01") }),
  channels: {
    lat: { label: "Latitude", unit: "deg", range: [-90, 90], resolution: 1e-9, field: "lat" },
    lon: { label: "Longitude", unit: "deg", range: [-180, 180], resolution: 1e-9, field: "lon" },
    fixMode: { label: "Fix", unit: "1", range: [0, 4], resolution: 1, field: "mode" },
  },
});

/** A display that may sit where `shake` does. */
const panes: DisplayDevice = {
  kind: "display",
  part: "panes",
  summary: "a few letters",
  source: "made for tests",
  addresses: [0x3c, 0x53],
  maxClockHz: 400_000,
  control: { command: 0x00, data: 0x40 },
  shapes: { "128x64": { columns: 128, pages: 8 }, "128x32": { columns: 128, pages: 4 } },
  off: [0xae],
  on: [0xaf],
  setup: () => [],
  window: (column, page) => [column, page],
};

/** Parts that stay as they are, so that the texts of errors do too. */
export const parts: Catalogue = { shake, meter, receiver, panes };
