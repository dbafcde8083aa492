import type { I2cTwin } from "../bus/i2c.ts";
import type { DisplayDevice, DisplaySize } from "./display-device.ts";
import { CELL_WIDTH, glyphColumn } from "./display-font.ts";

/** A display made of memory: takes commands as the data sheet says and keeps the pixels, so that a test can look at it. */
export interface DisplayTwin extends I2cTwin {
  /** Whether anything is to be seen: on, with the pump that feeds it. */
  readonly lit: boolean;
  /** Its memory: pages × columns bytes, the lowest bit on top. */
  readonly pixels: Uint8Array;
  /** The text at double size in pages 0 and 1, then that of each other page; a cell that is no letter is `~`. */
  lines(): string[];
  /** As after power-on: dark, with noise in its memory. */
  brownOut(): void;
}

/** Bytes that follow a command; 0 for all others. SSD1306 data sheet, table 9-1. */
const OPERANDS: ReadonlyMap<number, number> = new Map([
  ...[0x20, 0x81, 0x8d, 0xa8, 0xd3, 0xd5, 0xd9, 0xda, 0xdb].map((op) => [op, 1] as const),
  ...[0x21, 0x22, 0xa3].map((op) => [op, 2] as const),
  ...[0x29, 0x2a].map((op) => [op, 5] as const),
  ...[0x26, 0x27].map((op) => [op, 6] as const),
]);
const SET_MODE = 0x20;
const SET_COLUMNS = 0x21;
const SET_PAGES = 0x22;
const SET_PUMP = 0x8d;
const OFF = 0xae;
const ON = 0xaf;

const LETTERS = Array.from({ length: 64 }, (_, i) => String.fromCharCode(0x20 + i));

export function createDisplayTwin(device: DisplayDevice, size: DisplaySize): DisplayTwin {
  const { columns, pages } = device.shapes[size];
  const pixels = new Uint8Array(columns * pages);
  let isOn = false;
  let pump = false;
  /** A panel that was switched on without its pump stays dark. */
  let fed = false;
  let horizontal = false;
  let firstColumn = 0;
  let lastColumn = columns - 1;
  let firstPage = 0;
  let lastPage = 7;
  let column = 0;
  let page = 0;

  function brownOut(): void {
    for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 181 + 91) & 0xff;
    isOn = pump = fed = horizontal = false;
    firstColumn = column = firstPage = page = 0;
    lastColumn = columns - 1;
    lastPage = 7;
  }

  function command(op: number, a: number, b: number): void {
    if (op === SET_MODE) horizontal = (a & 3) === 0;
    else if (op === SET_COLUMNS) [firstColumn, lastColumn, column] = [a, b, a];
    else if (op === SET_PAGES) [firstPage, lastPage, page] = [a, b, a];
    else if (op === SET_PUMP) pump = (a & 4) !== 0;
    else if (op === OFF) isOn = false;
    else if (op === ON) {
      isOn = true;
      fed = pump;
    }
  }

  function pixel(byte: number): void {
    if (page < pages) pixels[page * columns + column] = byte;
    if (column < lastColumn) column += 1;
    else {
      column = firstColumn;
      if (horizontal) page = page < lastPage ? page + 1 : firstPage;
    }
  }

  /** The letter whose columns these are. */
  const letter = (bits: (x: number) => number) =>
    LETTERS.find((one) =>
      Array.from({ length: CELL_WIDTH }, (_, x) => x).every((x) => glyphColumn(one, x) === bits(x)),
    ) ?? "~";

  /** Bits 0, 2, 4, 6 of two bytes over each other, as seven. */
  function halved(low: number, high: number): number {
    let bits = 0;
    for (let i = 0; i < 4; i++) bits |= (((low >> (2 * i)) & 1) << i) | (((high >> (2 * i)) & 1) << (i + 4));
    return bits;
  }

  function text(row: number, shift: number): string {
    let out = "";
    for (let at = shift; at + CELL_WIDTH <= columns; at += CELL_WIDTH)
      out += letter((x) => pixels[row * columns + at + x]!);
    return out.trimEnd();
  }

  function bigText(shift: number): string {
    let out = "";
    for (let at = shift; at + 2 * CELL_WIDTH <= 120 + shift; at += 2 * CELL_WIDTH)
      out += letter((x) => halved(pixels[at + 2 * x]!, pixels[columns + at + 2 * x]!));
    return out.trimEnd();
  }

  brownOut();
  return {
    get lit() {
      return isOn && fed;
    },
    pixels,
    read() {
      // Its status is not wired out on the usual modules.
    },
    write(register, bytes, length) {
      if (register === device.control.data) for (let i = 0; i < length; i++) pixel(bytes[i]!);
      else if (register === device.control.command)
        for (let i = 0; i < length; i += 1 + (OPERANDS.get(bytes[i]!) ?? 0))
          command(bytes[i]!, bytes[i + 1] ?? 0, bytes[i + 2] ?? 0);
    },
    lines() {
      // The picture may have moved: the way that shows most letters is how a person reads it.
      const ways = [0, 1, 2].map((shift) => [
        bigText(shift),
        ...Array.from({ length: pages - 2 }, (_, row) => text(row + 2, shift)),
      ]);
      const unread = (way: readonly string[]) => way.join("").split("~").length;
      return ways.reduce((best, way) => (unread(way) < unread(best) ? way : best));
    },
    brownOut,
  };
}
