import { z } from "zod";
import type { UbxItem } from "../src/codec/ubx-config.ts";
import { defineSerialDevice } from "../src/device/serial-device.ts";
import { type UbxTable, ubxProtocol } from "../src/device/ubx-receiver.ts";
import { ubxTwin } from "../src/device/ubx-twin.ts";

/** The channels have the names of those of `gnss-nmea`, and the receiver's own estimates of its errors. */
const table: UbxTable = {
  lat: { label: "Latitude", unit: "deg", range: [-90, 90], resolution: 1e-7, field: "lat" },
  lon: { label: "Longitude", unit: "deg", range: [-180, 180], resolution: 1e-7, field: "lon" },
  alt: { label: "Height above sea level", unit: "m", range: [-1000, 20_000], resolution: 0.001, field: "altMsl" },
  geoidSep: { label: "Geoid above ellipsoid", unit: "m", range: [-150, 150], resolution: 0.001, field: "geoidSep" },
  fixMode: { label: "Fix: 1 none, 2 2D, 3 3D", unit: "1", range: [0, 4], resolution: 1, field: "mode" },
  fixQuality: {
    label: "Fix quality: 4 RTK fixed, 5 RTK float",
    unit: "1",
    range: [-1, 10],
    resolution: 1,
    field: "quality",
  },
  satellites: { label: "Satellites used", unit: "1", range: [-1, 200], resolution: 1, field: "satsUsed" },
  pdop: { label: "Position dilution", unit: "1", range: [0, 100], resolution: 0.01, field: "pdop" },
  speed: { label: "Speed over ground", unit: "m/s", range: [-1, 515], resolution: 0.001, field: "speed" },
  course: { label: "Course over ground", unit: "deg", range: [-1, 361], resolution: 1e-5, field: "course" },
  diffAge: { label: "Age of corrections, at most", unit: "s", range: [-1, 121], resolution: 1, field: "diffAge" },
  hAcc: { label: "Horizontal accuracy", unit: "m", range: [-1, 5e6], resolution: 0.001, field: "hAcc" },
  vAcc: { label: "Vertical accuracy", unit: "m", range: [-1, 5e6], resolution: 0.001, field: "vAcc" },
  sAcc: { label: "Speed accuracy", unit: "m/s", range: [-1, 5e6], resolution: 0.001, field: "sAcc" },
  headAcc: { label: "Course accuracy", unit: "deg", range: [-1, 361], resolution: 1e-5, field: "headAcc" },
  tAcc: { label: "Time accuracy", unit: "s", range: [-1, 5], resolution: 1e-9, field: "tAcc" },
  utc: { label: "UTC since 1970", unit: "ms", range: [0, 4_102_444_800_000], resolution: 1, field: "utcMs" },
};

/** What a second antenna adds. */
const pairTable: UbxTable = {
  headingTrue: {
    label: "Heading of the machine, from true north",
    unit: "deg",
    range: [0, 360],
    resolution: 1e-5,
    field: "headingTrue",
  },
  headingAcc: { label: "Heading accuracy", unit: "deg", range: [-1, 361], resolution: 1e-5, field: "headingAcc" },
  baseline: {
    label: "Distance between the antennas",
    unit: "m",
    range: [-0.1, 100],
    resolution: 0.0001,
    field: "baseline",
  },
};

/** What is set, group by group: rate and dynamic model; NAV-PVT on the first UART and on USB; NMEA off on both. */
function settings(rateHz: number, hasPair: boolean): readonly (readonly UbxItem[])[] {
  return [
    [
      { key: 0x3021_0001, value: Math.round(1000 / rateHz) }, // CFG-RATE-MEAS, ms
      { key: 0x3021_0002, value: 1 }, // CFG-RATE-NAV, measurements per solution
      { key: 0x2011_0021, value: 4 }, // CFG-NAVSPG-DYNMODEL, automotive
    ],
    [
      { key: 0x2091_0007, value: 1 }, // CFG-MSGOUT-UBX_NAV_PVT_UART1
      { key: 0x2091_0009, value: 1 }, // CFG-MSGOUT-UBX_NAV_PVT_USB
    ],
    ...(hasPair
      ? [
          [
            { key: 0x2091_008e, value: 1 }, // CFG-MSGOUT-UBX_NAV_RELPOSNED_UART1
            { key: 0x2091_0090, value: 1 }, // CFG-MSGOUT-UBX_NAV_RELPOSNED_USB
          ],
        ]
      : []),
    [
      { key: 0x1074_0002, value: 0 }, // CFG-UART1OUTPROT-NMEA
      { key: 0x1078_0002, value: 0 }, // CFG-USBOUTPROT-NMEA
    ],
  ];
}

const tableOf = (pair: unknown): UbxTable => (pair === undefined ? table : { ...table, ...pairTable });

/** u-blox receivers of generation 9 and later (ZED-F9P and kin) that send UBX-NAV-PVT. */
export const gnssUbx = defineSerialDevice({
  part: "gnss-ubx",
  summary: "u-blox GNSS receiver over UBX NAV-PVT, with heading from two antennas over NAV-RELPOSNED",
  speaks: "UBX; 38400 baud is the receiver's default",
  source: "u-blox ZED-F9P interface description (UBX-NAV-PVT, CFG-VALSET, CFG-VALGET), pyubx2",
  options: z.strictObject({
    dateFloor: z.iso.date().default("2026-01-01").describe("no true day is before this one"),
    setup: z.boolean().default(false).describe("set the receiver up (in its RAM) and read the settings back"),
    rateHz: z.number().min(1).max(7).default(5).describe("fixes per second, when it is set up; 5 is safe for RTK"),
    dualAntenna: z
      .strictObject({
        baselineM: z.number().min(0.2).max(30).describe("distance between the antennas by tape, m"),
        offsetDeg: z
          .number()
          .min(-180)
          .max(180)
          .default(0)
          .describe(
            "added to the direction from base to rover antenna to give the machine's heading; 90 when the rover is on its left",
          ),
        toleranceM: z
          .number()
          .min(0.01)
          .max(1)
          .default(0.1)
          .describe("a baseline that is off by more is a wrong fix, m"),
      })
      .optional()
      .describe("a moving base and rover on one machine: heading from UBX-NAV-RELPOSNED"),
  }),
  plan: (o) => ({
    channels: tableOf(o.dualAntenna),
    expects: "epochs",
    silentMs: 3000,
    verifies: o.setup ? "readback" : "sentences",
    // NAV-PVT is 100 bytes with its frame, NAV-RELPOSNED 72.
    charsPerSecond: o.rateHz * (o.dualAntenna === undefined ? 100 : 172),
    protocol: (out) =>
      ubxProtocol(
        tableOf(o.dualAntenna),
        {
          dateFloorMs: Date.parse(o.dateFloor),
          groups: o.setup ? settings(o.rateHz, o.dualAntenna !== undefined) : undefined,
          pair: o.dualAntenna,
        },
        out,
      ),
    twin: (spec) => ubxTwin(spec, { epochMs: Math.round(1000 / o.rateHz), pair: o.dualAntenna }),
  }),
});
