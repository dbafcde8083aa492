import { z } from "zod";
import { type RangeFrames, rangeProtocol, rangeTwin } from "../src/device/range-frames.ts";
import { defineSerialDevice } from "../src/device/serial-device.ts";
import { QUALITY } from "../src/model/quality.ts";

/** Reach in m on a white target; nearer than 10 cm the sensor is blind. */
const NEAR = 0.1;
const FAR = 12;
/** A signal weaker than this, or at the end of its scale, carries no distance. */
const WEAK = 100;
const SATURATED = 0xffff;
const u16 = (frame: Uint8Array, at: number) => frame[at]! | (frame[at + 1]! << 8);
const pair = (n: number) => [n & 0xff, (n >> 8) & 0xff];

function framesOf(perMetre: number, frameHz: number): RangeFrames {
  return {
    shape: { head: [0x59, 0x59], bytes: 9 },
    frameHz,
    put(frame, out) {
      const raw = (u16(frame, 2) << 16) >> 16;
      const strength = u16(frame, 4);
      const m = raw / perMetre;
      // −1 weak, −2 saturated, −4 too much light; the Plus says 0 instead.
      if (raw <= 0 || strength < WEAK || strength === SATURATED)
        out.put(0, Number.NaN, QUALITY.missing | QUALITY.fault);
      else out.put(0, m, m < NEAR || m >= FAR ? QUALITY.clipped : 0);
      out.put(1, strength, 0);
      out.put(2, u16(frame, 6) / 8 - 256, 0);
    },
    payload(value) {
      const m = value("distance");
      const raw = m === undefined ? -1 : Math.round(m * perMetre);
      const strength = value("strength") ?? (m === undefined ? 50 : 1000);
      return [...pair(raw), ...pair(strength), ...pair(Math.round(((value("temperature") ?? 25) + 256) * 8))];
    },
  };
}

/** Benewake TFmini-S and TFmini Plus: laser distance. They are read as they come, not set up. */
export const tfmini = defineSerialDevice({
  part: "tfmini",
  summary: "laser distance, 0.1 to 12 m",
  speaks: "frames 59 59 … sum, 115200 baud",
  source: "Benewake TFmini-S product manual A00, TFmini Plus A05",
  options: z.strictObject({
    rateHz: z.number().min(1).max(1000).default(100).describe("frames per second it is set to"),
    output: z.enum(["cm", "mm"]).default("cm").describe("unit it is set to send"),
  }),
  plan: (o) => {
    const perMetre = o.output === "mm" ? 1000 : 100;
    const frames = framesOf(perMetre, o.rateHz);
    return {
      channels: {
        distance: { label: "Distance", unit: "m", range: [NEAR, FAR], resolution: 1 / perMetre, rateHz: o.rateHz },
        strength: { label: "Signal strength", unit: "1", range: [-1, 65_536], resolution: 1, rateHz: o.rateHz },
        temperature: {
          label: "Chip temperature",
          unit: "Cel",
          range: [-256, 7936],
          resolution: 0.125,
          rateHz: o.rateHz,
        },
      },
      expects: "frames",
      silentMs: Math.max(2000, 3000 / o.rateHz),
      verifies: "sentences",
      scanHz: o.rateHz,
      charsPerSecond: 9 * o.rateHz,
      protocol: (out) => rangeProtocol(frames, out),
      twin: (spec) => rangeTwin(frames, spec),
    };
  },
});
