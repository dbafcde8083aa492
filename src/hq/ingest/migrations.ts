import type { Database } from "./database.ts";

/** One step of the schema: its number never changes once it was shipped, and a later step mends what it did. */
interface Migration {
  readonly version: number;
  readonly about: string;
  readonly statements: readonly string[];
}

/** Any number, the same in every ingester: who migrates holds this lock. */
const LOCK = 7_392_114;

const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    about: "units, streams, records, what is read from them, commands, quarantine",
    statements: [
      `CREATE TABLE swath.unit (
         id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         org text NOT NULL,
         name text NOT NULL,
         last_heard timestamptz,
         state jsonb, state_at timestamptz,
         health jsonb, health_at timestamptz,
         alerts jsonb, alerts_at timestamptz,
         UNIQUE (org, name))`,
      // One row per (unit, spool, lane): the numbers HQ holds, as runs. It decides what is new, under its row lock.
      `CREATE TABLE swath.stream (
         id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         unit int NOT NULL REFERENCES swath.unit,
         spool text NOT NULL,
         lane text NOT NULL CHECK (lane IN ('event', 'log', 'bulk')),
         have int8multirange NOT NULL DEFAULT '{}',
         gone int8multirange NOT NULL DEFAULT '{}',
         quarantined int8multirange NOT NULL DEFAULT '{}',
         first_at timestamptz NOT NULL DEFAULT now(),
         UNIQUE (unit, spool, lane))`,
      `CREATE TABLE swath.wire_record (
         stream int NOT NULL,
         seq bigint NOT NULL,
         unit int NOT NULL,
         kind text NOT NULL,
         boot text NOT NULL,
         mono double precision NOT NULL,
         until_mono double precision NOT NULL,
         t timestamptz,
         trust text NOT NULL,
         unc double precision,
         descriptor text,
         received_at timestamptz NOT NULL,
         encoding text NOT NULL,
         raw bytea NOT NULL,
         body jsonb NOT NULL
       ) PARTITION BY RANGE (received_at)`,
      "CREATE UNIQUE INDEX wire_record_key ON swath.wire_record (stream, seq, received_at)",
      "CREATE INDEX wire_record_time ON swath.wire_record (unit, boot, mono)",
      `CREATE INDEX wire_record_kind ON swath.wire_record (unit, kind, received_at)
         WHERE kind NOT IN ('telemetry', 'track')`,
      `CREATE TABLE swath.descriptor (hash text PRIMARY KEY, body jsonb NOT NULL, received_at timestamptz NOT NULL)`,
      // Records of this descriptor are stored and wait for it.
      `CREATE TABLE swath.awaited_descriptor (
         hash text NOT NULL, unit int NOT NULL REFERENCES swath.unit, since timestamptz NOT NULL, PRIMARY KEY (hash, unit))`,
      `CREATE TABLE swath.anchor (
         stream int NOT NULL, seq bigint NOT NULL, unit int NOT NULL, boot text NOT NULL,
         mono double precision NOT NULL, offset_ms double precision NOT NULL, trust text NOT NULL,
         unc double precision NOT NULL, PRIMARY KEY (stream, seq))`,
      "CREATE INDEX anchor_boot ON swath.anchor (unit, boot)",
      `CREATE TABLE swath.gap (
         stream int NOT NULL, from_seq bigint NOT NULL, to_seq bigint NOT NULL, reason text NOT NULL,
         PRIMARY KEY (stream, from_seq))`,
      `CREATE TABLE swath.outage (
         stream int NOT NULL, seq bigint NOT NULL, unit int NOT NULL, boot text NOT NULL,
         from_mono double precision NOT NULL, to_mono double precision NOT NULL, reason text NOT NULL,
         PRIMARY KEY (stream, seq))`,
      "CREATE INDEX outage_boot ON swath.outage (unit, boot)",
      `CREATE TABLE swath.quarantine (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         unit int REFERENCES swath.unit, topic text NOT NULL, reason text NOT NULL, detail text NOT NULL,
         bytes int NOT NULL, payload bytea NOT NULL, received_at timestamptz NOT NULL)`,
      "CREATE INDEX quarantine_unit ON swath.quarantine (unit, reason)",
      // Counts every message put aside, also those whose bytes were not kept.
      `CREATE TABLE swath.put_aside (
         unit int NOT NULL REFERENCES swath.unit, reason text NOT NULL, messages bigint NOT NULL, kept bigint NOT NULL,
         kept_bytes bigint NOT NULL, last_at timestamptz NOT NULL, PRIMARY KEY (unit, reason))`,
      `CREATE TABLE swath.command (
         unit int NOT NULL REFERENCES swath.unit, serial int NOT NULL, id text NOT NULL UNIQUE, op text NOT NULL,
         expires timestamptz NOT NULL, signed jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
         sent int NOT NULL DEFAULT 0, sent_at timestamptz, answered_at timestamptz, answer jsonb,
         PRIMARY KEY (unit, serial))`,
    ],
  },
  {
    version: 2,
    about: "views: time resolved, values in rows",
    statements: [
      // 50 ppm: what a crystal may drift between an anchor and a record.
      `CREATE VIEW swath.resolved AS
         SELECT r.*, u.org, u.name AS unit_name, s.spool, s.lane,
                CASE WHEN best.at IS NULL THEN NULL ELSE best.at END AS utc,
                coalesce(best.trust, 'none') AS utc_trust, best.unc AS utc_unc_ms
         FROM swath.wire_record r
         JOIN swath.stream s ON s.id = r.stream
         JOIN swath.unit u ON u.id = r.unit
         LEFT JOIN LATERAL (
           SELECT c.at, c.trust, c.unc FROM (
             SELECT r.t AS at, r.trust, r.unc WHERE r.t IS NOT NULL
             UNION ALL
             SELECT to_timestamp((r.mono + a.offset_ms) / 1000), a.trust, ceil(a.unc + abs(r.mono - a.mono) * 50e-6)
             FROM swath.anchor a WHERE a.unit = r.unit AND a.boot = r.boot
               AND r.mono + a.offset_ms BETWEEN 0 AND 4102444800000
           ) c ORDER BY c.unc NULLS LAST, array_position(ARRAY['gnss', 'ntp', 'rtc', 'none'], c.trust) LIMIT 1
         ) best ON true`,
      `CREATE VIEW swath.value AS
         SELECT r.org, r.unit_name, d.body->>'machine' AS machine, r.boot,
                r.mono + i.at_ms AS mono, r.utc + i.at_ms * interval '1 millisecond' AS utc, r.utc_trust, r.utc_unc_ms,
                c.key AS column_name, (v.value #>> '{}')::double precision AS value,
                coalesce((r.body->'q'->c.key->>(v.ord - 1)::int)::int, 0) AS quality, r.stream, r.seq, r.received_at
         FROM swath.resolved r
         JOIN swath.descriptor d ON d.hash = r.descriptor
         CROSS JOIN LATERAL jsonb_each(r.body->'c') c
         CROSS JOIN LATERAL jsonb_array_elements(c.value) WITH ORDINALITY v(value, ord)
         CROSS JOIN LATERAL (SELECT coalesce((r.body->'at'->>(v.ord - 1)::int)::double precision,
                                             (v.ord - 1) * (r.body->>'dt')::double precision) AS at_ms) i
         WHERE r.kind IN ('telemetry', 'track')`,
    ],
  },
  {
    version: 3,
    about: "what was imported from files of records",
    statements: [
      `CREATE TABLE swath.import (
         id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         unit int NOT NULL REFERENCES swath.unit, sha256 text NOT NULL, made timestamptz, signed boolean NOT NULL,
         records bigint NOT NULL, duplicates bigint NOT NULL, aside bigint NOT NULL, spools text[] NOT NULL,
         imported_at timestamptz NOT NULL DEFAULT now())`,
    ],
  },
  {
    version: 4,
    about: "which machine a unit was on, record by record",
    statements: [
      // From this instant of this boot on, until the next row of the boot. Said by the descriptor a unit stores at each start.
      `CREATE TABLE swath.mounting (
         stream int NOT NULL, seq bigint NOT NULL, unit int NOT NULL, boot text NOT NULL,
         mono double precision NOT NULL, machine text NOT NULL, PRIMARY KEY (stream, seq))`,
      "CREATE INDEX mounting_boot ON swath.mounting (unit, boot, mono)",
      "CREATE INDEX mounting_machine ON swath.mounting (machine)",
      `INSERT INTO swath.mounting
         SELECT stream, seq, unit, boot, mono, body->'body'->>'machine' FROM swath.wire_record WHERE kind = 'desc'
         ON CONFLICT DO NOTHING`,
      // Rows are of the machine that their own descriptor names, whenever they were sent; all else of the one the unit was on.
      `CREATE OR REPLACE VIEW swath.resolved AS
         SELECT r.*, u.org, u.name AS unit_name, s.spool, s.lane,
                CASE WHEN best.at IS NULL THEN NULL ELSE best.at END AS utc,
                coalesce(best.trust, 'none') AS utc_trust, best.unc AS utc_unc_ms,
                coalesce((SELECT d.body->>'machine' FROM swath.descriptor d WHERE d.hash = r.descriptor),
                         (SELECT m.machine FROM swath.mounting m
                           WHERE m.unit = r.unit AND m.boot = r.boot AND m.mono <= r.mono
                           ORDER BY m.mono DESC, m.seq DESC LIMIT 1)) AS machine
         FROM swath.wire_record r
         JOIN swath.stream s ON s.id = r.stream
         JOIN swath.unit u ON u.id = r.unit
         LEFT JOIN LATERAL (
           SELECT c.at, c.trust, c.unc FROM (
             SELECT r.t AS at, r.trust, r.unc WHERE r.t IS NOT NULL
             UNION ALL
             SELECT to_timestamp((r.mono + a.offset_ms) / 1000), a.trust, ceil(a.unc + abs(r.mono - a.mono) * 50e-6)
             FROM swath.anchor a WHERE a.unit = r.unit AND a.boot = r.boot
               AND r.mono + a.offset_ms BETWEEN 0 AND 4102444800000
           ) c ORDER BY c.unc NULLS LAST, array_position(ARRAY['gnss', 'ntp', 'rtc', 'none'], c.trust) LIMIT 1
         ) best ON true`,
    ],
  },
];

