import type { Query } from "./database.ts";

/** A stretch of one boot of one unit on a machine. */
export interface MachineStretch {
  readonly unit: string;
  readonly boot: string;
  /** In ms since boot: its first row, and the end of its last. */
  readonly fromMono: number;
  readonly toMono: number;
  /** UTC of both, when it is known. */
  readonly fromUtc: string | null;
  readonly toUtc: string | null;
  /** Uncertainty of that UTC in ms. */
  readonly uncMs: number;
  /** Events in which the machine's own memory said that it is another machine. */
  readonly contradicted: number;
}

/** Two units that say they measured on one machine at one time: at least one of them is wrong. */
export interface Overlap {
  readonly units: readonly [string, string];
  readonly fromUtc: string;
  readonly toUtc: string;
}

/** One machine through all units that were ever on it. */
export interface MachineHistory {
  readonly org: string;
  readonly machine: string;
  /** In order of time; those whose time is not known follow, in the order in which HQ heard of them. */
  readonly stretches: readonly MachineStretch[];
  readonly overlaps: readonly Overlap[];
  /** Units that are online now and say that they are on it. */
  readonly online: readonly string[];
}

/** True when no two units claim the machine at one time, in its history or now, and nothing contradicts one. */
export function isClear({ stretches, overlaps, online }: MachineHistory): boolean {
  return overlaps.length === 0 && online.length <= 1 && stretches.every(({ contradicted }) => contradicted === 0);
}

const iso = (value: unknown): string | null => (value instanceof Date ? value.toISOString() : null);

/** The history of a machine across units; undefined for a machine that no unit has told of. Nothing is merged: each stretch is of one unit. */
export async function findMachine(query: Query, org: string, machine: string): Promise<MachineHistory | undefined> {
  const rows = await query(
    `WITH mounted AS (
       SELECT m.unit, u.name, m.boot, m.mono, m.machine, m.stream, m.seq,
              lag(m.machine) OVER turns AS before
       FROM swath.mounting m JOIN swath.unit u ON u.id = m.unit
       WHERE u.org = $1 AND m.unit IN (SELECT unit FROM swath.mounting WHERE machine = $2)
       WINDOW turns AS (PARTITION BY m.unit, m.boot ORDER BY m.mono, m.seq)
     ), turned AS (
       SELECT *, lead(mono) OVER (PARTITION BY unit, boot ORDER BY mono, seq) AS until
       FROM mounted WHERE before IS DISTINCT FROM machine
     )
     SELECT t.name, t.boot, f.mono AS from_mono, l.until_mono AS to_mono, f.utc AS from_utc,
            l.utc + (l.until_mono - l.mono) * interval '1 millisecond' AS to_utc,
            greatest(f.utc_unc_ms, l.utc_unc_ms)::float8 AS unc,
            (SELECT count(*) FROM swath.wire_record r WHERE r.unit = t.unit AND r.boot = t.boot AND r.kind = 'event'
               AND r.mono >= t.mono AND (t.until IS NULL OR r.mono < t.until)
               AND r.body->>'name' = 'wrong_machine')::float8 AS contradicted
     FROM turned t
     JOIN LATERAL (SELECT utc, mono, utc_unc_ms FROM swath.resolved r
       WHERE r.unit = t.unit AND r.boot = t.boot AND r.mono >= t.mono AND (t.until IS NULL OR r.mono < t.until)
         AND r.kind IN ('telemetry', 'track') ORDER BY r.mono LIMIT 1) f ON true
     JOIN LATERAL (SELECT utc, mono, until_mono, utc_unc_ms FROM swath.resolved r
       WHERE r.unit = t.unit AND r.boot = t.boot AND r.mono >= t.mono AND (t.until IS NULL OR r.mono < t.until)
         AND r.kind IN ('telemetry', 'track') ORDER BY r.mono DESC LIMIT 1) l ON true
     WHERE t.machine = $2
     ORDER BY f.utc NULLS LAST, t.stream, t.seq`,
    [org, machine],
  );
  const online = await query(
    `SELECT name FROM swath.unit WHERE org = $1 AND state->>'machine' = $2 AND state->>'state' = 'online' ORDER BY name`,
    [org, machine],
  );
  const known = await query(
    `SELECT FROM swath.mounting m JOIN swath.unit u ON u.id = m.unit WHERE u.org = $1 AND m.machine = $2 LIMIT 1`,
    [org, machine],
  );
  if (known.length === 0 && online.length === 0) return undefined;
  const stretches = rows.map((row) => ({
    ...{ unit: String(row["name"]), boot: String(row["boot"]) },
    ...{ fromMono: Number(row["from_mono"]), toMono: Number(row["to_mono"]) },
    ...{ fromUtc: iso(row["from_utc"]), toUtc: iso(row["to_utc"]), uncMs: Number(row["unc"] ?? 0) },
    contradicted: Number(row["contradicted"]),
  }));
  return { org, machine, stretches, overlaps: overlapsOf(stretches), online: online.map((row) => String(row["name"])) };
}

/** Every pair of stretches of two units that overlap by more than their clocks may be wrong. Times that are not known prove nothing. */
export function overlapsOf(stretches: readonly MachineStretch[]): Overlap[] {
  const dated = stretches.flatMap((s) =>
    s.fromUtc === null || s.toUtc === null ? [] : [{ ...s, fromMs: Date.parse(s.fromUtc), toMs: Date.parse(s.toUtc) }],
  );
  const found: Overlap[] = [];
  for (const [i, a] of dated.entries())
    for (const b of dated.slice(i + 1)) {
      if (a.unit === b.unit) continue;
      const fromMs = Math.max(a.fromMs, b.fromMs);
      const toMs = Math.min(a.toMs, b.toMs);
      if (toMs - fromMs <= a.uncMs + b.uncMs) continue;
      const at = { fromUtc: new Date(fromMs).toISOString(), toUtc: new Date(toMs).toISOString() };
      found.push({ units: [a.unit, b.unit], ...at });
    }
  return found;
}
