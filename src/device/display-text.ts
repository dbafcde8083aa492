import type { DisplayShape } from "./display-device.ts";
import { CELL_WIDTH, glyphColumn } from "./display-font.ts";

/** Letters that fit into the first line, which is drawn at double size, and into the others. */
export const BIG_LETTERS = 10;
export const SMALL_LETTERS = 21;

/** How many small lines fit below the big one. */
export const smallLines = ({ pages }: DisplayShape): number => pages - 2;

/** Where the mark of life is, in page 0: right of the big line. */
const MARK_COLUMN = 123;
const MARK_WIDTH = 4;
const MARK_BITS = 0x3c;

/** Four bits to eight, each twice. */
function doubled(bits: number): number {
  let out = 0;
  for (let i = 0; i < 4; i++) if ((bits & (1 << i)) !== 0) out |= 3 << (2 * i);
  return out;
}

/**
 * Draws lines into `pixels` (pages × columns bytes, a byte is eight rows, the lowest bit on top): the first at double size over
 * pages 0 and 1, each other in a page of its own. What does not fit is left out. `shift` moves all to the right, in pixels.
 */
export function drawLines(
  lines: readonly string[],
  { columns, pages }: DisplayShape,
  shift: number,
  pixels: Uint8Array,
): void {
  pixels.fill(0);
  const [big = "", ...small] = lines;
  for (let i = 0; i < Math.min(big.length, BIG_LETTERS); i++)
    for (let x = 0; x < 2 * CELL_WIDTH; x++) {
      const bits = glyphColumn(big[i]!, x >> 1);
      const at = shift + i * 2 * CELL_WIDTH + x;
      pixels[at] = doubled(bits);
      pixels[columns + at] = doubled(bits >> 4);
    }
  for (let row = 0; row < Math.min(small.length, pages - 2); row++) {
    const text = small[row]!;
    for (let i = 0; i < Math.min(text.length, SMALL_LETTERS); i++)
      for (let x = 0; x < CELL_WIDTH; x++)
        pixels[(row + 2) * columns + shift + i * CELL_WIDTH + x] = glyphColumn(text[i]!, x);
  }
}

/** Draws the mark of life, or takes it away: a picture in which it does not blink is old. */
export function drawMark(on: boolean, pixels: Uint8Array): void {
  pixels.fill(on ? MARK_BITS : 0, MARK_COLUMN, MARK_COLUMN + MARK_WIDTH);
}
