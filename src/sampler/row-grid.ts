import type { Row } from "../link/frame.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Due } from "./schedule.ts";

/** A row is closed this long after its end, so that a FIFO drained late and a filter's last block are still in it. */
const GRACE_MS = 150;
/** Rows that windows keep open: after a longer stall of the loop the older ones are holes. */
const OPEN_ROWS = 8;

/**
 * Closes rows of all channels on whole multiples of `rowMs`. After a stall only the rows that the windows still hold are
 * made; the hole before them is the unit's to record.
 */
export function createRowGrid(options: {
  readonly pipelines: readonly Pipeline[];
  readonly rowMs: number;
  readonly startMs: number;
  readonly emit: (row: Row) => void;
  /** Called before the row that ends at `toMs` is closed. */
  readonly closing?: (toMs: number) => void;
}): Due {
  const { pipelines, rowMs, emit, closing } = options;
  const columns = pipelines.reduce((n, p) => n + p.columns, 0);
  // Overwritten by every row: whoever keeps one encodes it first.
  const values = new Float64Array(columns);
  const q = new Uint16Array(columns);
  let rowStartMs = Math.ceil(options.startMs / rowMs) * rowMs;

  function close(): void {
    let offset = 0;
    closing?.(rowStartMs + rowMs);
    for (const pipeline of pipelines) {
      pipeline.take(rowStartMs, values, q, offset);
      offset += pipeline.columns;
    }
    emit({ table: 0, monoMs: rowStartMs, values, q });
    rowStartMs += rowMs;
  }

  return {
    get dueMs() {
      return rowStartMs + rowMs + GRACE_MS;
    },
    step(nowMs) {
      const newest = Math.floor((nowMs - GRACE_MS) / rowMs) * rowMs - rowMs;
      if (newest - rowStartMs >= OPEN_ROWS * rowMs) rowStartMs = newest - (OPEN_ROWS - 1) * rowMs;
      while (rowStartMs <= newest) close();
    },
  };
}
