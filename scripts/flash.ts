import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { makeBundle } from "../src/cli/bundle.ts";
import { readFleet, type Target } from "./flash-fleet.ts";

const USAGE = `usage: flash UNIT.yaml --key HQ.key --folder DIR      a mounted card or stick
       flash UNIT.yaml --key HQ.key --ssh HOST        a unit that is reached over SSH
       flash --fleet FLEET.yaml --key HQ.key          several, the first one as canary
options: --dry-run  --serial N  --days 365  --successor NEXT.pub  --wait-s 30
A folder gets the file at its top; where it is the root of a unit's card (it has var/lib/swath), its inbox gets it.
`;

/** Inbox of an installed unit. */
const INBOX = "var/lib/swath/inbox";

interface Row {
  readonly unit: string;
  readonly serial: string;
  readonly where: string;
  readonly outcome: "delivered" | "accepted" | "REFUSED" | "FAILED" | "left out" | "would go";
  readonly words: string;
}

const text = { type: "string" } as const;
const OPTIONS = {
  key: text,
  folder: text,
  ssh: text,
  fleet: text,
  serial: text,
  days: text,
  successor: text,
  "wait-s": text,
  "dry-run": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

async function flash(args: readonly string[], say: (line: string) => void): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const [config, ...more] = positionals;
  const { key, folder, ssh, fleet } = values;
  const one = config !== undefined && (folder === undefined) !== (ssh === undefined) && fleet === undefined;
  const several = config === undefined && fleet !== undefined && folder === undefined && ssh === undefined;
  if (values.help || key === undefined || more.length > 0 || one === several) {
    say(USAGE);
    return values.help ? 0 : 64;
  }
  const targets: Target[] = several
    ? readFleet(fleet)
    : [ssh === undefined ? { config: config ?? "", folder: folder ?? "" } : { config: config ?? "", ssh }];
  const order = {
    key,
    serial: values.serial === undefined ? undefined : Number(values.serial),
    days: Number(values.days ?? 365),
    successor: values.successor,
    nowMs: Date.now(),
  };
  const waitS = Number(values["wait-s"] ?? 30);

  // Everything is made before anything is delivered: a mistake in the last file stops the first delivery.
  const made = targets.map((target) => ({ target, ...makeBundle({ ...order, file: target.config }) }));
  const rows: Row[] = [];
  for (const [i, { target, bytes, bundle }] of made.entries()) {
    const where = "folder" in target ? target.folder : target.ssh;
    const row = (outcome: Row["outcome"], words: string): Row => {
      return { unit: bundle.unit, serial: String(bundle.serial), where, outcome, words };
    };
    if (values["dry-run"]) {
      rows.push(row("would go", `${bytes.length} bytes, configuration ${bundle.config}`));
      continue;
    }
    if (i > 0 && (rows[0]?.outcome === "REFUSED" || rows[0]?.outcome === "FAILED")) {
      rows.push(row("left out", "the canary did not take its own"));
      continue;
    }
    say(`[${i + 1}/${made.length}] ${bundle.unit} → ${where}${i === 0 && made.length > 1 ? " (canary)" : ""}`);
    try {
      const name = `${bundle.unit}.swath`;
      const answer = await ("folder" in target
        ? toFolder(target.folder, name, bytes)
        : toHost(target.ssh, name, bytes, waitS));
      if (answer === undefined && "ssh" in target)
        rows.push(row("FAILED", `no answer within ${waitS} s; it lies in the inbox`));
      else if (answer === undefined) rows.push(row("delivered", "the unit answers when it finds it"));
      else rows.push(row(answer.startsWith("REFUSED") ? "REFUSED" : "accepted", answer.split("\n")[0] ?? ""));
    } catch (e) {
      rows.push(row("FAILED", e instanceof Error ? (e.message.split("\n")[0] ?? "") : String(e)));
    }
  }
  say("");
  for (const line of table(rows)) say(line);
  return rows.some((r) => r.outcome === "REFUSED" || r.outcome === "FAILED" || r.outcome === "left out") ? 1 : 0;
}

/** Writes beside and renames, so that a stick pulled too early holds the old file or the new one. */
async function toFolder(folder: string, name: string, bytes: Buffer): Promise<undefined> {
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
  return undefined;
}

/** Copies into the inbox of a unit and waits for its answer; undefined when none comes in time. */
async function toHost(ssh: string, name: string, bytes: Buffer, waitS: number): Promise<string | undefined> {
  const dir = mkdtempSync(join(tmpdir(), "swath-flash-"));
  try {
    const file = join(dir, name);
    writeFileSync(file, bytes);
    command("scp", ["-q", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", file, `${ssh}:/${INBOX}/.${name}.new`]);
    const remote = (words: string) => command("ssh", ["-o", "BatchMode=yes", "-o", "ConnectTimeout=15", ssh, words]);
    remote(`rm -f /${INBOX}/${name}.txt && mv /${INBOX}/.${name}.new /${INBOX}/${name}`);
    for (let s = 0; s < waitS; s++) {
      const answer = remote(`cat /${INBOX}/${name}.txt 2>/dev/null || true`);
      if (answer !== "") return answer;
      await sleep(1000);
    }
    return undefined;
  } finally {
    rmSync(dir, { recursive: true, force: true });
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
