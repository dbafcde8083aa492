import { z } from "zod";
import { defineDevice, oneShot } from "../src/device/define.ts";
import type { CountChannel } from "../src/device/table.ts";

/** Eight switches to ground: the part reads 0 where one is closed. */
const pins = Array.from({ length: 8 }, (_, pin) => {
  const channel: CountChannel = {
    label: `Switch ${pin}`,
    unit: "1",
    range: [0, 1],
    byte: 0,
    encoding: `u1<<${pin}`,
    scale: -1,
    offset: 1,
  };
  return [`p${pin}`, channel] as const;
});

const A0_TO_A2 = Array.from({ length: 8 }, (_, i) => i);

/**
 * NXP PCF8574 and PCF8574A: eight switches to ground, 1 when closed. It has neither registers nor identity: one byte written is
 * its latch, where 1 makes a pin an input with a weak pull-up. That byte is written before each reading, so a part that lost its power is
 * right again with the next.
 */
export const pcf8574 = defineDevice({
  part: "pcf8574",
  summary: "eight switch inputs",
  source: "NXP PCF8574 product data sheet, quasi-bidirectional ports",
  addresses: [...A0_TO_A2.map((a) => 0x20 + a), ...A0_TO_A2.map((a) => 0x38 + a)],
  maxClockHz: 100_000,
  registers: { ALL_INPUTS: 0xff },
  hello: { reg: "ALL_INPUTS" },
  options: z.strictObject({ everyMs: z.number().min(10).default(50).describe("time between two readings, ms") }),
  setup: () => [],
  read: (o) =>
    oneShot({
      shots: [{ key: "pins", start: { reg: "ALL_INPUTS" }, waitMs: 1, bytes: 1, everyMs: o.everyMs }],
    }),
  channels: Object.fromEntries(pins),
});
