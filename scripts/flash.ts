import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { makeBundle } from "../src/cli/bundle.ts";
import { readSecretKey } from "../src/cli/keys.ts";
import type { Database } from "../src/hq/ingest/database.ts";
import { openPostgres } from "../src/hq/ingest/postgres.ts";
import { readFleet, type Target } from "./flash-fleet.ts";
import { toHq, verdictAtHq } from "./flash-hq.ts";

const USAGE = `usage: flash UNIT.yaml --key HQ.key --folder DIR      a mounted card or stick
       flash UNIT.yaml --key HQ.key --ssh HOST        a unit that is reached over SSH
       flash UNIT.yaml --key HQ.key --via hq --database postgres://…   a unit that HQ reaches
       flash --fleet FLEET.yaml --key HQ.key          several, the first one as canary
         --moved-from MACHINE   the unit was on that one and is given to the one in UNIT.yaml (docs/maintainer.md)
options: --dry-run  --serial N  --days 365  --successor NEXT.pub
         --wait-s 120 for an answer   --trial-s 900 for the end of the canary's trial
--database may also stand in the environment as SWATH_DATABASE.
The others get theirs when the trial of the canary is committed, where that can be read: over SSH and through HQ.
A folder gets the file at its top; where it is the root of a unit's card (it has var/lib/swath), its inbox gets it.
`;

/** Inbox of an installed unit. */
const INBOX = "var/lib/swath/inbox";

interface Row {
  readonly unit: string;
  readonly serial: string;
  readonly where: string;
  readonly outcome:
    | "delivered"
    | "on trial"
    | "committed"
    | "REFUSED"
    | "REVERTED"
    | "FAILED"
    | "left out"
    | "would go";
  readonly words: string;
}

const text = { type: "string" } as const;
const OPTIONS = {
  key: text,
  folder: text,
  ssh: text,
  via: text,
  database: text,
  fleet: text,
  serial: text,
  days: text,
  successor: text,
  "moved-from": text,
  "wait-s": text,
  "trial-s": text,
  "dry-run": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

async function flash(args: readonly string[], say: (line: string) => void): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const [config, ...more] = positionals;
  const { key, folder, ssh, via, fleet } = values;
  const ways = [folder, ssh, via].filter((way) => way !== undefined).length;
  const one = config !== undefined && ways === 1 && fleet === undefined;
  const several = config === undefined && fleet !== undefined && ways === 0 && values["moved-from"] === undefined;
  if ((via !== undefined && via !== "hq") || values.help || key === undefined || more.length > 0 || one === several) {
    say(USAGE);
    return values.help ? 0 : 64;
  }
  const targets: Target[] = several ? readFleet(fleet) : [only(config ?? "", folder, ssh)];
  const order = {
    key,
    serial: values.serial === undefined ? undefined : Number(values.serial),
    days: Number(values.days ?? 365),
    successor: values.successor,
    movedFrom: values["moved-from"],
    nowMs: Date.now(),
  };
  const waitS = secondsOf(values["wait-s"] ?? "120", "--wait-s");
  const trialS = secondsOf(values["trial-s"] ?? "900", "--trial-s");

  // Everything is made before anything is delivered: a mistake in the last file stops the first delivery.
  const made = targets.map((target) => ({ target, ...makeBundle({ ...order, file: target.config }) }));
  const url = values.database ?? process.env["SWATH_DATABASE"];
  const viaHq = targets.some((target) => "via" in target) && !values["dry-run"];
  if (viaHq && url === undefined) throw new Error("--database is missing: through HQ means through its database");
  const secret = readSecretKey(key);
  const database = viaHq && url !== undefined ? openPostgres(url) : undefined;
  const rows: Row[] = [];
  for (const [i, { target, bytes, bundle }] of made.entries()) {
    const where = "folder" in target ? target.folder : "ssh" in target ? target.ssh : "HQ";
    const row = (outcome: Row["outcome"], words: string): Row => {
      return { unit: bundle.unit, serial: String(bundle.serial), where, outcome, words };
    };
    if (values["dry-run"]) {
      rows.push(row("would go", `${bytes.length} bytes, configuration ${bundle.config}`));
      continue;
    }
    if (i > 0 && isBad(rows[0])) {
      rows.push(row("left out", "the canary did not take its own"));
      continue;
    }
    say(`[${i + 1}/${made.length}] ${bundle.unit} → ${where}${i === 0 && made.length > 1 ? " (canary)" : ""}`);
    try {
      const name = `${bundle.unit}.swath`;
      if ("folder" in target) {
        toFolder(target.folder, name, bytes);
        rows.push(row("delivered", "the unit answers when it finds it"));
        continue;
      }
      const answer = await ("ssh" in target
        ? toHost(target.ssh, name, bytes, waitS)
        : toHq(ready(database), secret, bundle, bytes, waitS));
      const line = answer?.split("\n")[0] ?? "";
      if (answer === undefined) {
        const still = "ssh" in target ? "it lies in the inbox" : "HQ goes on asking for a day";
        rows.push(row("FAILED", `no answer within ${waitS} s; ${still}`));
      } else if (answer.startsWith("REFUSED")) rows.push(row("REFUSED", line));
      else if (i > 0 || made.length === 1) rows.push(row("on trial", line));
      else {
        say(`      ${line}; waiting for the end of its trial`);
        const read = () =>
          "ssh" in target ? verdictOfHost(target.ssh) : verdictAtHq(ready(database), bundle, bundle.serial);
        rows.push(await canary(row, bundle.serial, read, trialS));
      }
    } catch (e) {
      rows.push(row("FAILED", e instanceof Error ? (e.message.split("\n")[0] ?? "") : String(e)));
    }
  }
  await database?.close();
  say("");
  for (const line of table(rows)) say(line);
  return rows.some((r) => isBad(r) || r.outcome === "left out") ? 1 : 0;
}

