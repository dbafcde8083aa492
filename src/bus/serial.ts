import type { SwathError } from "../model/errors.ts";

/** What a serial link counts. */
export interface SerialCounters {
  opens: number;
  closes: number;
  failedOpens: number;
  bytes: number;
  /** Times the no-data watchdog closed and reopened the port. */
  silences: number;
}

/** What a serial link reports to its one listener, which must not throw. Bytes are valid only during the call. */
export interface SerialListener {
  bytes(chunk: Uint8Array, monoMs: number): void;
  opened(): void;
  /** The link is down, or down for another reason than before, and is being reopened with back-off until `close`. */
  closed(error: SwathError): void;
  /**
   * Bytes may gather this long before the next read, in ms (0 or none: they come as they arrive); asked at each read. For
   * samples that are timed by their count: a wake-up costs more than what it reads. A hint; a link may not heed it.
   */
  readonly gatherMs?: number;
}

/**
 * A serial port by a stable name (`/dev/serial/by-id/…`), kept open: reopened with back-off after any failure, closed and
 * reopened when it has been silent for too long. Reads are bounded. After `close` the listener hears nothing more.
 */
export interface SerialLink {
  readonly name: string;
  readonly isOpen: boolean;
  readonly counters: Readonly<SerialCounters>;
  start(listener: SerialListener): void;
  /** Sends bytes when open; false when the link is down. Used for receivers that are set up, never on a machine's bus. */
  write(bytes: Uint8Array): boolean;
  close(): Promise<void>;
}

/** The highest number of bytes in one call of the listener. */
export const SERIAL_CHUNK_MAX = 4096;
