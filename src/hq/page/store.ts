import type { RulesView, Tidings, TrackKind, UnitPatch } from "./view.ts";

/** A row of the lines: mono ms, then line, min and max of each chart. */
export type Row = readonly [mono: number, ...values: (number | null)[]];
export type TrackItem = readonly [lat: number, lon: number, kind: TrackKind, gap: 0 | 1];

/** Everything the page knows of one unit. */
export interface UnitState extends Omit<UnitPatch, "rows" | "track"> {
  rows: Row[];
  track: TrackItem[];
  /** Grows when the track was changed, and when it was only continued. */
  trackEpoch: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface Store {
  take(tidings: Tidings): void;
  readonly units: ReadonlyMap<string, UnitState>;
  rules(): RulesView | undefined;
  broker(): boolean;
  bad(): Readonly<Record<string, number>>;
  /** HQ's clock now, in ms since 1970, kept by the page's own between messages. */
  nowMs(): number;
  /** Since the last word from HQ, in ms. */
  silentMs(): number;
}

/** Rows kept: the lines show three minutes, and live rows may come five times a second. */
const MAX_ROWS = 2000;

/** Puts the pieces that HQ sends together again. `clock` gives ms, monotonic. */
export function createStore(clock: () => number): Store {
  const units = new Map<string, UnitState>();
  let rules: RulesView | undefined;
  let broker = false;
  let bad: Readonly<Record<string, number>> = {};
  let serverAheadMs = 0;
  let heardAt = clock();

  function apply(patch: UnitPatch): void {
    const { rows, track, ...sections } = patch;
    const before = units.get(patch.key);
    const unit: Mutable<UnitState> = { rows: [], track: [], trackEpoch: 0, ...before, ...sections };
    if (rows !== undefined) {
      unit.rows = rows.reset ? [...rows.items] : [...unit.rows, ...rows.items];
      if (unit.rows.length > MAX_ROWS) unit.rows.splice(0, unit.rows.length - MAX_ROWS);
    }
    if (track !== undefined) {
      unit.track = track.reset ? [...track.items] : [...unit.track, ...track.items];
      if (track.reset) unit.trackEpoch++;
    }
    units.set(patch.key, unit);
  }

  return {
    units,
    take(tidings) {
      heardAt = clock();
      serverAheadMs = tidings.nowMs - heardAt;
      broker = tidings.broker;
      bad = tidings.bad;
      rules = tidings.rules ?? rules;
      for (const patch of tidings.units) apply(patch);
    },
    rules: () => rules,
    broker: () => broker,
    bad: () => bad,
    nowMs: () => clock() + serverAheadMs,
    silentMs: () => clock() - heardAt,
  };
}
