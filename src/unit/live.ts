import { stepOf } from "../codec/compact-column.ts";
import type { Row } from "../link/frame.ts";
import type { LiveMessage } from "../model/record.ts";
import { type ColumnSpec, wireMono, wireValue } from "./column-batch.ts";
import type { Timebase } from "./timebase.ts";

/**
 * Keeps the newest row of each table and says when a live message is due: at every new row, but no more often than
 * `everyMs` on average (half a period early is on time, so that a receiver's jitter does not halve the rate).
 */
export function createLive(options: {
  readonly tables: readonly (readonly ColumnSpec[])[];
  readonly everyMs: number;
  readonly boot: string;
  readonly desc: string;
  readonly timebase: Timebase;
  readonly publish: (bytes: Buffer) => void;
}) {
  const { tables, everyMs, timebase } = options;
  const decimals = tables.map((columns) => columns.map((c) => stepOf(c.resolution).decimals));
  const newest: (Row | undefined)[] = tables.map(() => undefined);
  let nextMs = Number.NEGATIVE_INFINITY;

  function message(monoMs: number): LiveMessage {
    const c: Record<string, number | null> = {};
    const q: Record<string, number> = {};
    let marked = false;
    tables.forEach((columns, table) => {
      const row = newest[table];
      if (row === undefined) return;
      columns.forEach((column, i) => {
        c[column.name] = wireValue(row.values[i] ?? Number.NaN, decimals[table]![i]!);
        const bits = row.q[i] ?? 0;
        if (bits === 0) return;
        q[column.name] = bits;
        marked = true;
      });
    });
    const { t, trust } = timebase.stamp(monoMs);
    return {
      v: 1,
      boot: options.boot,
      mono: wireMono(monoMs),
      ...(t === undefined ? {} : { t }),
      trust,
      desc: options.desc,
      c,
      ...(marked ? { q } : {}),
    };
  }

  return {
    row(row: Row): void {
      newest[row.table] = row;
      if (row.monoMs < nextMs) return;
      nextMs = Math.max(nextMs + everyMs, row.monoMs + everyMs / 2);
      options.publish(Buffer.from(JSON.stringify(message(row.monoMs))));
    },
  };
}
