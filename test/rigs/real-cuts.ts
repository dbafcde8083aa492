import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { constants, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { LANES, type Lane } from "../../src/model/lane.ts";
import { diskFiles, type SpoolFiles } from "../../src/spool/files.ts";
import { openSpool } from "../../src/spool/spool.ts";
import { bodyOf, idOf } from "./marked-bodies.ts";
import { random } from "./model-files.ts";

/** What a series of cuts on real files came to. From `lost` on everything must be 0. */
export interface RealFigures {
  cuts: number;
  acknowledged: number;
  recovered: number;
  gaps: number;
  /** Acknowledged, then given up for want of room, each within a gap that says so. */
  dropped: number;
  lost: number;
  torn: number;
  doubled: number;
  notOpened: number;
  firstFailure: string | undefined;
}

export function realUnharmed(f: RealFigures): boolean {
  return f.lost + f.torn + f.doubled + f.notOpened === 0;
}

const clock = { monoMs: () => performance.now() };
/** The smallest spool: recovering it reads little, and its segments turn over soon. */
const MAX_BYTES = 1024 * 1024;

/** Said to be written, and kept in the process for a while: what a kill takes with it. */
const LATE_MS = 20;

/** `disk` is what the unit uses; the others break a promise each, for negative controls. */
export const FILE_KINDS = ["disk", "without-sync", "late-writes"] as const;
export type FileKind = (typeof FILE_KINDS)[number];

const FILES: Record<FileKind, SpoolFiles> = {
  disk: diskFiles,
  "without-sync": {
    ...diskFiles,
    open: async (path, mode) => ({ ...(await diskFiles.open(path, mode)), sync: async () => {} }),
    syncDir: async () => {},
  },
  "late-writes": {
    ...diskFiles,
    async open(path, mode) {
      const file = await diskFiles.open(path, mode);
      return {
        ...file,
        async write(from, at) {
          const kept = from.slice();
          setTimeout(() => void file.write(kept, at).catch(() => undefined), LATE_MS);
          return from.length;
        },
        close: async () => void setTimeout(() => void file.close(), 2 * LATE_MS),
      };
    },
  },
};

const MOST_STAGED = 20;

/** Spools of one writer process: one kill -9 cuts them all, each at another place of its work. */
const SPOOLS_PER_PROCESS = 5;

/** A writer that ends by itself writes nothing more, and cuts would find nothing wrong. */
async function kill(writer: ChildProcess, ended: Promise<void>): Promise<void> {
  const exited = new Promise<void>((resolve) => writer.once("exit", () => resolve()));
  if (writer.exitCode !== null) throw new Error(`the writer ended by itself with ${writer.exitCode}`);
  writer.kill("SIGKILL");
  await Promise.all([ended, exited]);
  if (writer.exitCode !== null) throw new Error(`the writer ended by itself with ${writer.exitCode}`);
}

const spoolDir = (dir: string, index: number): string => join(dir, `spool-${index}`);

/**
 * The writer process: appends to `spools` of them for ever and says on standard output which has started (S) and what was
 * acknowledged (A) and freed (F), each line with the number of its spool.
 */
export async function writeForEver(dir: string, firstId: number, kind: FileKind, spools: number): Promise<never> {
  const each = Array.from({ length: spools }, (_, i) => writeOne(dir, i, firstId, FILES[kind]));
  return Promise.race(each);
}

async function writeOne(dir: string, index: number, firstId: number, files: SpoolFiles): Promise<never> {
  const rng = random(firstId + index);
  const spool = await openSpool({ dir: spoolDir(dir, index), files, clock, maxBytes: MAX_BYTES });
  const say = (line: string): boolean => process.stdout.write(`${index} ${line}\n`);
  say(`S ${spool.state}`);
  let id = firstId;
  for (;;) {
    const wait: Promise<unknown>[] = spool.staged().length > MOST_STAGED ? [] : [spool.stage(bodyOf(id++, 80))];
    for (let n = Math.floor(rng() * 6); n >= 0; n--) {
      const lane = LANES[Math.floor(rng() * 3)]!;
      const mine = id++;
      wait.push(
        spool
          .append(lane, bodyOf(mine, 12 + Math.floor(rng() ** 5 * 3000)))
          .then((seq) => say(`A ${lane} ${seq} ${mine}`)),
      );
    }
    await spool.flush();
    await Promise.all(wait);
    const staged = spool.staged();
    const mark = staged.at(-1)?.mark;
    // Many short lives, each with a few rows: they must not add up to more than the spool takes.
    if (mark && (rng() < 0.2 || staged.length > MOST_STAGED)) {
      const mine = id++;
      const appended = spool.append("log", bodyOf(mine, 500), { supersedes: mark });
      await spool.flush();
      say(`A log ${await appended} ${mine}`);
    }
    if (rng() < 0.2) {
      const lane = LANES[Math.floor(rng() * 3)]!;
      const upTo = spool.first(lane) + Math.floor((spool.unsent(lane) * 3) / 4);
      say(`F ${lane} ${upTo}`);
      spool.free(lane, upTo);
    }
  }
}

/** What the writer has said so far. */
class Told {
  readonly acked = new Map<string, number>();
  readonly freed = new Map<Lane, number>(LANES.map((lane) => [lane, 0]));

  hear(line: string, countAcks = true): void {
    const [, what, lane, seq, id] = line.split(" ");
    if (what === "F") this.freed.set(lane as Lane, Math.max(this.freed.get(lane as Lane)!, Number(seq)));
    if (what !== "A") return;
    if (countAcks) this.acked.set(`${lane} ${seq}`, Number(id));
  }
}

/** Opens what a cut has left, and checks it against what the writer was promised. */
async function verify(dir: string, told: Told, f: RealFigures): Promise<void> {
  f.cuts++;
  const fail = (what: "lost" | "torn" | "doubled" | "notOpened", why: string): void => {
    f[what]++;
    f.firstFailure ??= `cut ${f.cuts}: ${what}: ${why}`;
  };
  const spool = await openSpool({ dir, files: diskFiles, clock, maxBytes: MAX_BYTES });
  if (spool.state === "failed") fail("notOpened", dir);
  const found = new Map<string, number>();
  const seen = new Set<number>();
  const gaps: { lane: Lane; from: number; to: number; reason: string }[] = [];
  for (const lane of LANES) {
    for (let at = spool.first(lane); ; ) {
      const records = await spool.read(lane, at, 500, 1 << 20);
      if (records.length === 0) break;
      for (const r of records) {
        if (r.seq !== at) fail("lost", `${lane} ${r.seq} where ${at} was due`);
        at = ("gap" in r ? r.gap.to : r.seq) + 1;
        if ("gap" in r) {
          f.gaps++;
          gaps.push({ lane, ...r.gap });
          continue;
        }
        const id = idOf(r.body);
        if (id < 0) fail("torn", `${lane} ${r.seq}`);
        else if (seen.has(id)) fail("doubled", `${lane} ${r.seq}`);
        seen.add(id);
        found.set(`${lane} ${r.seq}`, id);
      }
    }
  }
  f.recovered += found.size;
  for (const s of spool.staged()) if (idOf(s.rows) < 0) fail("torn", "rows");
  for (const [key, id] of told.acked) {
    const [lane, seq] = key.split(" ");
    if (Number(seq) <= told.freed.get(lane as Lane)!) {
      told.acked.delete(key);
      continue;
    }
    f.acknowledged++;
    if (found.get(key) === id) continue;
    const gap = gaps.find((g) => g.lane === lane && g.from <= Number(seq) && Number(seq) <= g.to);
    if (gap !== undefined && gap.reason !== "corrupt") f.dropped++;
    else fail("lost", `${key}: ${gap ? `gap ${gap.from}-${gap.to} ${gap.reason}` : "no trace"}`);
  }
  await spool.close();
}

function startWriter(script: string, dir: string, firstId: number, kind: FileKind, spools: number): ChildProcess {
  const numbers = ["--first-id", String(firstId), "--spools", String(spools)];
  const args = [script, "--writer", dir, ...numbers, ...(kind === "disk" ? [] : [`--${kind}`])];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

const figures = (): RealFigures => ({
  cuts: 0,
  acknowledged: 0,
  recovered: 0,
  gaps: 0,
  dropped: 0,
  lost: 0,
  torn: 0,
  doubled: 0,
  notOpened: 0,
  firstFailure: undefined,
});

/**
 * Kills the writer again and again on folders of the real file system, and checks each after each kill. The time runs from
 * the first spool's start, so that some are killed while they recover.
 */
export async function killCuts(o: {
  cuts: number;
  seed: number;
  script: string;
  files: FileKind;
}): Promise<RealFigures> {
  const rng = random(o.seed);
  const f = figures();
  const dir = mkdtempSync(join(tmpdir(), "swath-kill-"));
  const told = Array.from({ length: SPOOLS_PER_PROCESS }, () => new Told());
  try {
    for (let life = 0; f.cuts < o.cuts; life++) {
      const writer = startWriter(o.script, dir, 1 + life * 1e6, o.files, told.length);
      const lines = createInterface({ input: writer.stdout! });
      const ended = new Promise<void>((resolve) => lines.on("close", resolve));
      const started = new Promise<void>((resolve) =>
        lines.on("line", (line) => {
          told[Number(line.slice(0, line.indexOf(" ")))]!.hear(line);
          resolve();
        }),
      );
      await Promise.race([started, ended]);
      await sleep(rng() * 60);
      await kill(writer, ended);
      for (const [i, one] of told.entries()) await verify(spoolDir(dir, i), one, f);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return f;
}

const run = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: "utf8" });

/**
 * Cuts power under ext4: the writer runs on a loop device whose backing file is on a file system with reflinks; a reflinked
 * copy of the backing file is the disk at that instant. Mounting the copy replays ext4's journal, then the spool recovers.
 * Needs root, loop devices, mkfs.ext4 and mkfs.xfs.
 */
export async function loopCuts(o: {
  cuts: number;
  seed: number;
  script: string;
  files: FileKind;
}): Promise<RealFigures> {
  const rng = random(o.seed);
  const f = figures();
  const dir = mkdtempSync(join(tmpdir(), "swath-loop-"));
  const at = (name: string): string => join(dir, name);
  const mounted: string[] = [];
  const mount = (image: string, on: string, type: string): void => {
    mkdirSync(on, { recursive: true });
    run("mount", "-o", "loop", "-t", type, image, on);
    mounted.push(on);
  };
  const unmount = (on: string): void => {
    run("umount", on);
    mounted.splice(mounted.indexOf(on), 1);
  };
  try {
    run("truncate", "-s", "1G", at("host.img"));
    run("mkfs.xfs", "-q", "-m", "reflink=1", at("host.img"));
    mount(at("host.img"), at("host"), "xfs");
    const disk = at("host/disk.img");
    while (f.cuts < o.cuts) {
      run("truncate", "-s", "0", disk);
      run("truncate", "-s", "48M", disk);
      run("mkfs.ext4", "-q", "-F", disk);
      mount(disk, at("disk"), "ext4");
      const told = new Told();
      const writer = startWriter(o.script, at("disk"), 1, o.files, 1);
      const lines = createInterface({ input: writer.stdout! });
      const ended = new Promise<void>((resolve) => lines.on("close", resolve));
      let heard: string[] = [];
      const started = new Promise<void>((resolve) =>
        lines.on("line", (line) => {
          heard.push(line);
          resolve();
        }),
      );
      await Promise.race([started, ended]);
      for (let n = 0; n < 200 && f.cuts < o.cuts; n++) {
        await sleep(2 + rng() * 20);
        const known = heard;
        heard = [];
        for (const line of known) told.hear(line);
        rmSync(at("host/cut.img"), { force: true });
        copyFileSync(disk, at("host/cut.img"), constants.COPYFILE_FICLONE_FORCE);
        // What was freed until the copy was complete may be missing in it; what was acknowledged after it may not.
        await new Promise((resolve) => setImmediate(resolve));
        for (const line of heard) told.hear(line, false);
        mount(at("host/cut.img"), at("cut"), "ext4");
        await verify(spoolDir(at("cut"), 0), told, f);
        unmount(at("cut"));
      }
      await kill(writer, ended);
      unmount(at("disk"));
    }
  } finally {
    for (const on of mounted.reverse()) run("umount", "-l", on);
    rmSync(dir, { recursive: true, force: true });
  }
  return f;
}