const isBad = (row: Row | undefined) =>
  row?.outcome === "REFUSED" || row?.outcome === "REVERTED" || row?.outcome === "FAILED";

function only(config: string, folder: string | undefined, ssh: string | undefined): Target {
  if (folder !== undefined) return { config, folder };
  return ssh === undefined ? { config, via: "hq" } : { config, ssh };
}

function secondsOf(value: string, option: string): number {
  const s = Number(value);
  if (!(s > 0 && s <= 86_400)) throw new Error(`${option}: got ${value}, expected seconds, more than 0, at most 86400`);
  return s;
}

function ready(database: Database | undefined): Database {
  if (database === undefined) throw new Error("--database is missing");
  return database;
}

/** Waits until the trial of the canary is over. */
async function canary(
  row: (outcome: Row["outcome"], words: string) => Row,
  serial: number,
  read: () => string | undefined | Promise<string | undefined>,
  trialS: number,
): Promise<Row> {
  for (const endMs = Date.now() + trialS * 1000; ; await sleep(1000)) {
    const verdict = await read();
    if (verdict?.startsWith(`serial ${serial} committed`)) return row("committed", verdict);
    if (verdict?.startsWith(`serial ${serial} `)) return row("REVERTED", verdict);
    if (Date.now() >= endMs) return row("FAILED", `its trial was not over after ${trialS} s`);
  }
}

/** Writes beside and renames, so that a stick pulled too early holds the old file or the new one. */
function toFolder(folder: string, name: string, bytes: Buffer): void {
  if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
  let dir = folder;
  try {
    if (statSync(join(folder, "var/lib/swath")).isDirectory()) dir = join(folder, INBOX);
  } catch {
    // A stick, or a card's boot partition.
  }
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `${name}.new`), bytes, { flush: true });
  renameSync(join(dir, `${name}.new`), join(dir, name));
  if (!readFileSync(join(dir, name)).equals(bytes)) throw new Error("what was written reads back differently");
}

/** Copies into the inbox of a unit and waits for its answer; undefined when none comes in time. */
async function toHost(ssh: string, name: string, bytes: Buffer, waitS: number): Promise<string | undefined> {
  const dir = mkdtempSync(join(tmpdir(), "swath-flash-"));
  try {
    const file = join(dir, name);
    writeFileSync(file, bytes);
    command("scp", ["-q", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", file, `${ssh}:/${INBOX}/.${name}.new`]);
    remote(ssh, `rm -f /${INBOX}/${name}.txt && mv /${INBOX}/.${name}.new /${INBOX}/${name}`);
    for (let s = 0; s < waitS; s++) {
      const answer = remote(ssh, `cat /${INBOX}/${name}.txt 2>/dev/null || true`);
      if (answer !== "") return answer;
      await sleep(1000);
    }
    return undefined;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function remote(ssh: string, words: string): string {
  return command("ssh", ["-o", "BatchMode=yes", "-o", "ConnectTimeout=15", ssh, words]);
}

/** What the unit says of the last trial; undefined while it cannot be reached, as when it restarts. */
function verdictOfHost(ssh: string): string | undefined {
  try {
    return remote(ssh, `cat /${INBOX}/verdict.txt 2>/dev/null || true`) || undefined;
  } catch {
    return undefined;
  }
}

function command(name: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(name, args, { encoding: "utf8", timeout: 120_000 });
  if (error !== undefined) throw new Error(`${name}: ${error.message}`);
  if (status !== 0) throw new Error(`${name} failed: ${stderr.trim() || `exit code ${status}`}`);
  return stdout.trim();
}

function table(rows: readonly Row[]): string[] {
  const head = ["unit", "serial", "where", "outcome", ""];
  const cells = rows.map((r) => [r.unit, r.serial, r.where, r.outcome, r.words]);
  const widths = head.map((_, i) => Math.max(...[head, ...cells].map((row) => row[i]?.length ?? 0)));
  return [head, ...cells].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

flash(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`)).then(
  (code) => {
    process.exitCode = code;
  },
  (e: unknown) => {
    process.stderr.write(`${e instanceof Error ? e.message : String(e)}\nnothing was delivered.\n`);
    process.exitCode = 78;
  },
);
