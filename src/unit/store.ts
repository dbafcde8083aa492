import { join } from "node:path";
import type { Logger } from "pino";
import { systemClock } from "../bus/clock.ts";
import { type Encoding, encodeMessage } from "../codec/compact-message.ts";
import { encodeBody } from "../codec/compact-record.ts";
import type { buildDescriptor } from "../config/descriptor.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import type { Lane } from "../model/record.ts";
import type { Clock } from "../model/time.ts";
import { diskFiles } from "../spool/files.ts";
import { openSpool } from "../spool/spool.ts";
import { wireMono } from "./column-batch.ts";
import { openShelf } from "./descriptor-shelf.ts";
import { createLanes } from "./lanes.ts";
import { createRecorder, type TableSpec } from "./recorder.ts";
import { openRunFile } from "./run-file.ts";
import type { Timebase } from "./timebase.ts";

/** Of a long round trip 32 messages of this size fill any link up to 3 Mbit/s; at 10 kbit/s one takes 3 s. */
const JOIN_BYTES = 4096;

/** Stored bytes up to which records of the log share a message. */
export const joinBytesFor = (encoding: Encoding): number => (encoding === "cbor" ? JOIN_BYTES : 0);

/**
 * Everything that is kept on the card: spool, run file and descriptors, with the lanes that read it and the recorder that
 * writes it. Never throws for a disk that is missing or read-only: the spool then keeps records in memory and says so.
 */
export async function openStore(options: {
  readonly config: LoadedConfig;
  readonly clock: Clock;
  readonly boot: string;
  readonly timebase: Timebase;
  readonly descriptor: ReturnType<typeof buildDescriptor>;
  readonly tables: readonly TableSpec[];
  readonly log: Logger;
  /** The spool's state changed. */
  readonly changed: () => void;
  /** A record of so many bytes is about to be stored. */
  readonly storing: (bytes: number) => void;
  /** Everything the sampler sent up to this number is durable. */
  readonly ack: (number: number) => void;
  /** The broker has acknowledged a lane of a spool up to this number; without it that frees the records. */
  readonly sent: ((lane: Lane, upToSeq: number, spoolId: string) => void) | undefined;
}) {
  const { config, clock, boot, timebase, descriptor, log } = options;
  const { dir, maxMb } = config.spool;
  const spool = await openSpool({
    dir,
    files: diskFiles,
    clock: systemClock,
    maxBytes: maxMb * 1e6,
    log: (code, message) => {
      log.warn({ code }, message);
      options.changed();
    },
  });
  const run = await openRunFile({
    path: join(dir, "run.json"),
    failed: (error) => log.warn({ code: "spool/unwritable", err: error }, "the run file cannot be written"),
  });
  const shelf = await openShelf({
    dir: join(dir, "descriptors"),
    files: diskFiles,
    current: descriptor,
    failed: (error) => log.warn({ code: "spool/unwritable", err: error }, "the descriptor cannot be kept"),
  });
  const { encoding } = config.broker;
  const gapBody = (from: number, to: number, reason: string) => {
    const mono = wireMono(clock.monoMs());
    return { v: 1, kind: "gap", boot, mono, ...timebase.stamp(mono), from, to, reason };
  };
  const lanes = createLanes({
    spool,
    message: (records, spoolId) => encodeMessage(encoding, spoolId, records, shelf.get),
    joinBytes: joinBytesFor(encoding),
    closed: options.sent !== undefined,
    sent: options.sent ?? ((lane, upTo, id) => spool.free(lane, upTo, id)),
    gapBody,
  });
  const recorder = createRecorder({
    store: {
      async append(lane, body, how) {
        options.storing(body.length);
        const seq = await spool.append(lane, body, how);
        lanes.appended(lane);
        return seq;
      },
      stage: (rows, stream) => spool.stage(rows, stream),
      flush: () => spool.flush(),
    },
    timebase,
    boot,
    desc: descriptor.hash,
    tables: options.tables,
    rowMs: config.rows.everyMs,
    batchRows: config.rows.batch,
    bodyOf: (draft) => encodeBody(draft, shelf.get),
    ack: options.ack,
    failed: (error) => log.error({ err: error }, "a record could not be stored"),
  });
  return { spool, run, lanes, recorder, descriptors: shelf.all, gapBody };
}
