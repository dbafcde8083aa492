import { z } from "zod";
import { MODBUS_TYPES, registersOf } from "../src/codec/modbus-rtu.ts";
import { type ModbusPoint, modbusProtocol, modbusTwin } from "../src/device/modbus-master.ts";
import { defineSerialDevice } from "../src/device/serial-device.ts";
import { UNIT_CODES } from "../src/model/units.ts";

const point = z.strictObject({
  slave: z.int().min(1).max(247).describe("address of the sensor"),
  function: z.literal([3, 4]).default(3).describe("3 holding register, 4 input register"),
  register: z.int().min(0).max(65_535).describe("as on the wire, from 0"),
  type: z.enum(MODBUS_TYPES).default("u16").describe("swapped: the low word comes first"),
  unit: z.enum(UNIT_CODES).describe("unit of the value after scaling"),
  label: z.string().min(1).max(60).default("Value"),
  scale: z
    .number()
    .refine((x) => x !== 0, "must not be 0")
    .default(1)
    .describe("value = number × scale + offset"),
  offset: z.number().default(0).describe("value = number × scale + offset"),
  range: z.tuple([z.number(), z.number()]).describe("numbers the sensor can send, lowest and highest"),
  absent: z.array(z.number()).max(8).default([]).describe("numbers that mean there is no value"),
  everyMs: z.number().min(20).max(3_600_000).default(1000).describe("time between two requests"),
});

/** Any sensor on an RS-485 bus of our own: never the machine's bus, because a master must speak. */
export const modbusRtu = defineSerialDevice({
  part: "modbus-rtu",
  summary: "sensors on a Modbus RTU bus, one register for each channel",
  speaks: "Modbus RTU, functions 3 and 4 only",
  source: "Modbus over serial line; libmodbus and pymodbus agree on the frames; DYP A02 output interfaces",
  options: z.strictObject({
    points: z
      .record(z.string().regex(/^[a-z][a-zA-Z0-9]*$/), point)
      .refine((o) => Object.keys(o).length > 0 && Object.keys(o).length <= 64, "expected 1 to 64 points")
      .describe("registers to read, by the name of their channel"),
    baud: z.int().min(1200).max(921_600).default(9600).describe("of the port, for the silence between frames"),
    timeoutMs: z.number().min(10).max(5000).default(200).describe("longest wait for an answer"),
  }),
  plan: (o) => {
    const entries = Object.entries(o.points);
    const points = Object.fromEntries(
      entries.map(([key, { function: fn, ...rest }]): [string, ModbusPoint] => [key, { ...rest, fn }]),
    );
    const slowestMs = Math.max(...entries.map(([, p]) => p.everyMs));
    return {
      channels: Object.fromEntries(
        entries.map(([key, p]) => {
          const ends = p.range.map((x) => x * p.scale + p.offset);
          const range = [Math.min(...ends), Math.max(...ends)] as const;
          const resolution = p.type.startsWith("f32") ? Math.abs(p.scale) * 1e-3 : Math.abs(p.scale);
          return [key, { label: p.label, unit: p.unit, range, resolution, rateHz: 1000 / p.everyMs }];
        }),
      ),
      expects: "answers",
      // A request of 8, an answer of 5 and two to a register, and twice the silence of 3.5 characters between frames.
      charsPerSecond: entries.reduce(
        (sum, [, p]) => sum + ((8 + 5 + 2 * registersOf(p.type) + 7) * 1000) / p.everyMs,
        0,
      ),
      silentMs: Math.max(2000, 3 * slowestMs + 2 * o.timeoutMs),
      verifies: "ack-only",
      protocol: (out) => modbusProtocol(Object.values(points), { baud: o.baud, timeoutMs: o.timeoutMs }, out),
      twin: (spec) => modbusTwin(points, spec),
    };
  },
});
