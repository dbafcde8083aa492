import {
  type Descriptor,
  type HealthMessage,
  LANES,
  type Lane,
  type LiveMessage,
  type StateMessage,
  type WireRecord,
} from "../model/record.ts";
import type { UnitIdentity } from "../model/topics.ts";
import { createHistory, type History, type HistoryRow } from "./history.ts";
import type { Inbound } from "./inbox.ts";
import { createLaneLedger, type LaneLedger } from "./lane-ledger.ts";
import { type EventRecord, insertNewestFirst, type OutageRecord, type Received } from "./recent.ts";
import {
  type ChartPlan,
  type ColumnReader,
  type Engagement,
  engagementOf,
  type FieldRules,
  findRoles,
  peakOf,
  planCharts,
  type Roles,
} from "./roles.ts";
import { createShockMarks, peakIn, type ShockMarks, tellsOfShock } from "./shock-marks.ts";
import { createTrack, type Track } from "./track.ts";

/** Parts of a unit that change apart from each other; each has a revision that only grows. */
export const SECTIONS = ["head", "live", "lanes", "health", "descriptor", "marks", "events"] as const;
export type Section = (typeof SECTIONS)[number];

export interface UnitModel {
  readonly id: UnitIdentity;
  readonly rules: FieldRules;
  readonly revisions: Readonly<Record<Section, number>>;
  accept(message: Inbound, atMs: number): void;
  state(): Received<StateMessage> | undefined;
  live(): Received<LiveMessage> | undefined;
  health(): Received<HealthMessage> | undefined;
  /** The descriptor in force, with the columns HQ understands and the lines it draws. */
  described(): Described | undefined;
  ledger(lane: Lane): LaneLedger;
  readonly history: History;
  readonly track: Track;
  readonly marks: ShockMarks;
  /** UTC in ms since 1970 at an instant of a boot, from what the unit told of its clock; undefined while it never did. */
  utcMs(boot: string, mono: number): number | undefined;
  /** Newest first. */
  readonly events: readonly Received<EventRecord>[];
  /** Newest first. */
  readonly outages: readonly Received<OutageRecord>[];
  counts(): UnitCounts;
}

export interface Described {
  readonly hash: string;
  readonly body: Descriptor;
  readonly roles: Roles;
  readonly charts: readonly ChartPlan[];
}

export interface UnitCounts {
  /** Messages of every class. */
  readonly messages: number;
  readonly bytes: number;
  readonly lives: number;
  readonly liveBytes: number;
  /** Records that wait for their descriptor now. */
  readonly waiting: number;
  /** Records not shown because too many waited; they are booked as received all the same. */
  readonly waitingDropped: number;
}

/** Minutes that the lines show, in ms. */
export const CHART_SPAN_MS = 180_000;
const MAX_WAITING = 512;
const MAX_DESCRIPTORS = 16;
const MAX_BOOTS = 16;

type TableRecord = Extract<WireRecord, { kind: "telemetry" | "track" }>;

/**
 * What HQ knows of one unit, as a fold over the messages it sent: no clock, no socket. The same messages in any order and
 * any number of times give the same books.
 */
