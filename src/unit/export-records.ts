import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { encodeMessage, MOST_RECORDS, type Numbered } from "../codec/compact-message.ts";
import { createRecordFile, type RecordFileEnding, type RecordRange, type UnitSigner } from "../codec/record-file.ts";
import { type Descriptor, LANES, type Lane } from "../model/record.ts";
import type { StoredRecord } from "../spool/lane-log.ts";
import type { LaneSpool } from "./lanes.ts";

/** What an export asks of the spool. */
export interface ExportedSpool extends LaneSpool {
  newest(lane: Lane, spoolId?: string): number;
}

export interface ExportOptions {
  readonly spool: ExportedSpool;
  /** Every descriptor that a record may need. */
  readonly descriptors: ReadonlyMap<string, Descriptor>;
  readonly identity: { readonly org: string; readonly unit: string };
  readonly machine: string;
  /** UTC as ISO 8601 with milliseconds, where it is known. */
  readonly made: string | undefined;
  /** HQ's export key, X25519. */
  readonly reader: KeyObject;
  readonly signer: UnitSigner | undefined;
  /** The record of a hole, under its first number. */
  readonly gapBody: (from: number, to: number, reason: string) => object;
}

/** Records read at once; between two reads everything else in the process has its turn. */
const READ_RECORDS = 64;
const READ_BYTES = 64 << 10;
/** Stored bytes up to which records share a message. */
const JOIN_BYTES = 4096;
/** What the end of a file takes, with its ranges and a certificate, at the most. */
const END_BYTES = 256 << 10;

/**
 * Writes all records that are not freed, sealed for HQ: events first, then the log, then captures, as far as `maxBytes` goes.
 * Nothing is freed or marked by it. Records that come meanwhile are not in it. Rejects with what `write` or the spool rejects.
 */
export async function exportRecords(
  options: ExportOptions,
  maxBytes: number,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<RecordFileEnding> {
  const { spool, descriptors, reader, signer, made, machine, gapBody } = options;
  const ephemeral = generateKeyPairSync("x25519").privateKey;
  const time = made === undefined ? {} : { made };
  const file = createRecordFile({ ...options.identity, ...time, machine, reader, ephemeral, signer });
  let room = maxBytes - END_BYTES;
  const put = async (bytes: Uint8Array) => {
    if (bytes.length > 0) await write(bytes);
  };
  const message = async (cls: "desc" | Lane, payload: Uint8Array): Promise<boolean> => {
    if (payload.length > room) return false;
    room -= payload.length + 64;
    await put(file.message({ cls, payload }));
    return true;
  };
  const plan = LANES.flatMap((lane) =>
    spool.spools().map((id) => ({ lane, spool: id, from: spool.first(lane, id), to: spool.newest(lane, id) })),
  ).filter(({ from, to }) => from <= to);
  const ranges: RecordRange[] = [];
  let records = 0;
  let left = 0;
  let isFull = false;

  await put(file.begin());
  for (const [hash, body] of descriptors)
    await message("desc", Buffer.from(JSON.stringify({ v: 1, kind: "desc", hash, body })));
  for (const { lane, spool: id, from, to } of plan) {
    let next = from;
    while (next <= to && !isFull) {
      const read = await spool.read(lane, next, READ_RECORDS, READ_BYTES, id);
      if (read.length === 0) break;
      for (const run of runsOf(read, lane)) {
        const numbered = run.map((record) => numberedOf(record, gapBody));
        isFull = !(await message(
          lane,
          encodeMessage("cbor", id, numbered, (hash) => descriptors.get(hash)),
        ));
        if (isFull) break;
        next = endOf(run.at(-1)!) + 1;
        records += run.length;
      }
      await new Promise((turn) => setImmediate(turn));
    }
    if (next > from) ranges.push({ spool: id, lane, from, to: next - 1 });
    left += Math.max(0, to + 1 - next);
  }
  const ending = { records, left, ranges };
  await put(file.end(ending));
  return ending;
}

const endOf = (record: StoredRecord) => ("gap" in record ? record.gap.to : record.seq);

function numberedOf(record: StoredRecord, gapBody: ExportOptions["gapBody"]): Numbered {
  if (!("gap" in record)) return record;
  const { from, to, reason } = record.gap;
  return { seq: from, body: Buffer.from(JSON.stringify(gapBody(from, to, reason))) };
}

/** Records that go into one message: of the log as many as go into it, else each alone. */
function runsOf(read: readonly StoredRecord[], lane: Lane): StoredRecord[][] {
  const runs: StoredRecord[][] = [];
  let bytes = 0;
  for (const record of read) {
    const size = "gap" in record ? 0 : record.body.length;
    const run = runs.at(-1);
    bytes += size;
    if (lane === "log" && run !== undefined && run.length < MOST_RECORDS && bytes <= JOIN_BYTES) run.push(record);
    else {
      runs.push([record]);
      bytes = size;
    }
  }
  return runs;
}

/** HQ's export key, or why it cannot be used. */
export function readExportKey(file: string | undefined): KeyObject | string {
  if (file === undefined) return "no export key of HQ is set (hq.exportKeyFile)";
  try {
    const pem = readFileSync(file, "utf8");
    if (pem.includes("PRIVATE KEY")) return `${file} is a private key, which stays at HQ: expected the public half`;
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === "x25519"
      ? key
      : `${file} is a key of type ${key.asymmetricKeyType}, expected x25519`;
  } catch (e) {
    return `HQ's export key ${file} cannot be read: ${e instanceof Error ? e.message : String(e)}`;
  }
}

/** The unit's own certificate and key, as the broker knows it; undefined without one that can be used. */
export function signerOf(tls: { readonly cert?: string; readonly key?: string } | undefined): UnitSigner | undefined {
  if (tls?.cert === undefined || tls.key === undefined) return undefined;
  try {
    return { cert: tls.cert, key: createPrivateKey(tls.key) };
  } catch {
    return undefined;
  }
}
