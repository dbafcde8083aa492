import type { Lane } from "../model/record.ts";

/** One durable message as it goes on the wire. */
export interface LaneMessage {
  readonly seq: number;
  /** The last number this message speaks for, when it carries several records. Read again, each comes alone. */
  readonly upTo?: number;
  /** The final bytes. A first byte `{` or `[` is JSON, anything else CBOR. */
  readonly body: Uint8Array;
}

/**
 * Where the session reads the lanes from; the unit fits its spool to it. To the session a number is only a place in the
 * order of sending that grows: where numbers begin again (another spool id) the unit maps them, say to
 * generation × 2^40 + seq, and back in `free` and `onPoison`.
 */
export interface LaneSource {
  /**
   * The next messages of a lane, in order: the one that holds `fromSeq`, else the first after it; 0 asks for the oldest
   * there is. At most `maxRecords`, and no more than `maxBytes` except that one message always fits. Empty: nothing yet.
   */
  read(lane: Lane, fromSeq: number, maxRecords: number, maxBytes: number): Promise<readonly LaneMessage[]>;
  /** The broker has acknowledged every message up to this number; whether that frees it is not the session's business. */
  free(lane: Lane, upToSeq: number): void;
  /** Calls back after records became durable. Returns how to stop that. */
  onAppended(callback: (lane: Lane) => void): () => void;
}
