import { type KeyObject, randomUUID } from "node:crypto";
import { signText } from "../../codec/signed-text.ts";
import { type CmdText, cmdText } from "../../model/downlink.ts";
import type { Database, Query } from "./database.ts";

/** A command is sent again after this while its unit is online and silent about it. */
const AGAIN_MS = 30_000;

/** Stores a signed command for a unit; an ingester sends it. Returns what was signed. Rejects for an unknown unit or op. */
export async function storeCommand(
  database: Database,
  key: KeyObject,
  wanted: {
    readonly org: string;
    readonly unit: string;
    readonly op: string;
    readonly args?: Readonly<Record<string, unknown>>;
    readonly expiresMs: number;
  },
): Promise<CmdText> {
  return database.transaction(async (query) => {
    const [row] = await query("SELECT id FROM swath.unit WHERE org = $1 AND name = $2 FOR UPDATE", [
      ...[wanted.org, wanted.unit],
    ]);
    if (row === undefined) throw new Error(`HQ has never heard of unit ${wanted.unit} of ${wanted.org}`);
    const unit = Number(row["id"]);
    const [last] = await query("SELECT coalesce(max(serial), 0) AS serial FROM swath.command WHERE unit = $1", [unit]);
    const text = cmdText.parse({
      kind: "cmd",
      unit: wanted.unit,
      id: randomUUID(),
      serial: Number(last?.["serial"] ?? 0) + 1,
      expires: new Date(wanted.expiresMs).toISOString(),
      op: wanted.op,
      ...(wanted.args === undefined ? {} : { args: wanted.args }),
    });
    await query(
      "INSERT INTO swath.command (unit, serial, id, op, expires, signed) VALUES ($1, $2, $3, $4, $5, $6::jsonb)",
      [unit, text.serial, text.id, text.op, text.expires, JSON.stringify(signText(text, key))],
    );
    return text;
  });
}

/** A command that is due, claimed by this ingester alone. */
export interface DueCommand {
  readonly org: string;
  readonly unit: string;
  readonly id: string;
  readonly op: string;
  readonly signed: string;
}

/** Claims what is due for units of `org` that are online: never sent, or sent a while ago and not answered, in order. */
export async function claimCommands(query: Query, org: string): Promise<DueCommand[]> {
  const rows = await query(
    `UPDATE swath.command c SET sent = c.sent + 1, sent_at = now()
     FROM swath.unit u
     WHERE u.id = c.unit AND u.org = $1 AND u.state->>'state' = 'online' AND c.answered_at IS NULL AND c.expires > now()
       AND (c.sent_at IS NULL OR c.sent_at < now() - interval '${AGAIN_MS} ms' OR (c.sent_at < u.state_at AND c.sent_at < now() - interval '2 s'))
       AND NOT EXISTS (SELECT FROM swath.command e WHERE e.unit = c.unit AND e.serial < c.serial
                         AND e.answered_at IS NULL AND e.expires > now())
     RETURNING u.org, u.name, c.id, c.op, c.signed, c.serial`,
    [org],
  );
  return rows.map((row) => ({
    org: String(row["org"]),
    unit: String(row["name"]),
    id: String(row["id"]),
    op: String(row["op"]),
    signed: JSON.stringify(row["signed"]),
  }));
}

/** A command as a person reads it. */
export interface ListedCommand {
  readonly serial: number;
  readonly id: string;
  readonly op: string;
  readonly state: "waiting" | "sent" | "done" | "refused" | "expired";
  readonly created: string;
  readonly expires: string;
  readonly sent: number;
  readonly reason?: string;
}

/** All commands of a unit, newest first. */
export async function listCommands(query: Query, org: string, unit: string): Promise<ListedCommand[]> {
  const rows = await query(
    `SELECT c.serial, c.id, c.op, c.sent, c.created_at, c.expires, c.answer, c.answered_at, c.expires <= now() AS expired
     FROM swath.command c JOIN swath.unit u ON u.id = c.unit
     WHERE u.org = $1 AND u.name = $2 ORDER BY c.serial DESC LIMIT 200`,
    [org, unit],
  );
  return rows.map((row) => {
    const answer = row["answer"] as { ok: boolean; reason: string } | null;
    const open = row["expired"] === true ? "expired" : Number(row["sent"]) > 0 ? "sent" : "waiting";
    return {
      serial: Number(row["serial"]),
      id: String(row["id"]),
      op: String(row["op"]),
      state: answer === null ? open : answer.ok ? "done" : "refused",
      created: (row["created_at"] as Date).toISOString(),
      expires: (row["expires"] as Date).toISOString(),
      sent: Number(row["sent"]),
      ...(answer === null ? {} : { reason: answer.reason }),
    };
  });
}
