import { LANES } from "../model/record.ts";
import { unitKey } from "./fleet.ts";
import type {
  ChannelView,
  DescriptorView,
  EventView,
  HeadView,
  HealthView,
  LanesView,
  LiveView,
  MarkView,
  RowsView,
  SourceView,
  TrackView,
  UnitPatch,
} from "./page/view.ts";
import { centreOf } from "./roles.ts";
import { SECTIONS, type Section, type UnitModel } from "./unit-model.ts";

/** What one page already has of one unit. */
export interface UnitCursor {
  readonly seen: Record<Section, number>;
  rowsEpoch: number;
  rowsSeen: number;
  trackEpoch: number;
  trackSeen: number;
}

export function createCursor(): UnitCursor {
  const seen = Object.fromEntries(SECTIONS.map((section) => [section, 0])) as Record<Section, number>;
  return { seen, rowsEpoch: -1, rowsSeen: 0, trackEpoch: -1, trackSeen: 0 };
}

/** What changed of a unit since `cursor`, which is moved on; undefined when nothing did. */
export function patchOf(unit: UnitModel, cursor: UnitCursor): UnitPatch | undefined {
  const parts: { -readonly [K in keyof UnitPatch]?: UnitPatch[K] } = {};
  const { revisions } = unit;
  const changed = (section: Section): boolean => {
    if (cursor.seen[section] === revisions[section]) return false;
    cursor.seen[section] = revisions[section];
    return true;
  };
  const described = changed("descriptor");
  if (described) {
    const view = descriptorView(unit);
    if (view !== undefined) parts.descriptor = view;
  }
  if (changed("head") || described) parts.head = headView(unit);
  if (changed("live")) {
    const view = liveView(unit);
    if (view !== undefined) parts.live = view;
  }
  const healthy = changed("health");
  if (healthy || parts.head !== undefined) parts.health = healthView(unit);
  if (changed("lanes")) parts.lanes = lanesView(unit);
  if (changed("events")) parts.events = eventsView(unit);
  if (changed("marks")) parts.marks = marksView(unit);
  const rows = rowsView(unit, cursor);
  if (rows !== undefined) parts.rows = rows;
  const track = trackView(unit, cursor);
  if (track !== undefined) parts.track = track;
  if (Object.keys(parts).length === 0) return undefined;
  return { key: unitKey(unit.id), unit: unit.id.unit, org: unit.id.org, ...parts };
}

function headView(unit: UnitModel): HeadView {
  const state = unit.state();
  const channels = Object.values(unit.described()?.body.channels ?? {});
  const simulated = channels.filter((channel) => channel.simulated === true).length;
  return {
    machine: state?.body.machine ?? unit.described()?.body.machine ?? null,
    state: state?.body.state ?? "unknown",
    stateAtMs: state?.atMs ?? null,
    software: state?.body.software ?? null,
    boot: state?.body.boot ?? null,
    trust: unit.live()?.body.trust ?? state?.body.trust ?? null,
    sampler: state?.body.sampler ?? null,
    simulated: channels.length === 0 ? null : simulated === 0 ? "none" : simulated === channels.length ? "all" : "some",
  };
}

function liveView(unit: UnitModel): LiveView | undefined {
  const live = unit.live();
  if (live === undefined) return undefined;
  const { boot, mono, t, c, q } = live.body;
  return { boot, mono, atMs: live.atMs, t: t ?? null, c, q: q ?? {} };
}

function descriptorView(unit: UnitModel): DescriptorView | undefined {
  const described = unit.described();
  if (described === undefined) return undefined;
  const { body, hash, roles, charts } = described;
  const channels = Object.entries(body.channels).map(([name, channel]): ChannelView => {
    const centre = centreOf(body, name);
    return {
      name,
      label: channel.label,
      unit: channel.unit,
      source: channel.source,
      table: channel.table,
      range: channel.range,
      resolution: channel.resolution,
      ...(channel.codes === undefined ? {} : { codes: channel.codes }),
      simulated: channel.simulated === true,
      columns: [...channel.columns].sort((a, b) => Number(b === centre) - Number(a === centre)),
      filters: channel.filters,
    };
  });
  return {
    hash,
    quality: body.quality,
    channels,
    charts: charts.map(({ channel, label, unit: code }) => ({ channel, label, unit: code })),
    roles,
  };
}

function lanesView(unit: UnitModel): LanesView {
  const counts = unit.counts();
  const unsent = newestUnsent(unit);
  return {
    lanes: LANES.map((lane) => {
      const count = unit.ledger(lane).count();
      return {
        lane,
        received: count.received,
        duplicates: count.duplicates,
        missing: count.missing,
        declaredGone: count.declaredGone,
        holes: count.holes.slice(0, 8),
        unsent: unsent?.[lane] ?? null,
        bytes: count.bytes,
      };
    }),
    live: { received: counts.lives, bytes: counts.liveBytes },
    messages: counts.messages,
    bytes: counts.bytes,
    waiting: counts.waiting,
    waitingDropped: counts.waitingDropped,
  };
}

