import type { KeyObject } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { listCommands, storeCommand } from "../src/hq/ingest/commands.ts";
import type { Database } from "../src/hq/ingest/database.ts";

/** For so long HQ keeps asking a unit that is not online. */
const EXPIRES_MS = 24 * 3_600_000;
const LOOK_MS = 1000;

/** Asks a unit through HQ to take a bundle, and waits for its answer (`rsp`); undefined when none comes in time. */
export async function toHq(
  database: Database,
  key: KeyObject,
  to: { readonly org: string; readonly unit: string },
  bytes: Buffer,
  waitS: number,
): Promise<string | undefined> {
  const args = { bundle: bytes.toString("base64") };
  const { id } = await storeCommand(database, key, { ...to, op: "config", args, expiresMs: Date.now() + EXPIRES_MS });
  for (const endMs = Date.now() + waitS * 1000; ; await sleep(LOOK_MS)) {
    const command = (await listCommands(database.query, to.org, to.unit)).find((c) => c.id === id);
    if (command?.state === "done") return `ACCEPTED: ${command.reason}`;
    if (command?.state === "refused") return `REFUSED: ${command.reason}`;
    if (Date.now() >= endMs) return undefined;
  }
}

/** How the trial of a serial ended, as the unit's state at HQ tells it, in the words of `verdict.txt`; undefined while it runs. */
export async function verdictAtHq(
  database: Database,
  to: { readonly org: string; readonly unit: string },
  serial: number,
): Promise<string | undefined> {
  const [row] = await database.query(
    `SELECT state->'bundle'->>'serial' AS serial, state->'bundle'->>'trial' AS trial, state->'bundle'->>'last' AS last
     FROM swath.unit WHERE org = $1 AND name = $2`,
    [to.org, to.unit],
  );
  if (row?.["serial"] === String(serial) && row["trial"] === "false") return `serial ${serial} committed`;
  const last = row?.["last"];
  return typeof last === "string" && last.startsWith(`serial ${serial} `) ? last : undefined;
}
