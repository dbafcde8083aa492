import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, rename, statfs, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { RecordFileEnding } from "../codec/record-file.ts";
import type { DeliverySign } from "./delivery-sign.ts";
import { answerInbox } from "./inbox.ts";
import { reportText, type UnitReport } from "./report.ts";

/** What a stick may ask for, as a file of this name in the inbox, and what is put into the outbox for it. */
export const REQUESTS = { report: "swath-report.request", records: "swath-records.request" } as const;
export const OUTBOX = { unit: "unit", report: "report.txt", records: "records.sealed" } as const;
const REQUEST_MAX_BYTES = 4096;
/** Longest file of records. At 95 bytes a machine-second: 390 hours of the full plan. */
const RECORDS_MAX_BYTES = 128 << 20;
/** Of what is free on the card, so much stays for the spool and everything else. */
const KEPT_FREE_BYTES = 64 << 20;

/** How long it is shown what a stick asked. */
const SHOWN_MS = 600_000;

/** Writes records for HQ into a file; what it wrote, or why nothing can be written. */
export type ExportTo = (
  maxBytes: number,
  write: (bytes: Uint8Array) => Promise<void>,
) => Promise<{ readonly ending: RecordFileEnding; readonly signed: boolean } | { readonly refused: string }>;

/** The unit that runs, as far as a stick may ask of it. */
export interface AskedUnit {
  report(): UnitReport;
  readonly exportTo: ExportTo;
  /** What became of it, as an event. */
  tell(name: string, severity: "info" | "warning", detail: Readonly<Record<string, string | number>>): Promise<void>;
}

/**
 * Answers requests that a stick brought: a report, and the records HQ lacks, sealed for it, in an outbox of the unit's own
 * from where they are carried to the stick. One at a time, beside everything else; a file is whole in the outbox or not there.
 * What was asked for is done once, and nothing is freed by it.
 */
