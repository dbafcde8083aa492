import type { Note, Row } from "../link/frame.ts";
import type { MarkKind, MarkOrigin, Verdict } from "../model/operator.ts";
import type { Draft, DraftOf, Lane } from "../model/record.ts";
import type { Anchor } from "../model/time.ts";
import type { AppendOptions, StagedRows, StageMark } from "../spool/spool.ts";
import { type ColumnBatch, type ColumnSpec, createColumnBatch, wireMono } from "./column-batch.ts";
import { draftOf } from "./row-record.ts";
import { encodeStaged, groupStaged, type StageContext } from "./staged-rows.ts";
import type { Stamp, Timebase } from "./timebase.ts";
import { createVerdicts, verdictOf } from "./verdicts.ts";

/** What the recorder asks of the spool. */
export interface RecordStore {
  append(lane: Lane, body: Uint8Array, options?: AppendOptions): Promise<number>;
  stage(rows: Uint8Array, stream: number): Promise<StageMark>;
  /** Commits without waiting for company. */
  flush(): Promise<void>;
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
  /** A record as the spool keeps it. */
  readonly bodyOf: (draft: Draft) => Uint8Array;
  /** Tells the sampler that everything up to the number of its session is durable. */
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

type OutageReason = "sampler-restart" | "sampler-stalled" | "unit-restart" | "link-overflow";

/** Track rows without telemetry beside them are made durable after this long. */
const COMMIT_MS = 900;
/** Rows of a track record at the most: what a receiver at 20 Hz gives in a minute. */
const TRACK_ROWS_MAX = 1200;

/**
 * Makes records of what the sampler sends. Rows are staged about once a second and acknowledged when that is durable; a full
 * batch becomes a record that makes its staged rows obsolete in the same commit. A hole in the row grid becomes an outage.
 * One commit is on its way at a time and the next takes all that came meanwhile, so a slow disk never makes a queue of commits.
 */
export function createRecorder(options: RecorderOptions) {
  const { store, timebase, boot, desc, rowMs, batchRows, bodyOf } = options;
  const tables: Table[] = options.tables.map((spec, stream) => ({
    spec,
    stream,
    batch: createColumnBatch(spec.columns),
    frames: [],
    mark: undefined,
  }));
  /** Holds the place of the link when no rows do. */
  const placeTable = tables.find((t) => t.spec.columns.length > 0);
  /** What came and is in no commit yet, in order. */
  let waiting: (() => void)[] = [];
  let running: Promise<void> | undefined;
  let wanted = false;
  /** Who waits for a commit that makes records of all rows. */
  let closers: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;

  // As heard: ahead of the commits.
  let heardSession = "";
  let heardNumber = 0;
  let heardNextMono: number | undefined;
  let outageReason: OutageReason = "unit-restart";

  // As far as the commits are.
  let session = "";
  let received = 0;
  let nextMono: number | undefined;
  let gridRows = 0;
  let finished = false;
  let work: Promise<unknown>[] = [];

  const stampOf = (monoMs: number): Stamp & { v: 1; boot: string; mono: number } => ({
    v: 1,
    boot,
    mono: wireMono(monoMs),
    ...timebase.stamp(monoMs),
  });

  /** Turns what is batched into records. */
  function finish(): void {
    gridRows = 0;
    finished = true;
    for (const table of tables) {
      const columns = table.batch.take();
      table.frames = [];
      if (columns === undefined) continue;
      const draft = draftOf(table.spec.kind, columns, { boot, desc, rowMs, stamp: timebase.stamp(columns.mono) });
      work.push(store.append("log", bodyOf(draft), table.mark === undefined ? {} : { supersedes: table.mark }));
      table.mark = undefined;
    }
  }

  /** Stages the rows that are not durable yet, each entry with what another run needs to go on. */
  function stage(): void {
    for (const table of tables) {
      const { frames } = table;
      // A record has taken the place of the link with its staged rows: it is staged anew.
      if (frames.length === 0 && !(finished && table === placeTable)) continue;
      const place: StageContext = {
        boot,
        desc,
        session,
        number: received,
        ...(nextMono === undefined ? {} : { nextMono }),
        ...(table.mark === undefined ? { columns: [...table.spec.columns] } : {}),
      };
      table.frames = [];
      work.push(
        store.stage(encodeStaged(place, frames), table.stream).then((mark) => {
          table.mark = mark;
        }),
      );
    }
    finished = false;
  }

  /** One commit: everything received so far becomes durable and is then acknowledged. */
  async function commitOnce(closing: boolean): Promise<void> {
    const steps = waiting;
    waiting = [];
    for (const step of steps) step();
    if (closing) finish();
    stage();
    const upTo = received;
    const of = session;
    const all = work;
    work = [];
    const failures = (await Promise.allSettled(all)).filter((r) => r.status === "rejected");
    if (failures.length > 0) options.failed(failures[0]!.reason);
    else if (of === heardSession) options.ack(upTo);
  }

  async function commitWanted(): Promise<void> {
    while (wanted) {
      wanted = false;
      const told = closers;
      closers = [];
      const committed = commitOnce(told.length > 0);
      if (told.length > 0) store.flush().catch(() => undefined); // the commit that waits for it tells
      await committed;
      for (const done of told) done();
    }
    running = undefined;
  }

  function commit(): void {
    clearTimeout(timer);
    timer = undefined;
    wanted = true;
    running ??= commitWanted();
  }

  /** Appends a record; one that others depend on is never thinned. */
  function add(draft: Draft, lane: Lane, how: AppendOptions = { keep: true }): void {
    if (lane === "event") {
      addEvent(draft, how).catch(() => undefined); // the commit that waits for it tells
      return;
    }
    waiting.push(() => {
      work.push(store.append(lane, bodyOf(draft), how));
      // A capture is rare and large: it does not wait for company.
      if (lane === "bulk") store.flush().catch(() => undefined);
    });
    commit();
  }

  /** The lanes have an order each; an event need not wait for a commit of the log. Resolves when it is durable. */
  function addEvent(draft: Draft, how: AppendOptions = { keep: true }): Promise<number> {
    const appended = store.append("event", bodyOf(draft), how);
    waiting.push(() => work.push(appended));
    commit();
    return appended;
  }

  function outage(from: number, to: number): void {
    const reason = outageReason;
    waiting.push(finish);
    add({ ...stampOf(from), kind: "outage", from: wireMono(from), to: wireMono(to), reason }, "log");
  }

  /** A clock was read: later stamps may come from it, and readers resolve earlier records by the record made here. */
  function anchor(read: Anchor): void {
    const { offsetMs, trust, uncMs } = read;
    timebase.offer(read);
    const mono = wireMono(read.monoMs);
    const t = new Date(Math.round(mono + offsetMs)).toISOString();
    add({ v: 1, kind: "anchor", boot, mono, t, trust, unc: Math.ceil(uncMs), offsetMs }, "log");
  }

  function addRow(table: Table, row: Row, bytes: Uint8Array, number: number): void {
    received = number;
    const isGrid = table.spec.kind === "telemetry";
    if (isGrid) {
      nextMono = row.monoMs + rowMs;
      gridRows++;
    }
    // Without channels the grid is only a beat: there is nothing to keep of it.
    if (table.spec.columns.length > 0) {
      table.batch.add(row);
      table.frames.push(bytes);
    }
    if (gridRows >= batchRows || (!isGrid && table.batch.length >= TRACK_ROWS_MAX)) finish();
  }

  const verdicts = createVerdicts(boot);
  function judge(
    monoMs: number,
    verdict: Verdict,
    origin: MarkOrigin,
    of?: { readonly boot: string; readonly mono: number },
  ): Promise<number> | undefined {
    const about = verdicts.judge(monoMs, of);
    if (about === undefined) return undefined;
    const detail = { ...about, origin };
    return addEvent({ ...stampOf(monoMs), kind: "event", name: verdict, severity: "info", detail });
  }

  return {
    /** Makes records of what an earlier run staged, and returns where the link goes on when that was in this boot. */
    recover(staged: readonly StagedRows[]): { session: string; number: number } | undefined {
      let place: StageContext | undefined;
      for (const stream of new Set(staged.map((s) => s.mark.stream))) {
        const mine = staged.filter((s) => s.mark.stream === stream);
        const upTo = mine.at(-1)!.mark;
        const groups = groupStaged(mine.map((s) => s.rows));
        for (const [i, { context, columns, rows }] of groups.entries()) {
          const batch = createColumnBatch(columns);
          for (const row of rows) batch.add(row);
          const taken = columns.length === 0 ? undefined : batch.take();
          if (taken !== undefined) {
            const stamp: Stamp = context.boot === boot ? timebase.stamp(taken.mono) : { trust: "none" };
            const draft = draftOf(stream === 0 ? "telemetry" : "track", taken, { ...context, rowMs, stamp });
            work.push(store.append("log", bodyOf(draft), i === groups.length - 1 ? { supersedes: upTo } : {}));
          }
          // The place that is furthest on, whichever table it was staged with.
          if (context.boot === boot && (context.nextMono ?? -1) >= (place?.nextMono ?? -1)) place = context;
        }
      }
      if (place !== undefined) {
        session = place.session;
        received = place.number;
        nextMono = place.nextMono;
        heardNextMono = nextMono;
      }
      // The place is staged anew in the commit that takes its rows away.
      finished = work.length > 0;
      if (finished) commit();
      return place && { session, number: received };
    },
    /** A sampler said hello: a new session starts its numbers at 1. */
    hello(newSession: string): void {
      if (heardSession === newSession) return;
      if (heardSession !== "") outageReason = "sampler-restart";
      heardSession = newSession;
      heardNumber = 0;
      waiting.push(() => {
        if (session !== newSession) received = 0;
        session = newSession;
      });
    },
    row(row: Row, bytes: Uint8Array, number: number): void {
      const table = tables[row.table];
      if (table === undefined) return;
      // The sampler gave up rows that were never acknowledged: the unit had hung too long.
      if (heardNumber > 0 && number > heardNumber + 1) outageReason = "link-overflow";
      heardNumber = number;
      const isGrid = table.spec.kind === "telemetry";
      if (isGrid) {
        if (heardNextMono !== undefined && row.monoMs - heardNextMono > rowMs / 2) outage(heardNextMono, row.monoMs);
        heardNextMono = row.monoMs + rowMs;
        outageReason = "sampler-stalled";
      }
      waiting.push(() => addRow(table, row, bytes, number));
      if (isGrid) commit();
      else timer ??= setTimeout(commit, COMMIT_MS);
    },
    note(note: Note, number: number): void {
      heardNumber = number;
      waiting.push(() => {
        received = number;
      });
      if (note.kind === "anchor") {
        const { mono, offsetMs, trust, uncMs } = note;
        anchor({ monoMs: mono, offsetMs, trust, uncMs });
      } else if (note.kind === "source") {
        const { source, state, previous, reason, mono } = note;
        const severity = state === "failed" || state === "absent" ? "warning" : "info";
        const detail = { state, previous, reason };
        add({ ...stampOf(mono), kind: "event", name: "source_state", severity, source, detail }, "event");
      } else if (note.kind === "event") {
        if (note.name === "detonation_candidate") verdicts.candidate(wireMono(note.mono));
        add({ ...note, ...stampOf(note.mono) }, "event");
        // The operator's key: a mark that comes through the sampler.
        if (note.name === "mark" && note.detail["kind"] === "detonation")
          judge(note.mono, "detonation_confirmed", "key")?.catch(() => undefined); // the commit that waits for it tells
      } else if (note.kind === "capture") {
        add({ ...note, ...stampOf(note.mono) }, "bulk", { weight: note.peak });
      }
    },
    /** An operator's mark, made at `monoMs`; resolves when it is durable. */
    mark(monoMs: number, kind: MarkKind, origin: MarkOrigin): Promise<number> {
      const verdict = verdictOf(kind);
      if (verdict !== undefined) judge(monoMs, verdict, origin)?.catch(() => undefined); // the mark's own promise tells
      return addEvent({ ...stampOf(monoMs), kind: "event", name: "mark", severity: "info", detail: { kind, origin } });
    },
    /**
     * A person's verdict on a detonation candidate: the one named by boot and mono of its event, or the newest that nobody
     * has judged. Resolves when it is durable; undefined when there is none to judge.
     */
    judge,
    /** When the newest candidate was that nobody has judged, in the last ten minutes. */
    openCandidate: (monoMs: number): number | undefined => verdicts.open(monoMs),
    /** Something that happened to the unit itself at `monoMs`; resolves when it is durable. */
    event(monoMs: number, said: Pick<DraftOf<"event">, "name" | "severity" | "detail">): Promise<number> {
      return addEvent({ ...stampOf(monoMs), kind: "event", ...said });
    },
    /** Any other record, such as the descriptor. */
    add,
    anchor,
    /** Makes everything received a record, and durable, while more may come. */
    async settle(): Promise<void> {
      const closed = new Promise<void>((done) => {
        closers.push(done);
      });
      commit();
      await Promise.all([store.flush(), closed]);
    },
    /** Makes everything received a record, at a planned stop. */
    async flush(): Promise<void> {
      clearTimeout(timer);
      wanted = false;
      const before = running;
      await Promise.all([store.flush(), before]);
      const last = commitOnce(true);
      await Promise.all([store.flush(), last]);
    },
  };
}

export type Recorder = ReturnType<typeof createRecorder>;
