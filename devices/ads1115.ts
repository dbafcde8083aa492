import { z } from "zod";
import { defineDevice, oneShot } from "../src/device/define.ts";
import type { CountBand, CountChannel } from "../src/device/table.ts";
import { QUALITY } from "../src/model/quality.ts";
import { UNIT_CODES } from "../src/model/units.ts";

/** ±4.096 V over 2^15 counts. */
const VOLTS = 125e-6;
const FULL = 32_767;
/** Start, single-ended input 0 (each next one adds 0x1000), ±4.096 V, single shot, 860 samples/s, comparator off. */
const START = 0xc3e3;
const INPUTS = ["a0", "a1", "a2", "a3"] as const;
type InputKey = (typeof INPUTS)[number];

const label = z.string().min(1).optional();
/** Samples of this input: all four at 50 ms are 80 conversions a second. */
const everyMs = z.number().min(10).default(50);
const unit = z.enum(UNIT_CODES);

/** A 4–20 mA sender on a resistor: `lo` at 4 mA, `hi` at 20 mA. */
const loop420 = z.strictObject({
  shuntOhm: z.number().positive().max(156).describe("resistance of the shunt, Ω"),
  lo: z.number(),
  hi: z.number(),
  unit,
});
/** A 0.5–4.5 V sender behind a divider (1 for none): `lo` at a tenth of its supply, `hi` at nine tenths. */
const ratiometric = z.strictObject({
  divider: z.number().min(1).default(1),
  /** The sender's supply: its voltage, or the input that measures it. */
  supply: z.union([z.number().positive(), z.enum(INPUTS)]).default(5),
  lo: z.number(),
  hi: z.number(),
  unit,
});
const volts = z.strictObject({ divider: z.number().min(1).default(1) });

const input = z.union([
  z.strictObject({ label, everyMs, loop420 }),
  z.strictObject({ label, everyMs, ratiometric }),
  z.strictObject({ label, everyMs, volts }),
]);
type Input = z.output<typeof input>;

const SENDER =
  "what is wired to this input: `loop420`, `ratiometric` or `volts`, with an optional `label` and `everyMs`";

const options = z
  .strictObject({
    a0: input.optional().describe(SENDER),
    a1: input.optional().describe(SENDER),
    a2: input.optional().describe(SENDER),
    a3: input.optional().describe(SENDER),
  })
  .superRefine((o, context) => {
    const used = INPUTS.filter((key) => o[key] !== undefined);
    if (used.length === 0) context.addIssue({ code: "custom", message: "at least one input must be configured" });
    for (const key of used) {
      const sender = o[key]!;
      if (!("ratiometric" in sender) || typeof sender.ratiometric.supply === "number") continue;
      const rail = o[sender.ratiometric.supply];
      if (rail === undefined || !("volts" in rail))
        context.addIssue({
          code: "custom",
          path: [key, "ratiometric", "supply"],
          message: `${sender.ratiometric.supply} must be configured as volts`,
        });
    }
  });
type Options = z.output<typeof options>;

const NO_VALUE = QUALITY.missing | QUALITY.fault;
/** Counts from `from` up to, but not with, `to`. */
const band = (from: number, to: number, q: number): CountBand => ({ from: Math.ceil(from), to: Math.ceil(to) - 1, q });
/** Counts above `from` up to, and with, `to`. */
const above = (from: number, to: number, q: number): CountBand => ({
  from: Math.floor(from) + 1,
  to: Math.floor(to),
  q,
});
const LEAST = -32_768;
/** Beyond any count, also one that was multiplied for a low supply. */
const MOST = 1e9;

