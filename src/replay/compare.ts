import type { Note } from "../link/frame.ts";
import type { ChannelFigures } from "./figures.ts";
import type { Replayed } from "./replay.ts";

/** How one column of two replays differs, over the rows both have. */
export interface ColumnDifference {
  readonly column: string;
  readonly rows: number;
  /** Rows in which value or quality differ. */
  readonly differing: number;
  readonly greatest: number;
  readonly mean: number;
  /** Rows in which one has a value and the other none. */
  readonly oneSided: number;
}

export interface Comparison {
  /** Every channel of the one or the other. */
  readonly channels: readonly ComparedChannel[];
  readonly columns: readonly ColumnDifference[];
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
  /** Rows that only one of them has. */
  readonly rowsOnlyFirst: number;
  readonly rowsOnlySecond: number;
  /** Events that are in one and not in the other within 500 ms. */
  readonly vanished: readonly EventNote[];
  readonly appeared: readonly EventNote[];
}

/** One channel in two replays; undefined in the one that does not have it. */
export interface ComparedChannel {
  readonly name: string;
  readonly before: ChannelFigures | undefined;
  readonly after: ChannelFigures | undefined;
}

export type EventNote = Extract<Note, { kind: "event" }>;

/** Two events of one name and state this close together (ms) are the same. */
const SAME_MS = 500;

/** The events of a replay. */
export function eventsOf(replayed: Replayed): EventNote[] {
  return replayed.notes.flatMap((note) => (note.kind === "event" ? [note] : []));
}

/** What a second configuration makes different of the same recording. */
export function compareReplays(first: Replayed, second: Replayed): Comparison {
  const tables = first.columns.map((_, table) => compareTable(first, second, table));
  const [vanished, appeared] = compareEvents(eventsOf(first), eventsOf(second));
  const sum = (pick: (t: (typeof tables)[number]) => number) => tables.reduce((n, t) => n + pick(t), 0);
  return {
    channels: compareChannels(first, second),
    columns: tables.flatMap((t) => t.columns),
    onlyFirst: tables.flatMap((t) => t.onlyFirst),
    onlySecond: tables.flatMap((t) => t.onlySecond),
    rowsOnlyFirst: sum((t) => t.rowsOnlyFirst),
    rowsOnlySecond: sum((t) => t.rowsOnlySecond),
    vanished,
    appeared,
  };
}

function compareChannels(first: Replayed, second: Replayed): ComparedChannel[] {
  const names = new Set([...first.channels, ...second.channels].map((c) => c.name));
  const of = (r: Replayed, name: string) => r.channels.find((c) => c.name === name);
  return [...names].map((name) => ({ name, before: of(first, name), after: of(second, name) }));
}

function compareTable(first: Replayed, second: Replayed, table: number) {
  const [a, b] = [first.columns[table] ?? [], second.columns[table] ?? []];
  const rowsOf = (r: Replayed) => new Map(r.rows.filter((row) => row.table === table).map((row) => [row.monoMs, row]));
  const [rowsA, rowsB] = [rowsOf(first), rowsOf(second)];
  const shared = [...rowsA.keys()].filter((ms) => rowsB.has(ms));
  const columns = a.flatMap((column, i): ColumnDifference[] => {
    const j = b.indexOf(column);
    if (j < 0) return [];
    let [differing, greatest, sum, both, oneSided] = [0, 0, 0, 0, 0];
    for (const ms of shared) {
      const [ra, rb] = [rowsA.get(ms)!, rowsB.get(ms)!];
      const [va, vb] = [ra.values[i]!, rb.values[j]!];
      if (!Object.is(va, vb) || ra.q[i] !== rb.q[j]) differing++;
      if (Number.isNaN(va) !== Number.isNaN(vb)) oneSided++;
      if (Number.isNaN(va) || Number.isNaN(vb)) continue;
      both++;
      sum += Math.abs(va - vb);
      greatest = Math.max(greatest, Math.abs(va - vb));
    }
    return [{ column, rows: shared.length, differing, greatest, mean: both === 0 ? 0 : sum / both, oneSided }];
  });
  return {
    columns,
    onlyFirst: a.filter((column) => !b.includes(column)),
    onlySecond: b.filter((column) => !a.includes(column)),
    rowsOnlyFirst: rowsA.size - shared.length,
    rowsOnlySecond: rowsB.size - shared.length,
  };
}

function compareEvents(first: readonly EventNote[], second: readonly EventNote[]): [EventNote[], EventNote[]] {
  const left = [...second];
  const vanished = first.filter((event) => {
    const at = left.findIndex(
      (other) =>
        other.name === event.name &&
        other.detail["state"] === event.detail["state"] &&
        Math.abs(other.mono - event.mono) <= SAME_MS,
    );
    if (at < 0) return true;
    left.splice(at, 1);
    return false;
  });
  return [vanished, left];
}
