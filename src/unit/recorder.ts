import type { Note, Row } from "../link/frame.ts";
import type { Draft, Lane } from "../model/record.ts";
import type { AppendOptions, StagedRows, StageMark } from "../spool/spool.ts";
import { type ColumnBatch, type ColumnSpec, createColumnBatch, wireMono } from "./column-batch.ts";
import { encodeStaged, groupStaged } from "./staged-rows.ts";
import type { Stamp, Timebase } from "./timebase.ts";

/** What the recorder asks of the spool. */
export interface RecordStore {
  append(lane: Lane, body: Uint8Array, options?: AppendOptions): Promise<number>;
  stage(rows: Uint8Array, stream: number): Promise<StageMark>;
}

/** One table of rows: telemetry on a grid, or the track at its own times. */
export interface TableSpec {
  readonly kind: "telemetry" | "track";
  readonly columns: readonly ColumnSpec[];
}

export interface RecorderOptions {
  readonly store: RecordStore;
  readonly timebase: Timebase;
  readonly boot: string;
  readonly desc: string;
  /** By table number of the link's rows. */
  readonly tables: readonly TableSpec[];
  readonly rowMs: number;
  readonly batchRows: number;
  /** Tells the sampler that everything up to the number is durable. */
  readonly ack: (number: number) => void;
  readonly failed: (error: unknown) => void;
}

interface Table {
  readonly spec: TableSpec;
  readonly stream: number;
  batch: ColumnBatch;
  /** Frames that are not durable yet. */
  frames: Uint8Array[];
  /** The newest staged rows of the record being filled. */
  mark: StageMark | undefined;
}

/** Track rows without telemetry beside them are made durable after this long. */
const COMMIT_MS = 900;
/** Rows of a track record at the most: what a receiver at 20 Hz gives in a minute. */
const TRACK_ROWS_MAX = 1200;

const bodyOf = (draft: Draft): Buffer => Buffer.from(JSON.stringify(draft));

/**
 * Makes records of what the sampler sends. Rows are staged about once a second and acknowledged when that is durable; a full
 * batch becomes a record that makes its staged rows obsolete in the same commit. A hole in the row grid becomes an outage.
 */
