import type { SeqRange } from "../seq-ranges.ts";
import type { Query, Row } from "./database.ts";
import { span } from "./span.ts";

/** The numbers of one lane of one spool: each is received, explained, in quarantine, or missing. */
export interface NumberProof {
  readonly spool: string;
  readonly lane: string;
  readonly newest: number;
  readonly received: number;
  /** Numbers that the unit itself declared gone and that never came, by reason. */
  readonly gone: Readonly<Record<string, number>>;
  readonly quarantined: number;
  readonly missing: number;
  /** The first of the missing, in order, at most 64 runs. The watermark asks the unit for them. */
  readonly missingRuns: readonly SeqRange[];
}

/** A stretch of a boot without telemetry, in ms since boot, and what explains it. */
export interface TimeHole {
  readonly fromMono: number;
  readonly toMono: number;
  /** UTC of its beginning, when it is known. */
  readonly utc: string | null;
  readonly explained: boolean;
  readonly reasons: readonly string[];
}

/** What was measured in one boot. */
export interface BootProof {
  readonly boot: string;
  /** The machines that its rows are of, in order: more than one where the unit was given to another machine in one boot. */
  readonly machines: readonly string[];
  readonly fromMono: number;
  readonly toMono: number;
  readonly fromUtc: string | null;
  readonly toUtc: string | null;
  readonly measuredMs: number;
  readonly holes: readonly TimeHole[];
}

/** What HQ can prove about one unit. */
export interface GapProof {
  readonly org: string;
  readonly unit: string;
  readonly numbers: readonly NumberProof[];
  /** In the order in which the unit lived through them; between them it was off. */
  readonly boots: readonly BootProof[];
  /** Descriptors that stored records still wait for. */
  readonly awaitedDescriptors: readonly string[];
}

/** True when every number and every minute is there or explained, and every record can be read. */
export function isExplained({ numbers, boots, awaitedDescriptors }: GapProof): boolean {
  const holes = boots.flatMap((boot) => boot.holes);
  return (
    numbers.every(({ missing }) => missing === 0) &&
    holes.every(({ explained }) => explained) &&
    awaitedDescriptors.length === 0
  );
}

/** Proves what can be proven of a unit, or says what is missing; undefined for a unit never heard of. */
export async function findGaps(query: Query, org: string, unit: string): Promise<GapProof | undefined> {
  const [row] = await query("SELECT id FROM swath.unit WHERE org = $1 AND name = $2", [org, unit]);
  if (row === undefined) return undefined;
  const id = Number(row["id"]);
  const awaited = await query(
    `SELECT hash FROM swath.awaited_descriptor a WHERE unit = $1
       AND NOT EXISTS (SELECT FROM swath.descriptor d WHERE d.hash = a.hash) ORDER BY since`,
    [id],
  );
  return {
    ...{ org, unit },
    numbers: await proveNumbers(query, id),
    boots: await proveTime(query, id),
    awaitedDescriptors: awaited.map((one) => String(one["hash"])),
  };
}

async function proveNumbers(query: Query, unit: number): Promise<NumberProof[]> {
  const count = (runs: string) => `(SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(${runs}) r)::float8`;
  const rows = await query(
    `SELECT s.id, s.spool, s.lane, m.newest::float8 AS newest, ${count("s.have")} AS received,
            ${count("s.quarantined - s.have - s.gone")} AS quarantined, ${count("m.missing")} AS missing,
            (SELECT json_agg(json_build_array(lower(x.r), upper(x.r) - 1))
               FROM (SELECT r FROM unnest(m.missing) r LIMIT 64) x) AS runs,
            (SELECT json_object_agg(g.reason, g.n) FROM (
               SELECT g.reason, sum(${count("int8multirange(int8range(g.from_seq, g.to_seq + 1)) - s.have")}
                                    + CASE WHEN s.have @> g.from_seq THEN 1 ELSE 0 END) AS n
               FROM swath.gap g WHERE g.stream = s.id GROUP BY g.reason) g) AS gone,
            (SELECT count(*) FROM swath.gap g WHERE g.stream = s.id)::float8 AS gap_records
     FROM swath.stream s
     CROSS JOIN LATERAL (SELECT s.have + s.gone + s.quarantined AS known) k
     CROSS JOIN LATERAL (
       SELECT coalesce(upper(k.known) - 1, 0) AS newest,
              int8multirange(int8range(1, coalesce(upper(k.known), 1))) - k.known AS missing) m
     WHERE s.unit = $1 ORDER BY s.first_at, s.id`,
    [unit],
  );
  return rows.map((row) => ({
    spool: String(row["spool"]),
    lane: String(row["lane"]),
    newest: Number(row["newest"]),
    received: Number(row["received"]) - Number(row["gap_records"]),
    gone: (row["gone"] ?? {}) as Record<string, number>,
    quarantined: Number(row["quarantined"]),
    missing: Number(row["missing"]),
    missingRuns: (row["runs"] ?? []) as SeqRange[],
  }));
}