function inputChannel(key: InputKey, given: Input, o: Options): CountChannel {
  const number = INPUTS.indexOf(key);
  const common = { frame: key, byte: 0, encoding: "i16be", label: given.label ?? `Input ${number}` } as const;
  if ("loop420" in given) {
    const { shuntOhm, lo, hi, unit: of } = given.loop420;
    /** Counts per milliampere. */
    const perMa = (shuntOhm * 1e-3) / VOLTS;
    return {
      ...common,
      unit: of,
      range: [Math.min(lo, hi), Math.max(lo, hi)],
      scale: (hi - lo) / (16 * perMa),
      offset: lo - (4 / 16) * (hi - lo),
      // NAMUR NE43: 3.8 to 20.5 mA measures, beyond that the sender is at its end, beyond 3.6 and 21 mA it reports a fault.
      bands: [
        band(LEAST, 3.6 * perMa, NO_VALUE),
        band(3.6 * perMa, 3.8 * perMa, QUALITY.clipped),
        above(20.5 * perMa, 21 * perMa, QUALITY.clipped),
        above(21 * perMa, MOST, NO_VALUE),
      ],
    };
  }
  if ("ratiometric" in given) {
    const { divider, supply, lo, hi, unit: of } = given.ratiometric;
    /** Counts at the input when the sender gives its whole supply. */
    const whole = (typeof supply === "number" ? supply : 5) / divider / VOLTS;
    return {
      ...common,
      unit: of,
      range: [Math.min(lo, hi), Math.max(lo, hi)],
      scale: (hi - lo) / (0.8 * whole),
      offset: lo - (0.1 / 0.8) * (hi - lo),
      // Of 5 V: below 0.25 V open or shorted to ground, above 4.75 V shorted to the supply.
      bands: [band(LEAST, 0.05 * whole, NO_VALUE), above(0.95 * whole, MOST, NO_VALUE)],
      ...(typeof supply === "number" ? {} : { ratio: { channel: supply, count: railCount(supply, o) } }),
    };
  }
  const { divider } = given.volts;
  return {
    ...common,
    unit: "V",
    range: [0, FULL * VOLTS * divider],
    scale: VOLTS * divider,
    clip: [LEAST, FULL],
    // A few counts below 0 are noise; more is a wiring fault.
    bands: [{ from: LEAST, to: -101, q: QUALITY.suspect | QUALITY.fault }],
  };
}

/** Counts of 5 V on the input that measures the senders' supply. */
function railCount(supply: InputKey, o: Options): number {
  const rail = o[supply];
  return 5 / (rail !== undefined && "volts" in rail ? rail.volts.divider : 1) / VOLTS;
}

/** Texas Instruments ADS1115: four analog inputs, 16 bit, for 4–20 mA and 0.5–4.5 V senders. */
export const ads1115 = defineDevice({
  part: "ads1115",
  summary: "four analog inputs for pressure, depth and fuel senders",
  source: "Texas Instruments ADS1115 data sheet SBAS444D; NAMUR NE43 for current loops",
  addresses: [0x48, 0x49, 0x4a, 0x4b],
  maxClockHz: 400_000,
  registers: { CONVERSION: 0x00, CONFIG: 0x01, LO_THRESH: 0x02, HI_THRESH: 0x03 },
  width: { bytes: 2, order: "be" },
  powerOn: { CONFIG: 0x8583, LO_THRESH: 0x8000, HI_THRESH: 0x7fff },
  options,
  // Bits 4 to 2 mean nothing while the comparator is off; bits 15 to 12 change with every conversion.
  setup: () => [{ reg: "CONFIG", mask: 0x0fe3, value: START & 0x0fe3 }],
  awake: { reg: "CONFIG", mask: 0x00e0, value: 0x00e0 },
  read: (o) =>
    oneShot({
      shots: INPUTS.filter((key) => o[key] !== undefined).map((key) => ({
        key,
        start: { reg: "CONFIG", value: START + 0x1000 * INPUTS.indexOf(key) },
        waitMs: 2, // 1/860 s, 10 % slow, and 25 µs to wake up: 1.32 ms
        reg: "CONVERSION",
        bytes: 2,
        everyMs: o[key]!.everyMs,
      })),
      echo: { mask: 0x7fff, spare: 0x001c },
    }),
  channels: (o) =>
    Object.fromEntries(
      INPUTS.flatMap((key) => {
        const given = o[key];
        return given === undefined ? [] : [[key, inputChannel(key, given, o)] as const];
      }),
    ),
});
