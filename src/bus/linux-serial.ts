import { closeSync, constants, existsSync, openSync, readSync, writeSync } from "node:fs";
import { isatty, ReadStream } from "node:tty";
import { type ErrorCode, SwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { errnoName, linuxErrorCode } from "./linux-errors.ts";
import { SERIAL_CHUNK_MAX, type SerialCounters, type SerialLink, type SerialListener } from "./serial.ts";

/** The part of serialport's binding that is used here: it sets the line up and holds the lock. */
export interface SerialAddon {
  open(options: { path: string; baudRate: number }): Promise<{ fd: number | null; close(): Promise<void> }>;
}

type AddonPort = Awaited<ReturnType<SerialAddon["open"]>>;

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;
const CLOSE_MS = 150;
/** The most that gathers between reads: half of what a tty holds. */
const GATHER_BYTES = 2048;

/**
 * Keeps the port at `path` open at `baud`, 8N1, from `start` to `close`. After any failure it is opened again after 250 ms,
 * doubling to 5 s, and within 250 ms of its name coming back; the name is followed anew each time. `silenceS` (Infinity: never)
 * without a byte closes and reopens it. Without the addon the listener hears `bus/addon` once and nothing more.
 *
 * serialport's binding opens and locks the tty; the bytes are read from it by an epoll stream into one buffer, at a quarter of
 * the cost of serialport's own stream (docs/decisions/0003-serial-reads.md).
 */
export function openLinuxSerial(options: {
  name: string;
  path: string;
  baud: number;
  silenceS: number;
  clock: Clock;
  /** How the addon is found; a parameter because it is native and optional. */
  addon?: () => Promise<SerialAddon>;
}): SerialLink {
  const { name, path, baud, silenceS, clock, addon = loadAddon } = options;
  const counters: SerialCounters = { opens: 0, closes: 0, failedOpens: 0, bytes: 0, silences: 0 };
  const buffer = new Uint8Array(SERIAL_CHUNK_MAX);
  const longestGatherMs = (GATHER_BYTES * 10_000) / baud; // ten bits a byte
  let listener: SerialListener | undefined;
  let port: AddonPort | undefined;
  let reader: ReadStream | undefined;
  let retryTimer: NodeJS.Timeout | undefined;
  let silenceTimer: NodeJS.Timeout | undefined;
  let gathering: NodeJS.Timeout | undefined;
  let retryMs = FIRST_RETRY_MS;
  let heardMs = 0;
  let ended = false;
  let toldDown: ErrorCode | undefined;
  /** The last opening or closing that was begun; the addon does both on a thread. */
  let settling: Promise<void> = Promise.resolve();

  async function tryOpen(): Promise<void> {
    let binding: SerialAddon;
    try {
      binding = await addon();
    } catch (cause) {
      if (!ended) listener?.closed(new SwathError("bus/addon", `${name}: serialport does not load`, cause));
      return;
    }
    let opened: AddonPort | undefined;
    try {
      if (ended) return;
      opened = await binding.open({ path, baudRate: baud });
      if (ended) return await closePort(opened);
      reader = readTty(opened);
      port = opened;
    } catch (cause) {
      if (opened !== undefined) await closePort(opened);
      counters.failedOpens += 1;
      if (!ended) retry(openingError(name, path, cause));
      return;
    }
    counters.opens += 1;
    toldDown = undefined;
    retryMs = FIRST_RETRY_MS;
    heardMs = clock.monoMs();
    if (Number.isFinite(silenceS)) silenceTimer = setInterval(checkSilence, Math.min(1000, (silenceS * 1000) / 4));
    listener?.opened();
  }

  /** Reads the tty of an open port through a descriptor of its own: the stream reopens what it is given, and so loses a lock. */
  function readTty(opened: AddonPort): ReadStream {
    const flags = constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK;
    const fd = openSync(`/proc/self/fd/${opened.fd}`, flags);
    try {
      // A tty stream hands its options on to net.Socket, whose types list `onread` only for connections.
      const intoBuffer = { allowHalfOpen: false, onread: { buffer, callback: take } };
      const stream = new ReadStream(fd, intoBuffer);
      if (descriptorOf(stream) !== fd) closeSync(fd); // the stream has reopened the tty and will close only that
      stream.once("error", (cause) => goDown(opened, lost(cause), false));
      stream.once("end", () => goDown(opened, lost(), false));
      stream.once("close", () => goDown(opened, lost(), false));
      stream.resume();
      return stream;
    } catch (e) {
      closeSync(fd);
      throw e;
    }
  }

  function lost(cause?: unknown): SwathError {
    const why = cause === undefined ? "end of file" : errnoName(cause);
    return new SwathError("bus/closed", `${name}: ${path} hung up: ${why}`, cause);
  }

  function take(length: number): boolean {
    if (port === undefined) return false;
    counters.bytes += length;
    heardMs = clock.monoMs();
    listener?.bytes(buffer.subarray(0, length), heardMs);
    const gatherMs = listener?.gatherMs ?? 0;
    if (gatherMs === 0) return true;
    gathering = setTimeout(readOn, Math.min(gatherMs, longestGatherMs));
    return false; // the stream stops until it is resumed
  }

  /** Reads what has gathered without the event loop, which would wake for the first byte; the stream waits where there is none. */
  function readOn(): void {
    const fd = descriptorOf(reader);
    let length = 0;
    try {
      if (typeof fd === "number") length = readSync(fd, buffer);
    } catch {
      // Nothing there, or the line is gone: the stream finds out which.
    }
    if (length === 0 || take(length)) reader?.resume();
  }

  function checkSilence(): void {
    if (port === undefined || clock.monoMs() - heardMs < silenceS * 1000) return;
    counters.silences += 1;
    goDown(port, new SwathError("bus/timeout", `${name}: nothing came from ${path} for ${silenceS} s`), true);
  }

  /** Ends one opening of the port; says so and opens again, unless the link was closed. */
  function goDown(which: AddonPort, error: SwathError, atOnce: boolean): void {
    if (port !== which) return;
    port = undefined;
    reader?.destroy();
    reader = undefined;
    clearInterval(silenceTimer);
    clearTimeout(gathering);
    counters.closes += 1;
    settling = closePort(which);
    if (ended) return;
    if (atOnce) {
      tellDown(error);
      settling = settling.then(tryOpen);
    } else retry(error);
  }

  /** Says that the link is down and opens it again when the back-off is over, or when an absent name has come back. */
  function retry(error: SwathError): void {
    const dueMs = performance.now() + retryMs;
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    let absent = !existsSync(path);
    const look = (): void => {
      const back = absent && existsSync(path);
      absent ||= !existsSync(path);
      if (!back && performance.now() < dueMs - 1) {
        retryTimer = setTimeout(look, FIRST_RETRY_MS);
        return;
      }
      settling = settling.then(tryOpen);
    };
    retryTimer = setTimeout(look, FIRST_RETRY_MS);
    tellDown(error);
  }

  /** Reopening that fails again and again for one reason is one change of state. */
  function tellDown(error: SwathError): void {
    if (error.code === toldDown) return;
    toldDown = error.code;
    listener?.closed(error);
  }

  return {
    name,
    get isOpen() {
      return port !== undefined;
    },
    counters,
    start(l) {
      if (listener !== undefined || ended) throw new SwathError("internal/bug", `${name}: a link is started once`);
      listener = l;
      settling = tryOpen();
    },
    write(bytes) {
      const which = port;
      if (which?.fd === undefined || which.fd === null) return false;
      try {
        return writeSync(which.fd, bytes) === bytes.length;
      } catch (cause) {
        // A full output buffer is not a failure of the line; anything else is.
        if (linuxErrorCode(cause, "open") !== "bus/busy") setImmediate(() => goDown(which, lost(cause), false));
        return false;
      }
    },
    async close() {
      ended = true;
      clearTimeout(retryTimer);
      if (port !== undefined) goDown(port, lost(), false);
      await Promise.race([settling, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())]);
    },
  };
}