/** The newest version that this software knows. */
export const SCHEMA_VERSION = MIGRATIONS.at(-1)!.version;

/**
 * Brings the schema to the newest version, in one transaction and under a lock, so that any number of ingesters may start at
 * once. Returns the versions applied. Rejects when the database was prepared by newer software.
 */
export async function migrate(database: Database): Promise<number[]> {
  return database.transaction(async (query) => {
    await query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    await query("CREATE SCHEMA IF NOT EXISTS swath");
    await query(
      `CREATE TABLE IF NOT EXISTS swath.migration (
         version int PRIMARY KEY, about text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    const rows = await query("SELECT version FROM swath.migration");
    const present = new Set(rows.map((row) => Number(row["version"])));
    const newest = Math.max(0, ...present);
    if (newest > SCHEMA_VERSION)
      throw new Error(
        `the database is at version ${newest}, this software knows ${SCHEMA_VERSION}: install a newer one`,
      );
    const due = MIGRATIONS.filter((m) => !present.has(m.version));
    for (const { version, about, statements } of due) {
      for (const statement of statements) await query(statement);
      await query("INSERT INTO swath.migration (version, about) VALUES ($1, $2)", [version, about]);
    }
    return due.map((m) => m.version);
  });
}

/** Makes the partition of records received on the UTC day of `atMs`, unless it is there. */
export async function ensureDay(database: Database, atMs: number): Promise<void> {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const from = day(atMs);
  await database.transaction(async (query) => {
    await query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    await query(
      `CREATE TABLE IF NOT EXISTS swath.wire_record_${from.replaceAll("-", "")} PARTITION OF swath.wire_record
         FOR VALUES FROM ('${from}Z') TO ('${day(atMs + 86_400_000)}Z')`,
    );
  });
}
