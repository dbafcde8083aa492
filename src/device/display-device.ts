/** Sizes a display comes in, as columns × rows of pixels. */
export const DISPLAY_SIZES = ["128x64", "128x32"] as const;
export type DisplaySize = (typeof DISPLAY_SIZES)[number];

/** Pixels of a size; a page is eight rows, one byte high. */
export interface DisplayShape {
  readonly columns: number;
  readonly pages: number;
}

/**
 * A display as one table: something to write to that nothing is read from. Lists of bytes are streams of commands, each one
 * transfer behind the control byte `command`; pixels follow the control byte `data`.
 */
export interface DisplayDevice {
  readonly kind: "display";
  readonly part: string;
  readonly summary: string;
  readonly source: string;
  readonly addresses: readonly number[];
  readonly maxClockHz: number;
  readonly control: { readonly command: number; readonly data: number };
  readonly shapes: Readonly<Record<DisplaySize, DisplayShape>>;
  /** Dark, whatever is in its memory. */
  readonly off: readonly number[];
  readonly on: readonly number[];
  /** Everything it must be told after power-on, between `off` and `on`. */
  setup(size: DisplaySize): readonly number[];
  /** The next `width` bytes of pixels go to this page from this column on, left to right. */
  window(column: number, page: number, width: number): readonly number[];
}

/** Bytes of pixels in one transfer: as many as a bus moves at once behind the control byte. */
export const DISPLAY_CHUNK_BYTES = 32;
/** Least time between two of them in ms: some four pages a second, so that sensors on the same bus hardly wait. */
export const DISPLAY_STEP_MS = 64;
