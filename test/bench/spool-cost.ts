import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskFiles, type SpoolFiles } from "../../src/spool/files.ts";
import { openSpool } from "../../src/spool/spool.ts";
import type { Result } from "./result.ts";

const clock = { monoMs: () => performance.now() };
/** A seconds' row and a record of ten of them in the compact encoding, in bytes. */
const ROW = 95;
const RECORD = 950;

/** The real files, counting what is handed to `write` and how often is synced. */
function counting(): { files: SpoolFiles; count: { bytes: number; syncs: number } } {
  const count = { bytes: 0, syncs: 0 };
  const files: SpoolFiles = {
    ...diskFiles,
    open: async (path, mode) => {
      const file = await diskFiles.open(path, mode);
      return {
        ...file,
        write: (from, at) => {
          count.bytes += from.length;
          return file.write(from, at);
        },
        sync: () => {
          count.syncs++;
          return file.sync();
        },
      };
    },
  };
  return { files, count };
}

/** Bytes written to the device that holds `dir`, by anyone: put the folder on a device of its own to see the spool's. */
function deviceBytes(dir: string): number {
  const { dev } = statSync(dir);
  const path = `/sys/dev/block/${dev >>> 8}:${dev & 0xff}/stat`;
  return Number(readFileSync(path, "utf8").trim().split(/\s+/)[6]) * 512;
}

async function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "swath-bench-"));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Bytes written per payload byte, commits a second and syncs a commit, with `perCommit` records of 200 bytes. */
function amplification(perCommit: number, commits: number, offline: boolean) {
  return inFolder(async (dir) => {
    const { files, count } = counting();
    const spool = await openSpool({ dir, files, clock, maxBytes: 256e6 });
    const before = { ...count, device: deviceBytes(dir) };
    const startedMs = performance.now();
    for (let c = 0; c < commits; c++) {
      for (let i = 0; i < perCommit; i++) void spool.append("log", randomBytes(200));
      await spool.flush();
      if (!offline) spool.free("log", (c + 1) * perCommit);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const payload = commits * perCommit * 200;
    const out = {
      perByte: (count.bytes - before.bytes) / payload,
      devicePerByte: (deviceBytes(dir) - before.device) / payload,
      commitsPerS: commits / seconds,
      syncsPerCommit: (count.syncs - before.syncs) / commits,
    };
    await spool.close();
    return out;
  });
}

/** Bytes a day at one row a second and one record of ten rows, without a link. */
function day(seconds: number) {
  return inFolder(async (dir) => {
    const { files, count } = counting();
    const spool = await openSpool({ dir, files, clock, maxBytes: 256e6 });
    const before = { ...count, device: deviceBytes(dir) };
    for (let s = 1; s <= seconds; s++) {
      const mark = spool.stage(randomBytes(ROW));
      const due = spool.staged().at(-1)?.mark;
      if (s % 10 === 0 && due) void spool.append("log", randomBytes(RECORD), { supersedes: due });
      await spool.flush();
      await mark;
    }
    const perDay = 86_400 / seconds / 1e6;
    const out = { mb: (count.bytes - before.bytes) * perDay, deviceMb: (deviceBytes(dir) - before.device) * perDay };
    await spool.close();
    return out;
  });
}

/** How long the spool takes to open with `records` in it, and to read the first hundred. */
function start(records: number, bytes: number) {
  return inFolder(async (dir) => {
    const options = { dir, files: diskFiles, clock, maxBytes: 2e9 };
    const spool = await openSpool(options);
    const body = randomBytes(bytes);
    for (let i = 0; i < records; ) {
      for (let n = 0; n < 1000 && i < records; n++, i++) void spool.append("log", body);
      await spool.flush();
    }
    await spool.close();
    const startedMs = performance.now();
    const again = await openSpool(options);
    const openMs = performance.now() - startedMs;
    if (again.unsent("log") !== records) throw new Error(`${again.unsent("log")} of ${records} records are there`);
    const first = await again.read("log", 1, 100, 1e9);
    const readMs = performance.now() - startedMs - openMs;
    const drainMs = performance.now();
    let read = first.length;
    while (read < Math.min(records, 100_000)) read += (await again.read("log", read + 1, 100, 1e9)).length;
    const recordsPerS = (read - first.length) / ((performance.now() - drainMs) / 1000);
    await again.close();
    return { openMs, readMs, recordsPerS };
  });
}

export async function run(flags: readonly string[]): Promise<Result> {
  const short = flags.includes("--short");
  const figures: Record<string, number> = {};
  console.log("records a commit | link | written/payload byte | device/payload byte | commits/s | syncs/commit");
  for (const perCommit of [1, 10, 100]) {
    for (const offline of [false, true]) {
      const a = await amplification(perCommit, short ? 200 : 3000, offline);
      const link = offline ? "down" : "up";
      console.log(
        `${perCommit} | ${link} | ${a.perByte.toFixed(2)} | ${a.devicePerByte.toFixed(2)} | ${a.commitsPerS.toFixed(0)} | ${a.syncsPerCommit.toFixed(3)}`,
      );
      figures[`perByte${perCommit}${link}`] = a.perByte;
    }
  }
  const d = await day(short ? 600 : 7200);
  console.log(
    `one row a second, one record in ten: ${d.mb.toFixed(0)} MB a day written, ${d.deviceMb.toFixed(0)} by the device`,
  );
  figures["mbPerDay"] = d.mb;
  const records = short ? 50_000 : 1_000_000;
  const s = await start(records, 200);
  console.log(
    `${records} records of 200 bytes: opened in ${s.openMs.toFixed(0)} ms, first 100 read in ${s.readMs.toFixed(0)} ms, drained at ${s.recordsPerS.toFixed(0)} records/s`,
  );
  figures["openMs"] = s.openMs;
  if (!short) {
    const big = await start(records, RECORD);
    console.log(`${records} records of ${RECORD} bytes: opened in ${big.openMs.toFixed(0)} ms`);
    figures["openMsLarge"] = big.openMs;
  }
  return { name: "spool", figures };
}