export function createUnitModel(id: UnitIdentity, rules: FieldRules): UnitModel {
  const revisions: Record<Section, number> = {
    head: 1,
    live: 1,
    lanes: 1,
    health: 1,
    descriptor: 1,
    marks: 1,
    events: 1,
  };
  const ledgers = new Map<Lane, LaneLedger>(LANES.map((lane) => [lane, createLaneLedger(lane)]));
  const descriptors = new Map<string, Described>();
  const utcOffsets = new Map<string, number>();
  const waiting: TableRecord[] = [];
  const history = createHistory(CHART_SPAN_MS);
  const track = createTrack();
  const marks = createShockMarks();
  const events: Received<EventRecord>[] = [];
  const outages: Received<OutageRecord>[] = [];
  let state: Received<StateMessage> | undefined;
  let live: Received<LiveMessage> | undefined;
  let health: Received<HealthMessage> | undefined;
  let current: Described | undefined;
  let boot: string | undefined;
  let messages = 0;
  let bytes = 0;
  let lives = 0;
  let liveBytes = 0;
  let waitingDropped = 0;

  /** The lines belong to one boot and one descriptor; what speaks for now decides which. */
  function follow(newBoot: string, hash: string): void {
    if (boot !== newBoot) {
      boot = newBoot;
      history.reset();
    }
    if (current?.hash === hash) return;
    const next = descriptors.get(hash);
    if (next === undefined) return;
    current = next;
    history.reset();
    revisions.descriptor++;
  }

  function learn(hash: string, body: Descriptor): void {
    if (descriptors.has(hash)) return;
    const roles = findRoles(body);
    descriptors.set(hash, { hash, body, roles, charts: planCharts(body, roles) });
    if (descriptors.size > MAX_DESCRIPTORS) {
      const oldest = [...descriptors.keys()].find((key) => key !== current?.hash && key !== hash);
      if (oldest !== undefined) descriptors.delete(oldest);
    }
    if (current === undefined || hash === state?.body.desc || hash === live?.body.desc) {
      follow(boot ?? state?.body.boot ?? live?.body.boot ?? "", hash);
    }
    const ready = waiting.filter((record) => record.desc === hash);
    if (ready.length === 0) return;
    waiting.splice(0, waiting.length, ...waiting.filter((record) => record.desc !== hash));
    for (const record of ready) readTable(record);
  }

  /** Records from before the time was known are read by what later ones of the same boot say. */
  function learnTime(body: { boot: string; mono: number; t?: string | undefined }): void {
    if (body.t === undefined) return;
    utcOffsets.set(body.boot, Date.parse(body.t) - body.mono);
    if (utcOffsets.size > MAX_BOOTS) utcOffsets.delete(utcOffsets.keys().next().value!);
  }

  function rowOf(mono: number, read: ColumnReader, plans: readonly ChartPlan[]): HistoryRow {
    const values: (number | null)[] = [];
    for (const plan of plans) {
      if (plan.peakOf.length > 0) values.push(peakOf(read, plan.peakOf), null, null);
      else
        for (const column of [plan.line, plan.min, plan.max])
          values.push(column === undefined ? null : (read(column) ?? null));
    }
    return { mono, values };
  }

  function readShock(rowBoot: string, mono: number, read: ColumnReader, roles: Roles): void {
    const peak = peakOf(read, roles.shock);
    if (peak !== null && peak >= rules.shockLineMps2 && marks.add(rowBoot, mono, peak)) revisions.marks++;
  }

  function readTable(record: TableRecord): void {
    const own = descriptors.get(record.desc);
    if (own === undefined) {
      waiting.push(record);
      if (waiting.length > MAX_WAITING) {
        waiting.shift();
        waitingDropped++;
      }
      return;
    }
    const rows: HistoryRow[] = [];
    const engagements: Engagement[] = [];
    for (let i = 0; i < record.n; i++) {
      const read: ColumnReader = (column) => (Object.hasOwn(record.c, column) ? record.c[column]?.[i] : undefined);
      if (record.kind === "track") {
        const offset = record.at[i];
        if (offset !== undefined) readFix(record.boot, record.mono + offset, read, own.roles);
      } else {
        const mono = record.mono + i * record.dt;
        engagements.push(engagementOf(read, own.roles, rules));
        readShock(record.boot, mono, read, own.roles);
        if (record.boot === boot && own === current) rows.push(rowOf(mono, read, own.charts));
      }
    }
    if (record.kind === "track") return;
    track.recordWork(record.boot, record.mono, record.dt, engagements);
    history.addRecord(rows, record.dt);
  }

  function readFix(fixBoot: string, mono: number, read: ColumnReader, roles: Roles): void {
    const lat = roles.lat === undefined ? undefined : read(roles.lat);
    const lon = roles.lon === undefined ? undefined : read(roles.lon);
    if (typeof lat === "number" && typeof lon === "number" && Math.abs(lat) <= 90 && Math.abs(lon) <= 180) {
      track.fix(fixBoot, mono, lat, lon);
    }
  }

  function readLive(body: LiveMessage): void {
    learnTime(body);
    follow(body.boot, body.desc);
    if (current === undefined || current.hash !== body.desc) return;
    const read: ColumnReader = (column) => (Object.hasOwn(body.c, column) ? body.c[column] : undefined);
    history.addLive(rowOf(body.mono, read, current.charts));
    track.liveWork(body.boot, body.mono, engagementOf(read, current.roles, rules));
    readShock(body.boot, body.mono, read, current.roles);
    readFix(body.boot, body.mono, read, current.roles);
  }

  function readRecord(record: WireRecord, lane: Lane, atMs: number): void {
    if (!ledgers.get(lane)!.book(record)) return;
    learnTime(record);
    switch (record.kind) {
      case "desc":
        learn(record.hash, record.body);
        break;
      case "telemetry":
      case "track":
        readTable(record);
        break;
      case "event":
        insertNewestFirst(events, record, atMs);
        revisions.events++;
        if (tellsOfShock(record) && marks.add(record.boot, record.mono, peakIn(record))) revisions.marks++;
        break;
      case "outage":
        insertNewestFirst(outages, record, atMs);
        revisions.events++;
        break;
      case "anchor":
        utcOffsets.set(record.boot, record.offsetMs);
        break;
      default:
        break;
    }
  }

  return {
    id,
    rules,
    revisions,
    history,
    track,
    marks,
    events,
    outages,
    state: () => state,
    live: () => live,
    health: () => health,
    described: () => current,
    utcMs(ofBoot, mono) {
      const offset = utcOffsets.get(ofBoot);
      return offset === undefined ? undefined : mono + offset;
    },
    ledger: (lane) => ledgers.get(lane)!,
    counts: () => ({ messages, bytes, lives, liveBytes, waiting: waiting.length, waitingDropped }),
    accept(message, atMs) {
      messages++;
      bytes += message.bytes;
      revisions.lanes++;
      switch (message.cls) {
        case "state":
          state = { body: message.body, atMs };
          revisions.head++;
          // The last will repeats what was true when the session began: it says nothing about now.
          if (message.body.state !== "lost") follow(message.body.boot, message.body.desc);
          break;
        case "live":
          lives++;
          liveBytes += message.bytes;
          live = { body: message.body, atMs };
          revisions.live++;
          readLive(message.body);
          break;
        case "health":
          health = { body: message.body, atMs };
          revisions.health++;
          break;
        case "desc":
          learn(message.hash, message.body);
          break;
        case "alerts":
        case "rsp":
          break;
        default:
          ledgers.get(message.cls)!.addBytes(message.bytes);
          for (const record of message.records) readRecord(record, message.cls, atMs);
      }
    },
  };
}