export function createRecorder(options: RecorderOptions) {
  const { store, timebase, boot, desc, rowMs, batchRows } = options;
  const fresh = (spec: TableSpec) => createColumnBatch(spec.columns, spec.kind === "telemetry" ? rowMs : undefined);
  const tables: Table[] = options.tables.map((spec, stream) => ({
    spec,
    stream,
    batch: fresh(spec),
    frames: [],
    mark: undefined,
  }));
  let session = "";
  let received = 0;
  let nextMono: number | undefined;
  let outageReason: "sampler-restart" | "sampler-stalled" | "unit-restart" | "link-overflow" = "unit-restart";
  let timer: NodeJS.Timeout | undefined;
  let queue: Promise<void> = Promise.resolve();

  const stampOf = (monoMs: number): Stamp & { v: 1; boot: string; mono: number } => ({
    v: 1,
    boot,
    mono: wireMono(monoMs),
    ...timebase.stamp(monoMs),
  });

  function drafted(spec: TableSpec, batch: ColumnBatch, of: { boot: string; desc: string }): Draft | undefined {
    const columns = batch.take();
    if (columns === undefined || spec.columns.length === 0) return undefined;
    const { mono, n, at, c, q } = columns;
    const stamp: Stamp = of.boot === boot ? timebase.stamp(mono) : { trust: "none" };
    const base = {
      v: 1 as const,
      boot: of.boot,
      mono,
      ...stamp,
      desc: of.desc,
      n,
      c,
      ...(q === undefined ? {} : { q }),
    };
    return spec.kind === "telemetry" ? { ...base, kind: "telemetry", dt: rowMs } : { ...base, kind: "track", at };
  }

  /** Turns what is batched into records, and stages the place where the link stands, in one commit. */
  function finish(): Promise<unknown>[] {
    const work: Promise<unknown>[] = [];
    for (const table of tables) {
      const draft = drafted(table.spec, table.batch, { boot, desc });
      table.frames = [];
      if (draft === undefined) continue;
      work.push(store.append("log", bodyOf(draft), table.mark === undefined ? {} : { supersedes: table.mark }));
      table.mark = undefined;
    }
    return work;
  }

  /** Stages the rows that are not durable yet, each entry with what another run needs to go on. */
  function stage(always: boolean): Promise<unknown>[] {
    const work: Promise<unknown>[] = [];
    for (const table of tables) {
      const { frames } = table;
      if (frames.length === 0 && !(always && table.stream === 0)) continue;
      const columns = table.mark === undefined ? { columns: [...table.spec.columns] } : {};
      const place = {
        boot,
        desc,
        session,
        number: received,
        ...(nextMono === undefined ? {} : { nextMono }),
        ...columns,
      };
      table.frames = [];
      work.push(
        store.stage(encodeStaged(place, frames), table.stream).then((mark) => {
          table.mark = mark;
        }),
      );
    }
    return work;
  }

  /** One commit: everything received so far becomes durable and is then acknowledged. One at a time, in order. */
  function commit(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    queue = queue.then(async () => {
      const upTo = received;
      const full = tables.some((t) => t.batch.length >= (t.spec.kind === "telemetry" ? batchRows : TRACK_ROWS_MAX));
      try {
        const records = full ? finish() : [];
        await Promise.all([...records, ...stage(full)]);
        options.ack(upTo);
      } catch (error) {
        options.failed(error);
      }
    });
    return queue;
  }

  /** Appends a record that others depend on: it is never thinned. */
  function add(draft: Draft, lane: Lane): void {
    queue = queue.then(() => store.append(lane, bodyOf(draft), { keep: true }).then(() => undefined, options.failed));
  }

  function outage(from: number, to: number): void {
    queue = queue.then(() => Promise.all(finish()).then(() => undefined, options.failed));
    add({ ...stampOf(from), kind: "outage", from: wireMono(from), to: wireMono(to), reason: outageReason }, "log");
    outageReason = "sampler-stalled";
  }

  return {
    /** Makes records of what an earlier run staged, and returns where the link goes on when that was in this boot. */
    async recover(staged: readonly StagedRows[]): Promise<{ session: string; number: number } | undefined> {
      let resume: { session: string; number: number } | undefined;
      for (const table of tables) {
        const mine = staged.filter((s) => s.mark.stream === table.stream);
        const mark = mine.at(-1)?.mark;
        const groups = groupStaged(mine.map((s) => s.rows));
        for (const [i, group] of groups.entries()) {
          const spec = { kind: table.spec.kind, columns: group.columns };
          const batch = fresh(spec);
          for (const row of group.rows) batch.add(row);
          const draft = drafted(spec, batch, group.context);
          const last = i === groups.length - 1 && mark !== undefined;
          if (draft !== undefined) await store.append("log", bodyOf(draft), last ? { supersedes: mark } : {});
          if (group.context.boot !== boot || table.stream !== 0) continue;
          resume = { session: group.context.session, number: group.context.number };
          nextMono = group.context.nextMono;
        }
      }
      return resume;
    },
    /** A sampler said hello: a new session starts its numbers at 1. */
    hello(newSession: string): void {
      if (session !== "" && session !== newSession) outageReason = "sampler-restart";
      if (session !== newSession) received = 0;
      session = newSession;
    },
    row(row: Row, bytes: Uint8Array, number: number): void {
      const table = tables[row.table];
      if (table === undefined) return;
      if (table.spec.kind === "telemetry") {
        if (nextMono !== undefined && row.monoMs - nextMono > rowMs / 2) outage(nextMono, row.monoMs);
        nextMono = row.monoMs + rowMs;
      }
      queue = queue.then(() => {
        received = number;
        table.batch.add(row);
        table.frames.push(bytes);
      });
      if (table.spec.kind === "telemetry") void commit();
      else timer ??= setTimeout(() => void commit(), COMMIT_MS);
    },
    note(note: Note, number: number): void {
      if (note.kind === "anchor") {
        const { mono, offsetMs, trust, uncMs } = note;
        timebase.offer({ monoMs: mono, offsetMs, trust, uncMs });
        add({ ...stampOf(mono), kind: "anchor", offsetMs }, "log");
      } else if (note.kind === "source") {
        const { source, state, previous, reason, mono } = note;
        const severity = state === "failed" || state === "absent" ? "warning" : "info";
        add(
          {
            ...stampOf(mono),
            kind: "event",
            name: "source_state",
            severity,
            source,
            detail: { state, previous, reason },
          },
          "event",
        );
      } else {
        outageReason = "link-overflow";
      }
      queue = queue.then(() => {
        received = number;
      });
    },
    /** Any other record, such as the descriptor. */
    add,
    /** Makes everything received a record, at a planned stop. */
    async flush(): Promise<void> {
      clearTimeout(timer);
      queue = queue.then(() =>
        Promise.all([...finish(), ...stage(true)]).then(() => options.ack(received), options.failed),
      );
      await queue;
    },
  };
}

export type Recorder = ReturnType<typeof createRecorder>;
