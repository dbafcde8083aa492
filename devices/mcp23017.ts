import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";
import type { CountChannel } from "../src/device/table.ts";

const PORTS = ["A", "B"] as const;

/** Fourteen switches: pin 7 of each port may only be an output, as an input it can spoil the whole bus. */
const pins = PORTS.flatMap((port, p) =>
  Array.from({ length: 7 }, (_, pin) => {
    const channel: CountChannel = {
      label: `Switch ${port}${pin}`,
      unit: "1",
      range: [0, 1],
      byte: 4 + p,
      encoding: `u1<<${pin}`,
      scale: 1,
    };
    return [`gp${port.toLowerCase()}${pin}`, channel] as const;
  }),
);

/** Microchip MCP23017: fourteen switches to ground, 1 when closed. */
export const mcp23017 = defineDevice({
  part: "mcp23017",
  summary: "fourteen switch inputs",
  source: "Microchip DS20001952D, register map with BANK 0; GPA7 and GPB7 are outputs only",
  addresses: Array.from({ length: 8 }, (_, i) => 0x20 + i),
  maxClockHz: 400_000,
  registers: {
    IODIRA: 0x00,
    IODIRB: 0x01,
    IPOLA: 0x02,
    IPOLB: 0x03,
    GPINTENA: 0x04,
    GPINTENB: 0x05,
    INTCONA: 0x08,
    INTCONB: 0x09,
    IOCON: 0x0a,
    GPPUA: 0x0c,
    GPPUB: 0x0d,
    INTFA: 0x0e,
  },
  powerOn: { IODIRA: 0xff, IODIRB: 0xff },
  options: z.strictObject({ everyMs: z.number().min(10).default(20).describe("time between two readings, ms") }),
  setup: () => [
    { reg: "IOCON", mask: 0xfe, value: 0x40 }, // one bank, addresses count up, interrupt lines mirrored
    ...PORTS.flatMap(
      (p) =>
        [
          { reg: `IODIR${p}`, mask: 0xff, value: 0x7f },
          { reg: `GPPU${p}`, mask: 0xff, value: 0x7f },
          { reg: `IPOL${p}`, mask: 0xff, value: 0x7f }, // a closed switch reads 1
          { reg: `GPINTEN${p}`, mask: 0xff, value: 0x7f },
          { reg: `INTCON${p}`, mask: 0xff, value: 0x00 },
        ] as const,
    ),
  ],
  awake: { reg: "IODIRA", mask: 0x80, value: 0x00 },
  read: (o) => poll({ frames: [{ reg: "INTFA", bytes: 6, everyMs: o.everyMs }] }),
  channels: Object.fromEntries(pins),
});