/** `state` and `health` both tell what is unsent: the newer one counts. */
function newestUnsent(unit: UnitModel) {
  const state = unit.state();
  const health = unit.health();
  if (health === undefined) return state?.body.unsent;
  return state !== undefined && state.atMs > health.atMs ? state.body.unsent : health.body.spool.unsent;
}

function healthView(unit: UnitModel): HealthView {
  const health = unit.health();
  const state = unit.state();
  const body = health?.body;
  // The state message is the quicker to tell of a source's state, health the richer: names of both are listed.
  const quicker = state !== undefined && (health === undefined || state.atMs >= health.atMs) ? state.body.sources : {};
  const names = [...new Set([...Object.keys(body?.sources ?? {}), ...Object.keys(state?.body.sources ?? {})])];
  const sources = names.map((name): SourceView => {
    const own = body !== undefined && Object.hasOwn(body.sources, name) ? body.sources[name] : undefined;
    const quick = Object.hasOwn(quicker, name) ? quicker[name] : undefined;
    return {
      name,
      state: quick ?? own?.state ?? "absent",
      part: own?.part ?? null,
      verified: own?.verified ?? null,
      lastSampleMono: own?.lastSampleMono ?? null,
      counters: own?.counters ?? {},
    };
  });
  return {
    atMs: health?.atMs ?? null,
    mono: body?.mono ?? null,
    uptimeS: body?.uptimeS ?? null,
    rssMb: body === undefined ? null : body.rssMb.unit + (body.rssMb.sampler ?? 0),
    cpuTempCel: body?.cpuTempCel ?? null,
    undervoltage: body?.undervoltage ?? null,
    diskFreeMb: body?.diskFreeMb ?? null,
    spoolState: body?.spool.state ?? null,
    spoolBytes: body?.spool.bytes ?? null,
    protocol: body?.link.protocol ?? null,
    connects: body?.link.connects ?? null,
    refused: body?.link.refused ?? null,
    restarts: body?.sampler.restarts ?? null,
    latenessP50Ms: body?.sampler.latenessP50Ms ?? null,
    latenessMaxMs: body?.sampler.latenessMaxMs ?? null,
    framesLost: body?.sampler.framesLost ?? null,
    sources,
  };
}

const EVENTS_SHOWN = 40;

function eventsView(unit: UnitModel): EventView[] {
  const events = unit.events.map(
    ({ body, atMs }): EventView => ({
      name: body.name,
      severity: body.severity,
      source: body.source ?? null,
      detail: body.detail,
      t: utcOf(unit, body),
      atMs,
    }),
  );
  const outages = unit.outages.map(
    ({ body, atMs }): EventView => ({
      name: body.reason,
      severity: "outage",
      source: null,
      detail: { seconds: Math.round((body.to - body.from) / 100) / 10 },
      t: utcOf(unit, body),
      atMs,
    }),
  );
  return [...events, ...outages].sort((a, b) => b.atMs - a.atMs).slice(0, EVENTS_SHOWN);
}

/** When a record was, by its own word or by what is known of its boot's clock. */
function utcOf(unit: UnitModel, body: { boot: string; mono: number; t?: string | undefined }): string | null {
  if (body.t !== undefined) return body.t;
  const utcMs = unit.utcMs(body.boot, body.mono);
  return utcMs === undefined || Math.abs(utcMs) > 8e15 ? null : new Date(utcMs).toISOString();
}

function marksView(unit: UnitModel): MarkView[] {
  return unit.marks.list.flatMap((mark): MarkView[] => {
    const place = unit.track.placeAt(mark.boot, mark.mono);
    return place === undefined ? [] : [{ ...place, peak: mark.peak }];
  });
}

function rowsView(unit: UnitModel, cursor: UnitCursor): RowsView | undefined {
  const { history } = unit;
  const reset = cursor.rowsEpoch !== history.epoch();
  const fresh = history.appended() - cursor.rowsSeen;
  if (!reset && fresh === 0) return undefined;
  cursor.rowsEpoch = history.epoch();
  cursor.rowsSeen = history.appended();
  const rows = reset ? history.rows : history.rows.slice(Math.max(0, history.rows.length - fresh));
  return { reset, items: rows.map((row) => [row.mono, ...row.values.map(brief)]) };
}

/** Four decimals are finer than any line on a screen. */
function brief(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1e4) / 1e4;
}

function trackView(unit: UnitModel, cursor: UnitCursor): TrackView | undefined {
  const { track } = unit;
  const reset = cursor.trackEpoch !== track.epoch();
  if (!reset && cursor.trackSeen === track.points.length) return undefined;
  const from = reset ? 0 : cursor.trackSeen;
  cursor.trackEpoch = track.epoch();
  cursor.trackSeen = track.points.length;
  const items = track.points
    .slice(from)
    .map(
      (point, i) =>
        [
          Math.round(point.lat * 1e8) / 1e8,
          Math.round(point.lon * 1e8) / 1e8,
          point.engagement,
          track.breaksAt(from + i) ? 1 : 0,
        ] as const,
    );
  return { reset, items };
}