/** The descriptor that a stream reads; Node keeps it on the handle, outside its types. */
function descriptorOf(stream: ReadStream | undefined): unknown {
  const handle: unknown = stream && Reflect.get(stream, "_handle");
  return typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : undefined;
}

async function loadAddon(): Promise<SerialAddon> {
  return (await import("serialport")).SerialPort.binding;
}

/** Closing can fail for a tty that has gone; it is closed all the same. */
async function closePort(port: AddonPort): Promise<void> {
  try {
    await port.close();
  } catch {
    // Nothing is left to do with this descriptor.
  }
}

/** The addon tells why it could not open in words only, so the number is asked for by opening the path again. */
function openingError(name: string, path: string, cause: unknown): SwathError {
  const why = cause instanceof Error ? cause.message : String(cause);
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  } catch (e) {
    return new SwathError(linuxErrorCode(e, "open"), `${name}: cannot open ${path}: ${errnoName(e)}`, cause);
  }
  const tty = isatty(fd);
  closeSync(fd);
  if (!tty) return new SwathError("bus/unsupported", `${name}: ${path} is not a serial port`, cause);
  const code = /lock/i.test(why) ? "bus/busy" : "bus/io";
  return new SwathError(code, `${name}: cannot open ${path}: ${why}`, cause);
}
