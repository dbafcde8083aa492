import { z } from "zod";
import { type RangeFrames, rangeProtocol, rangeTwin } from "../src/device/range-frames.ts";
import { defineSerialDevice } from "../src/device/serial-device.ts";
import { QUALITY } from "../src/model/quality.ts";

/** Nearer than this the sensor is blind, farther it hears no echo (mm). */
const NEAR = 30;
const FAR = 4500;

const frames: RangeFrames = {
  shape: { head: [0xff], bytes: 4 },
  frameHz: 10,
  put(frame, out) {
    const mm = frame[1]! * 256 + frame[2]!;
    if (mm === 0) out.put(0, Number.NaN, QUALITY.missing | QUALITY.fault);
    else out.put(0, mm / 1000, mm < NEAR || mm > FAR ? QUALITY.clipped : 0);
  },
  payload(value) {
    const mm = Math.min(0xffff, Math.max(0, Math.round((value("distance") ?? 0) * 1000)));
    return [(mm >> 8) & 0xff, mm & 0xff];
  },
};

/** DYP-A02YYUW: waterproof ultrasonic distance, for tool height and levels. */
export const a02yyuw = defineSerialDevice({
  part: "a02yyuw",
  summary: "waterproof ultrasonic distance, 3 cm to 4.5 m",
  speaks: "frames FF high low sum, 9600 baud",
  source: "DYP A02 output interfaces",
  options: z.strictObject({}),
  plan: () => ({
    channels: { distance: { label: "Distance", unit: "m", range: [NEAR / 1000, FAR / 1000], resolution: 0.001 } },
    expects: "frames",
    silentMs: 2000,
    verifies: "sentences",
    charsPerSecond: 40, // four bytes each 100 ms
    protocol: (out) => rangeProtocol(frames, out),
    twin: (spec) => rangeTwin(frames, spec),
  }),
});
