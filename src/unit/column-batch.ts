import { stepOf } from "../codec/compact-column.ts";
import type { Row } from "../link/frame.ts";

/** One column of a table: its name on the wire and the step its values are rounded to. */
export interface ColumnSpec {
  readonly name: string;
  readonly resolution: number;
}

/** An instant as it goes on the wire: whole microseconds would claim what no clock here keeps. */
export function wireMono(monoMs: number): number {
  return Math.round(monoMs * 10) / 10;
}

/** Rows turned into columns: the body of a `telemetry` (`dt`) or `track` (`at`) record. */
export interface Columns {
  readonly mono: number;
  readonly n: number;
  readonly at: number[];
  readonly c: Record<string, (number | null)[]>;
  readonly q?: Record<string, number[]>;
}

/** A value as it goes on the wire: rounded to its channel's resolution, null where there is none. */
export function wireValue(value: number, decimals: number): number | null {
  if (!Number.isFinite(value)) return null;
  const rounded = Number(value.toFixed(decimals));
  return Object.is(rounded, -0) ? 0 : rounded;
}

/** Collects rows of one table until they are taken as columns. */
export function createColumnBatch(columns: readonly ColumnSpec[]) {
  const decimals = columns.map((c) => stepOf(c.resolution).decimals);
  let rows: Row[] = [];

  return {
    get length() {
      return rows.length;
    },
    add(row: Row): void {
      rows.push(row);
    },
    /** The columns of all rows, and an empty batch; undefined when there is nothing. */
    take(): Columns | undefined {
      const first = rows[0];
      if (first === undefined) return undefined;
      const c: Record<string, (number | null)[]> = {};
      const q: Record<string, number[]> = {};
      columns.forEach((column, i) => {
        const values = new Array<number | null>(rows.length);
        const bits = new Array<number>(rows.length);
        let any = 0;
        rows.forEach((row, r) => {
          values[r] = wireValue(row.values[i] ?? Number.NaN, decimals[i]!);
          bits[r] = row.q[i] ?? 0;
          any |= bits[r];
        });
        c[column.name] = values;
        if (any !== 0) q[column.name] = bits;
      });
      const at = rows.map((row) => wireMono(row.monoMs - first.monoMs));
      const n = rows.length;
      rows = [];
      return { mono: wireMono(first.monoMs), n, at, c, ...(Object.keys(q).length > 0 ? { q } : {}) };
    },
  };
}

export type ColumnBatch = ReturnType<typeof createColumnBatch>;
