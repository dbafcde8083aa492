import { type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Database } from "../hq/ingest/database.ts";
import { type Imported, importFile } from "../hq/ingest/import-file.ts";
import { fileOf, levelOf, Usage } from "./broker-options.ts";

/** More than the longest file that a unit writes. */
const IMPORT_MAX_BYTES = 256 << 20;

/**
 * `swath hq import FILE…`: takes the records of files that units wrote for HQ. 0 when each was taken whole, 1 when one was
 * refused, damaged or could not be committed; the others are taken all the same.
 */
export async function importRecords(
  files: readonly string[],
  values: {
    readonly org?: string | undefined;
    readonly key?: string | undefined;
    readonly ca?: string | undefined;
    readonly unsigned?: boolean | undefined;
    readonly json?: boolean | undefined;
    readonly keyOf: (path: string) => KeyObject;
  },
  openDatabase: () => Database,
  out: { write(text: string): unknown },
): Promise<number> {
  if (files.length === 0) throw new Usage("FILE: expected files of records");
  const org = levelOf(values.org, "--org");
  if (values.key === undefined) throw new Usage("--key is missing: the files are sealed for HQ's export key");
  if ((values.ca === undefined) === (values.unsigned !== true))
    throw new Usage("expected --ca FILE, the authority of the fleet, or --unsigned, one of the two");
  const key = values.keyOf(values.key);
  const authority = values.ca === undefined ? undefined : authorityOf(values.ca);
  const database = openDatabase();
  const say = (file: string, done: object, words: readonly string[]) =>
    out.write(values.json === true ? `${JSON.stringify({ file, ...done })}\n` : `${file}\n${lines(words)}`);
  let isWhole = true;
  try {
    for (const file of files) {
      const bytes = bytesOf(file);
      const done =
        typeof bytes === "string" ? { refused: bytes } : await imported({ database, file: bytes, key, org, authority });
      say(file, done, wordsOf(done));
      isWhole &&= !("refused" in done) && !("failed" in done) && done.damaged.length === 0 && done.ending !== undefined;
    }
  } finally {
    await database.close();
  }
  return isWhole ? 0 : 1;
}

type Done = Awaited<ReturnType<typeof importFile>> | { readonly failed: string };

async function imported(options: Parameters<typeof importFile>[0]): Promise<Done> {
  try {
    return await importFile(options);
  } catch (e) {
    return { failed: e instanceof Error ? e.message : String(e) };
  }
}

function wordsOf(done: Done): string[] {
  if ("refused" in done) return [`REFUSED, nothing was taken: ${done.refused}`];
  if ("failed" in done) return [`FAILED, some of it may have been taken, import it again: ${done.failed}`];
  const { unit, machine, made, signedUntil, records, duplicates, aside, ending, strange } = done;
  const signed = signedUntil === undefined ? "NOT SIGNED" : `signed, certificate until ${signedUntil.slice(0, 10)}`;
  const on = machine === undefined ? "" : ` on ${machine}`;
  return [
    `unit ${unit}${on}, written ${made ?? "at an unknown time"}, ${signed}`,
    ...(ending?.ranges ?? []).map(
      ({ lane, spool, from, to }) => `${lane.padEnd(5)} ${from} to ${to} of spool ${spool}`,
    ),
    `${records} new, ${duplicates} known already, ${aside} put aside${aside > 0 ? " (swath.quarantine)" : ""}`,
    ...(strange > 0 ? [`${strange} parts are of newer software and were not read`] : []),
    ...(ending !== undefined && ending.left > 0
      ? [`${ending.left} more are on the unit: the file had no room for them`]
      : []),
    ...damageOf(done),
  ];
}

function damageOf({ unit, damaged, ending }: Imported): string[] {
  if (damaged.length === 0 && ending !== undefined) return [];
  return [
    ...damaged.map(([from, upTo]) => `DAMAGED: bytes ${from} to ${upTo - 1} of the file do not verify`),
    ...(ending === undefined ? ["DAMAGED: the end of the file is missing"] : []),
    `what was there is still on the unit; which numbers are missing tells swath hq gaps ${unit}`,
  ];
}

const lines = (words: readonly string[]) => words.map((line) => `  ${line}\n`).join("");

function authorityOf(path: string): X509Certificate {
  try {
    return new X509Certificate(fileOf(path, "--ca"));
  } catch (e) {
    if (e instanceof Usage) throw e;
    throw new Usage(`--ca: ${path} is not a certificate in PEM form`);
  }
}

/** The bytes of a file, or why they are not read. */
function bytesOf(path: string): Uint8Array | string {
  try {
    const { size } = statSync(path);
    if (size > IMPORT_MAX_BYTES) return `it has ${size} bytes, at most ${IMPORT_MAX_BYTES} are read`;
    return readFileSync(path);
  } catch (e) {
    return `it cannot be read: ${e instanceof Error ? e.message : String(e)}`;
  }
}
