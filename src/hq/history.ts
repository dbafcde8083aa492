/** One row of the lines: values in the order of the chart plan's columns, null where there is none. */
export interface HistoryRow {
  readonly mono: number;
  readonly values: readonly (number | null)[];
}

/** A row that repeats the one before is kept again after this long, in ms, so that a flat line goes on. */
const REPEAT_MS = 950;

/**
 * Rows after the beginning of a record's last row for which `live` may still carry that row: it is complete one row after
 * its beginning and stays the newest for one more.
 */
export const LIVE_LAG_ROWS = 2;

function sameValues(a: HistoryRow, b: HistoryRow): boolean {
  return a.values.length === b.values.length && a.values.every((value, i) => value === b.values[i]);
}

interface Kept extends HistoryRow {
  readonly final: boolean;
}

export interface History {
  /** A row from `live`: shown at once, replaced when the record with the same span arrives. */
  addLive(row: HistoryRow): void;
  /** The rows of a record, oldest first, `spacingMs` apart. */
  addRecord(rows: readonly HistoryRow[], spacingMs: number): void;
  /** Forgets everything: another boot or another descriptor. */
  reset(): void;
  readonly rows: readonly HistoryRow[];
  /** Changes when rows already there were changed or removed, not when one was appended. */
  epoch(): number;
  /** How many rows were appended since the epoch began, those that fell out at the old end included. */
  appended(): number;
}

/**
 * The newest minutes of one boot as rows in order of time. `live` comes first but may be lost; records come later and are
 * complete; each instant is shown once.
 */
export function createHistory(spanMs: number, maxRows = 2000): History {
  const rows: Kept[] = [];
  let settledMs = Number.NEGATIVE_INFINITY;
  let epoch = 0;
  let appended = 0;

  function trim(): void {
    const newest = rows.at(-1);
    if (newest === undefined) return;
    let drop = Math.max(0, rows.length - maxRows);
    while (drop < rows.length && rows[drop]!.mono < newest.mono - spanMs) drop++;
    if (drop > 0) rows.splice(0, drop);
  }

  function restart(): void {
    epoch++;
    appended = rows.length;
  }

  return {
    rows,
    addLive(row) {
      const newest = rows.at(-1);
      // Live rows never go back in time: what they tell is in a record already.
      if (row.mono < settledMs || (newest !== undefined && row.mono <= newest.mono)) return;
      // Live messages come at every fix, telemetry once a second: what only repeats adds no point.
      if (newest !== undefined && row.mono - newest.mono < REPEAT_MS && sameValues(row, newest)) return;
      rows.push({ ...row, final: false });
      appended++;
      trim();
    },
    addRecord(added, spacingMs) {
      const first = added[0];
      const last = added.at(-1);
      if (first === undefined || last === undefined) return;
      const newest = rows.at(-1);
      if (newest !== undefined && last.mono < newest.mono - spanMs) return;
      const from = first.mono - spacingMs / 2;
      const to = last.mono + LIVE_LAG_ROWS * spacingMs;
      settledMs = Math.max(settledMs, to);
      if (newest === undefined || newest.mono < from) {
        for (const row of added) rows.push({ ...row, final: true });
        appended += added.length;
        trim();
        return;
      }
      const kept = rows.filter((row) => row.mono < from || row.mono >= to || row.final);
      const finals = new Set(kept.filter((row) => row.final).map((row) => row.mono));
      for (const row of added) if (!finals.has(row.mono)) kept.push({ ...row, final: true });
      kept.sort((a, b) => a.mono - b.mono);
      rows.splice(0, rows.length, ...kept);
      trim();
      restart();
    },
    reset() {
      rows.length = 0;
      settledMs = Number.NEGATIVE_INFINITY;
      restart();
    },
    epoch: () => epoch,
    appended: () => appended,
  };
}
