import type { Row } from "../link/frame.ts";
import type { Block } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";

/** Turns the epochs of the track's part into rows: the newest value of each of its channels at the instant of the epoch. */
export function createTrackRows(channels: readonly number[], emit: (row: Row) => void) {
  const columns = channels.length;
  const values = new Float64Array(columns).fill(Number.NaN);
  const q = new Uint16Array(columns).fill(QUALITY.missing);
  const columnOf = new Map(channels.map((channel, column) => [channel, column]));

  return {
    block(channel: number, block: Block): void {
      const column = columnOf.get(channel);
      if (column === undefined || block.n === 0) return;
      values[column] = block.x[block.n - 1]!;
      q[column] = block.q[block.n - 1]!;
    },
    scan(tMs: number): void {
      emit({ table: 1, monoMs: tMs, values, q });
      // A channel that the next epoch does not bring is absent from it.
      values.fill(Number.NaN);
      q.fill(QUALITY.missing);
    },
  };
}