export function createStick(options: {
  readonly inbox: string;
  readonly outbox: string;
  readonly software: string;
  /** Newest warnings and errors of the log, as JSON. */
  readonly lines: () => readonly string[];
  readonly log: Logger;
  readonly nowMs: () => number;
  /** Told what becomes of a request. */
  readonly sign: DeliverySign;
  readonly maxBytes?: number;
}) {
  const { inbox, outbox, log, nowMs, sign } = options;
  let busy: Promise<void> | undefined;
  /** What the last request came to, since when, and whether it has been carried away. */
  let last: { readonly said: string; readonly sinceMs: number; readonly away: boolean } | undefined;

  async function answer(unit: AskedUnit | undefined, name: string, line: string): Promise<void> {
    await answerInbox(inbox, name, [line]);
    log.info({ request: name, answer: line }, "a stick asked");
    last = { said: line, sinceMs: nowMs(), away: false };
    const done = !wasRefused(line);
    const detail = { request: name, answer: line };
    await unit
      ?.tell(done ? "stick_answered" : "stick_refused", done ? "info" : "warning", detail)
      .catch((e: unknown) => {
        log.warn({ err: e }, "no record could be made of it");
      });
  }

  let isSwept = false;
  /** Halves of files that a power cut left. */
  async function sweep(): Promise<void> {
    isSwept = true;
    const names = await readdir(outbox).catch(() => []);
    for (const name of names.filter((one) => one.endsWith(".new")))
      await unlink(join(outbox, name)).catch(() => undefined);
  }

  async function look(unit: AskedUnit | undefined): Promise<void> {
    if (!isSwept) await sweep();
    const asked = await Promise.all(Object.values(REQUESTS).map((name) => readRequest(inbox, name)));
    if (asked.every((one) => one === undefined)) {
      // Who carries it away takes this file away last.
      if (last !== undefined && !last.away && !(await isThere(join(outbox, OUTBOX.unit)))) {
        last = { ...last, sinceMs: nowMs(), away: true };
        sign.show(wasRefused(last.said) ? "refused" : "accepted");
      }
      return;
    }
    last = { said: "", sinceMs: nowMs(), away: false };
    sign.show("reading");
    try {
      const own = unit?.report();
      const [report, records] = asked.map((one) => one && (one.refused ?? whyNotFor(one.units, own?.unit)));
      await clear(outbox);
      await put(outbox, OUTBOX.unit, own?.unit ?? "unconfigured");
      const said = records === undefined ? "" : records || (await exportRecords(unit));
      const wanted = records === undefined ? report : report || records;
      if (wanted === "" || records === "") {
        const words = said === "" ? ["records for HQ: not asked for"] : [`records for HQ: ${said}`];
        const { software, lines } = options;
        await put(outbox, OUTBOX.report, reportText({ unit: unit?.report(), software, records: words, log: lines() }));
      }
      if (records !== undefined) await answer(unit, REQUESTS.records, said);
      if (report !== undefined) await answer(unit, REQUESTS.report, report === "" ? "DONE: report written" : report);
    } catch (e) {
      await clear(outbox).catch(() => undefined);
      const line = `REFUSED: it could not be written: ${e instanceof Error ? e.message : String(e)}`;
      for (const [i, name] of Object.values(REQUESTS).entries())
        if (asked[i] !== undefined) await answer(unit, name, line);
    }
  }

  /** Writes the file of records, and says what is in it; throws when the card does not take it. */
  async function exportRecords(unit: AskedUnit | undefined): Promise<string> {
    if (unit === undefined)
      return "REFUSED: no configuration runs, so no export key of HQ is known; records were not written";
    const fs = await statfs(outbox);
    const room = Math.min(options.maxBytes ?? RECORDS_MAX_BYTES, fs.bavail * fs.bsize - KEPT_FREE_BYTES);
    if (room < 1 << 20) return "REFUSED: the unit's card has no room for a file of records; records were not written";
    const path = join(outbox, OUTBOX.records);
    const file = await open(`${path}.new`, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    let done: Awaited<ReturnType<ExportTo>>;
    try {
      done = await unit.exportTo(room, async (bytes) => {
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
      });
      await file.sync();
    } finally {
      await file.close();
    }
    if ("refused" in done) {
      await unlink(`${path}.new`);
      return `REFUSED: ${done.refused}; records were not written`;
    }
    await rename(`${path}.new`, path);
    const { records, left } = done.ending;
    const signed = done.signed ? "" : ", NOT SIGNED because the unit has no certificate";
    return `DONE: ${records} records written, sealed for HQ${signed}${left > 0 ? `; ${left} had no room` : ""}`;
  }

  return {
    /** Looks whether something was asked, and answers it beside everything else. Never throws, never waits. */
    look(unit: AskedUnit | undefined): void {
      busy ??= look(unit)
        .catch((e: unknown) => log.warn({ err: e }, "a stick could not be answered"))
        .finally(() => {
          busy = undefined;
        });
    },
    /** For the page in the cab; null when nothing was asked for some minutes. A stick may be taken off when it is not `reading`. */
    state(): { readonly state: "reading" | "done" | "refused"; readonly said: string } | null {
      if (last === undefined || nowMs() - last.sinceMs > SHOWN_MS) return null;
      const { said, away } = last;
      return { state: away ? (wasRefused(said) ? "refused" : "done") : "reading", said };
    },
    /** Resolves when nothing is being answered. */
    idle: (): Promise<void> => busy ?? Promise.resolve(),
  };
}
export type Stick = ReturnType<typeof createStick>;

/** A request: the units it names (none: whichever it is), or why it is none. Undefined when there is no such file. */
async function readRequest(
  dir: string,
  name: string,
): Promise<{ readonly units: readonly string[]; readonly refused?: string } | undefined> {
  const path = join(dir, name);
  let found: Awaited<ReturnType<typeof lstat>>;
  try {
    found = await lstat(path);
  } catch {
    return undefined;
  }
  const refuse = (why: string) => ({ units: [], refused: `REFUSED: ${why}` });
  if (!found.isFile() || found.size > REQUEST_MAX_BYTES) return refuse("it is not a plain file of at most 4096 bytes");
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(REQUEST_MAX_BYTES);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      return {
        units: bytes
          .toString("utf8", 0, bytesRead)
          .split(/\s+/)
          .filter((word) => word !== ""),
      };
    } finally {
      await file.close();
    }
  } catch (e) {
    return refuse(`it cannot be read (${e instanceof Error && "code" in e ? String(e.code) : String(e)})`);
  }
}

/** Why a request is not for this unit; empty when it is. */
function whyNotFor(units: readonly string[], own: string | undefined): string {
  if (units.length === 0 || (own !== undefined && units.includes(own))) return "";
  return `REFUSED: it is for ${units.slice(0, 5).join(", ").slice(0, 200)}, this is ${own ?? "a unit without a configuration"}`;
}

const wasRefused = (said: string) => said.startsWith("REFUSED");

const isThere = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  );

async function clear(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const name of await readdir(dir)) await unlink(join(dir, name)).catch(() => undefined);
}

async function put(dir: string, name: string, text: string): Promise<void> {
  await writeFile(join(dir, `${name}.new`), text, { flag: "wx", mode: 0o600, flush: true });
  await rename(join(dir, `${name}.new`), join(dir, name));
}