const iso = (value: unknown): string | null => (value instanceof Date ? value.toISOString() : null);

async function proveTime(query: Query, unit: number): Promise<BootProof[]> {
  const boots = await query(
    `SELECT b.*, (SELECT json_agg(m.machine ORDER BY m.mono, m.seq) FROM (
              SELECT machine, mono, seq, lag(machine) OVER (ORDER BY mono, seq) AS before
              FROM swath.mounting WHERE unit = $1 AND boot = b.boot) m
              WHERE m.before IS DISTINCT FROM m.machine) AS machines, f.utc AS from_utc, l.utc + (l.until_mono - l.mono) * interval '1 millisecond' AS to_utc
     FROM (SELECT boot, min(mono) AS from_mono, max(until_mono) AS to_mono, min(ARRAY[stream, seq]) AS place
           FROM swath.wire_record WHERE unit = $1 AND kind = 'telemetry' GROUP BY boot) b
     CROSS JOIN LATERAL (SELECT utc FROM swath.resolved r
       WHERE r.unit = $1 AND r.boot = b.boot AND r.kind = 'telemetry' ORDER BY r.mono LIMIT 1) f
     CROSS JOIN LATERAL (SELECT utc, mono, until_mono FROM swath.resolved r
       WHERE r.unit = $1 AND r.boot = b.boot AND r.kind = 'telemetry' ORDER BY r.mono DESC LIMIT 1) l
     ORDER BY b.place`,
    [unit],
  );
  const holes = await query(
    `SELECT h.boot, h.previous_until AS from_mono, h.mono AS to_mono, h.dt, b.utc,
            (SELECT json_agg(json_build_array(o.from_mono, o.to_mono, o.reason) ORDER BY o.from_mono)
               FROM swath.outage o WHERE o.unit = $1 AND o.boot = h.boot
                AND o.to_mono > h.previous_until AND o.from_mono < h.mono) AS outages,
            (SELECT json_agg(DISTINCT g.reason) FROM swath.gap g
               WHERE (g.stream = h.stream AND g.from_seq < h.seq AND (h.previous_stream <> h.stream OR g.to_seq > h.previous_seq))
                  OR (h.previous_stream <> h.stream AND g.stream = h.previous_stream AND g.from_seq > h.previous_seq)) AS gaps,
            CASE WHEN h.stream = h.previous_stream AND h.seq > h.previous_seq THEN
              (SELECT (s.quarantined && r.between) FROM swath.stream s WHERE s.id = h.stream) END AS quarantined,
            CASE WHEN h.stream = h.previous_stream AND h.seq > h.previous_seq THEN
              (SELECT (int8multirange(r.between) - s.have - s.gone - s.quarantined) <> '{}'::int8multirange
                 FROM swath.stream s WHERE s.id = h.stream) END AS missing
     FROM (
       SELECT boot, mono, stream, seq, (body->>'dt')::float8 AS dt,
              max(until_mono) OVER before AS previous_until,
              lag(stream) OVER boots AS previous_stream, lag(seq) OVER boots AS previous_seq, lag(mono) OVER boots AS previous_mono
       FROM swath.wire_record WHERE unit = $1 AND kind = 'telemetry'
       WINDOW boots AS (PARTITION BY boot ORDER BY mono, seq),
              before AS (PARTITION BY boot ORDER BY mono, seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
     ) h
     CROSS JOIN LATERAL (SELECT CASE WHEN h.seq > h.previous_seq THEN int8range(h.previous_seq + 1, h.seq)
                                     ELSE 'empty'::int8range END AS between) r
     LEFT JOIN LATERAL (SELECT utc + (h.previous_until - h.previous_mono) * interval '1 millisecond' AS utc FROM swath.resolved
       WHERE unit = $1 AND boot = h.boot AND mono = h.previous_mono AND kind = 'telemetry' LIMIT 1) b ON true
     WHERE h.mono - h.previous_until > 2 * h.dt
     ORDER BY h.boot, h.mono`,
    [unit],
  );
  const byBoot = new Map<string, TimeHole[]>();
  for (const row of holes) {
    const boot = String(row["boot"]);
    byBoot.set(boot, [...(byBoot.get(boot) ?? []), holeOf(row)]);
  }
  return boots.map((row) => {
    const own = byBoot.get(String(row["boot"])) ?? [];
    const [fromMono, toMono] = [Number(row["from_mono"]), Number(row["to_mono"])];
    return {
      ...{ boot: String(row["boot"]), machines: (row["machines"] ?? []) as string[] },
      ...{ fromMono, toMono, fromUtc: iso(row["from_utc"]), toUtc: iso(row["to_utc"]) },
      measuredMs: toMono - fromMono - own.reduce((sum, hole) => sum + hole.toMono - hole.fromMono, 0),
      holes: own,
    };
  });
}

