import type { DisplayDevice } from "../src/device/display-device.ts";

/** What the glass on the module asks for: rows less one, wiring of its lines, current. */
const GLASS = {
  "128x64": { multiplex: 0x3f, comPins: 0x12, contrast: 0xcf },
  "128x32": { multiplex: 0x1f, comPins: 0x02, contrast: 0x8f },
} as const;

/** Solomon Systech SSD1306: small monochrome OLED display on a module with a 3.3 V charge pump. */
export const ssd1306: DisplayDevice = {
  kind: "display",
  part: "ssd1306",
  summary: "small display for a glance at state, depth, rotor and speed",
  source: "Solomon Systech SSD1306 data sheet, command table and application note",
  addresses: [0x3c, 0x3d],
  maxClockHz: 400_000,
  control: { command: 0x00, data: 0x40 },
  shapes: { "128x64": { columns: 128, pages: 8 }, "128x32": { columns: 128, pages: 4 } },
  off: [0xae],
  on: [0xaf],
  setup(size) {
    const { multiplex, comPins, contrast } = GLASS[size];
    return [
      ...[0xd5, 0x80], // clock: ratio 1, as after reset
      ...[0xa8, multiplex],
      ...[0xd3, 0x00], // no offset
      0x40, // starts at row 0
      ...[0x8d, 0x14], // charge pump on: without it, switched on, it stays dark
      ...[0x20, 0x00], // horizontal addressing
      0xa1, // column 127 is the first segment, and
      0xc8, // rows run from the last line: the usual modules are mounted so
      ...[0xda, comPins],
      ...[0x81, contrast],
      ...[0xd9, 0xf1], // precharge for the pump
      ...[0xdb, 0x40], // level of a line that is not selected
      0xa4, // shows its memory
      0xa6, // a bit that is set is lit
      0x2e, // no scrolling
    ];
  },
  window: (column, page, width) => [0x21, column, column + width - 1, 0x22, page, page],
};
