import { z } from "zod";
import { type BoardInput, defineBoardDevice } from "../src/device/board-device.ts";
import type { ChannelSpec } from "../src/model/channel.ts";
import { UNIT_CODES } from "../src/model/units.ts";

/** The most pulses a second that are believed: the protocol states no limit, so this is ours, at a tenth of what an AVR's interrupts bear. */
const MAX_HZ = 2000;

const key = z.string().regex(/^[a-z][a-zA-Z0-9]*$/, "a name of a-z, A-Z and 0-9, a small letter first");
const label = z.string().min(1).max(60);

const analog = z.strictObject({
  pin: z.int().min(0).max(15).describe("number of the analog input: 0 for A0"),
  label: label.default("Analog input"),
  unit: z.enum(UNIT_CODES).default("V"),
  scale: z
    .number()
    .refine((x) => x !== 0, "must not be 0")
    .optional()
    .describe("value = count × scale + offset; default: volts at the pin"),
  offset: z.number().default(0),
});

/** What people write who want a speed from a plain input, and why they cannot have it. */
const NO_RATE =
  "the standard firmware looks at a digital pin between other work and tells only that it changed: pulses are lost without a trace, and the speed would be wrong. Use `pulses` (ConfigurableFirmata with its frequency feature), the part interrupt-counter, a Modbus tachometer or J1939";
const refused = z.custom<undefined>((given) => given === undefined, NO_RATE).optional();

const digital = z.strictObject({
  pin: z.int().min(2).max(69).describe("number of the pin"),
  label: label.default("Digital input"),
  pullUp: z.boolean().default(false).describe("turn on the pull-up: the input closes to ground"),
  invert: z.boolean().default(false).describe("1 means low"),
  pulsesPerRevolution: refused,
  unit: z.custom<"1">((given) => given === undefined || given === "1", NO_RATE).optional(),
});

const pulses = z.strictObject({
  pin: z.int().min(2).max(69).describe("a pin with an interrupt: 2 or 3 on an AVR"),
  label: label.default("Speed"),
  pulsesPerRevolution: z.number().positive().max(10_000).describe("pulses of the pickup in one turn"),
  edge: z.enum(["rising", "falling"]).default("falling"),
  everyMs: z.int().min(50).max(10_000).default(100).describe("time between two reports"),
  windowMs: z.int().min(100).max(10_000).default(1000).describe("speed is the mean over so long"),
  maxHz: z
    .number()
    .positive()
    .max(
      MAX_HZ,
      `at most ${MAX_HZ} pulses a second are believed of this firmware; the part interrupt-counter takes more`,
    )
    .default(MAX_HZ)
    .describe("most pulses a second that can be: faster is marked"),
});

const options = z
  .strictObject({
    analog: z.record(key, analog).default({}).describe("analog inputs, by the name of their channel"),
    digital: z.record(key, digital).default({}).describe("digital inputs, by the name of their channel"),
    pulses: z
      .record(key, pulses)
      .default({})
      .describe("one pulse input, by the name of its channel; needs ConfigurableFirmata with its frequency feature"),
    samplingMs: z.int().min(10).max(1000).default(50).describe("time between two reports of the analog inputs"),
    referenceV: z.number().positive().max(5.5).default(5).describe("voltage at which the converter is at its end"),
    adcBits: z.int().min(8).max(14).default(10).describe("bits of its converter; a board with others is refused"),
  })
  .superRefine((o, context) => {
    const names = [...Object.keys(o.analog), ...Object.keys(o.digital), ...Object.keys(o.pulses)];
    const pins = [...Object.values(o.digital), ...Object.values(o.pulses)].map((i) => i.pin);
    const complain = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
    if (Object.keys(o.pulses).length > 1) complain(["pulses"], "the firmware counts one pin only: expected one");
    const twice = names.find((n, i) => names.indexOf(n) !== i);
    if (twice !== undefined) complain(["digital"], `"${twice}" is the name of two inputs`);
    const pin = pins.find((p, i) => pins.indexOf(p) !== i);
    if (pin !== undefined) complain(["digital"], `pin ${pin} is used twice`);
    const a = Object.values(o.analog).map((i) => i.pin);
    const input = a.find((p, i) => a.indexOf(p) !== i);
    if (input !== undefined) complain(["analog"], `A${input} is used twice`);
    // Three bytes a report of each input, ten bits a byte, half of what the line carries.
    const share = (a.length * 30) / (o.samplingMs / 1000) / 57_600;
    if (share > 0.5)
      complain(
        ["samplingMs"],
        `${a.length} inputs every ${o.samplingMs} ms take ${Math.round(share * 100)} % of 57600 baud, expected at most 50 %`,
      );
  });
type Options = z.output<typeof options>;

/** Every input with its channel. */
function inputsOf(o: Options): [string, BoardInput, ChannelSpec][] {
  const full = 2 ** o.adcBits - 1;
  return [
    ...Object.entries(o.analog).map(([name, i]): [string, BoardInput, ChannelSpec] => {
      // The converter divides its reference into 2^bits steps.
      const scale = i.scale ?? o.referenceV / 2 ** o.adcBits;
      const ends = [i.offset, full * scale + i.offset];
      const range = [Math.min(...ends), Math.max(...ends)] as const;
      const rateHz = 1000 / o.samplingMs;
      return [
        name,
        { kind: "analog", pin: i.pin, scale, offset: i.offset },
        { label: i.label, unit: i.unit, range, resolution: Math.abs(scale), rateHz },
      ];
    }),
    ...Object.entries(o.digital).map(([name, i]): [string, BoardInput, ChannelSpec] => [
      name,
      { kind: "digital", pin: i.pin, pullUp: i.pullUp, invert: i.invert },
      { label: i.label, unit: "1", range: [0, 1], resolution: 1 },
    ]),
    ...Object.entries(o.pulses).map(([name, i]): [string, BoardInput, ChannelSpec] => {
      const { label: words, ...rest } = i;
      const perPulse = 60 / i.pulsesPerRevolution;
      return [
        name,
        { kind: "pulses", ...rest },
        {
          label: words,
          unit: "rpm",
          range: [0, i.maxHz * perPulse],
          resolution: (perPulse * 1000) / i.windowMs,
          rateHz: 1000 / i.everyMs,
        },
      ];
    }),
  ];
}

/**
 * A microcontroller that speaks Firmata, for inputs that the Pi has not: read through johnny-five in a process of its own. Always on
 * USB or a serial line, never as an I2C slave: one that hangs would hold the bus for ever.
 */
export const firmataBoard = defineBoardDevice({
  part: "firmata-board",
  summary: "inputs of a microcontroller, and the operator's panel",
  speaks: "Firmata, 57600 baud",
  source: "Firmata protocol, with its frequency feature; StandardFirmata; ConfigurableFirmata",
  options,
  plan: (o) => {
    const inputs = inputsOf(o);
    return {
      channels: Object.fromEntries(inputs.map(([name, , channel]) => [name, channel])),
      inputs: inputs.map(([, input]) => input),
      samplingMs: o.samplingMs,
      adcBits: o.adcBits,
      silentMs: Math.max(2000, 3 * o.samplingMs),
    };
  },
});