/** A hole is explained by outages that leave no more than two rows of it, or by a record that stands for what is gone. */
function holeOf(row: Row): TimeHole {
  const [fromMono, toMono, dt] = [Number(row["from_mono"]), Number(row["to_mono"]), Number(row["dt"])];
  const outages = (row["outages"] ?? []) as [number, number, string][];
  const reasons = new Set<string>();
  let reached = fromMono;
  let longest = 0;
  for (const [from, to, reason] of outages) {
    reasons.add(`outage: ${reason}`);
    longest = Math.max(longest, from - reached);
    reached = Math.max(reached, to);
  }
  longest = Math.max(longest, toMono - reached);
  const gaps = (row["gaps"] ?? []) as string[];
  for (const reason of gaps) reasons.add(`gap: ${reason}`);
  if (row["quarantined"] === true) reasons.add("in quarantine");
  if (row["missing"] === true) reasons.add("numbers missing and asked for");
  const explained = longest <= 2 * dt || gaps.length > 0 || row["quarantined"] === true;
  return { fromMono, toMono, utc: iso(row["utc"]), explained, reasons: [...reasons] };
}

/** The proof as a person reads it. */
export function gapsText(proof: GapProof): string {
  const lines = [
    `Unit ${proof.unit} of ${proof.org}: ${isExplained(proof) ? "complete" : "NOT complete"}`,
    "",
    "Numbers",
  ];
  for (const n of proof.numbers) {
    const gone = Object.entries(n.gone).map(([reason, count]) => `${count} ${reason}`);
    const aside = n.quarantined > 0 ? [`${n.quarantined} in quarantine`] : [];
    const missing = n.missing > 0 ? [`${n.missing} MISSING and asked for`] : [];
    const words = [`${n.received} received`, ...gone, ...aside, ...missing];
    lines.push(`  ${n.lane.padEnd(5)} of spool ${n.spool}: 1 to ${n.newest}, ${words.join(", ")}`);
    for (const [from, to] of n.missingRuns.slice(0, 10))
      lines.push(`        missing ${from === to ? from : `${from} to ${to}`}`);
    if (n.missingRuns.length > 10) lines.push("        and more");
  }
  lines.push("", "Time");
  let previous: BootProof | undefined;
  for (const boot of proof.boots) {
    if (previous?.toUtc && boot.fromUtc) {
      const offMs = Date.parse(boot.fromUtc) - Date.parse(previous.toUtc);
      lines.push(`  off for ${span(Math.max(0, offMs))}`);
    } else if (previous !== undefined) lines.push("  off");
    const when = boot.fromUtc === null ? "time not known" : `${boot.fromUtc} to ${boot.toUtc ?? "?"}`;
    const on = boot.machines.length === 0 ? "on a machine not told" : `on ${boot.machines.join(", then ")}`;
    lines.push(`  boot ${boot.boot} ${on}: ${when}, ${span(boot.measuredMs)} measured`);
    for (const hole of boot.holes) {
      const why = hole.reasons.length > 0 ? hole.reasons.join(", ") : "no reason";
      const word = hole.explained ? "" : "UNEXPLAINED: ";
      const at = hole.utc ?? `${span(hole.fromMono)} after boot`;
      lines.push(`        ${word}nothing for ${span(hole.toMono - hole.fromMono)} from ${at}: ${why}`);
    }
    previous = boot;
  }
  if (proof.boots.length === 0) lines.push("  no telemetry");
  for (const hash of proof.awaitedDescriptors) lines.push("", `Records wait for the descriptor ${hash}.`);
  return `${lines.join("\n")}\n`;
}
