import { SwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { SERIAL_CHUNK_MAX, type SerialCounters, type SerialLink, type SerialListener } from "./serial.ts";

export interface MemorySerial extends SerialLink {
  /** Bytes from the other end; lost when the link is down, as on a wire. */
  feed(bytes: Uint8Array): void;
  /** Pulls the cable out. */
  pull(): void;
  /** Plugs it in again. */
  plug(): void;
  /** The other end takes what is written from now on; it is then not kept for `written`. */
  onWrite(listener: (bytes: Uint8Array) => void): void;
  /** All bytes written so far. */
  written(): Uint8Array;
}

/** A serial port made of memory. Plugged in from the start; everything happens inside the call that causes it. */
export function createMemorySerial(options: { name: string; clock: Clock }): MemorySerial {
  const { name, clock } = options;
  const counters: SerialCounters = { opens: 0, closes: 0, failedOpens: 0, bytes: 0, silences: 0 };
  const sent: number[] = [];
  let listener: SerialListener | undefined;
  let farEnd: ((bytes: Uint8Array) => void) | undefined;
  let plugged = true;
  let open = false;
  let ended = false;

  function tryOpen(): void {
    if (listener === undefined || open || ended || !plugged) return;
    open = true;
    counters.opens += 1;
    listener.opened();
  }

  function goDown(reason: string): void {
    if (!open) return;
    open = false;
    counters.closes += 1;
    listener?.closed(new SwathError("bus/closed", `${name}: ${reason}`));
  }

  return {
    name,
    get isOpen() {
      return open;
    },
    counters,
    start(l) {
      if (listener !== undefined || ended) throw new SwathError("internal/bug", `${name}: a link is started once`);
      listener = l;
      tryOpen();
    },
    write(bytes) {
      if (!open) return false;
      if (farEnd !== undefined) farEnd(bytes);
      else for (const byte of bytes) sent.push(byte);
      return true;
    },
    close() {
      ended = true;
      if (open) counters.closes += 1;
      open = false;
      return Promise.resolve();
    },
    feed(bytes) {
      for (let at = 0; at < bytes.length && open; at += SERIAL_CHUNK_MAX) {
        const chunk = bytes.subarray(at, at + SERIAL_CHUNK_MAX);
        counters.bytes += chunk.length;
        listener?.bytes(chunk, clock.monoMs());
      }
    },
    pull() {
      plugged = false;
      goDown("the cable was pulled");
    },
    plug() {
      plugged = true;
      tryOpen();
    },
    onWrite(to) {
      farEnd = to;
    },
    written: () => Uint8Array.from(sent),
  };
}
