const CM_PF = 0xec00;
const DT_PF = 0xeb00;
const RTS = 0x10;
const BAM = 0x20;
const ABORT = 0xff;
/** The longest message: 255 packets of 7. */
const MAX_BYTES = 1785;
const MAX_SESSIONS = 16;
/** Longest pause within a message that the standard allows (ms). */
const PAUSE_MS = 1250;

interface Session {
  readonly pgn: number;
  readonly bytes: number;
  readonly packets: number;
  readonly data: Uint8Array;
  readonly got: Uint8Array;
  count: number;
  lastMs: number;
}

/** Takes a whole message; `data` is valid only during the call. */
export type J1939Listener = (pgn: number, from: number, data: Uint8Array, length: number, atMs: number) => void;

/**
 * Puts messages longer than 8 bytes together, broadcast (BAM) or between two others (RTS/CTS), as a listener who says nothing.
 * A packet may come twice; at most 16 messages are open at once, one of each pair of addresses.
 */
export function createJ1939Transport(onMessage: J1939Listener) {
  const counters = { tpMessages: 0, tpBroken: 0, tpRefused: 0 };
  const sessions = new Map<number, Session>();

  function expire(atMs: number): void {
    for (const [key, session] of sessions) {
      if (atMs - session.lastMs <= PAUSE_MS) continue;
      sessions.delete(key);
      counters.tpBroken++;
    }
  }

  function open(key: number, data: Uint8Array, atMs: number): void {
    const bytes = data[1]! | (data[2]! << 8);
    const packets = data[3]!;
    expire(atMs);
    if (sessions.delete(key)) counters.tpBroken++;
    if (bytes < 9 || bytes > MAX_BYTES || packets !== Math.ceil(bytes / 7) || sessions.size >= MAX_SESSIONS) {
      counters.tpRefused++;
      return;
    }
    const pgn = data[5]! | (data[6]! << 8) | ((data[7]! & 3) << 16);
    const room = new Uint8Array(packets * 7);
    sessions.set(key, { pgn, bytes, packets, data: room, got: new Uint8Array(packets), count: 0, lastMs: atMs });
  }

  function packet(key: number, from: number, data: Uint8Array, atMs: number): void {
    expire(atMs);
    const session = sessions.get(key);
    const at = data[0]! - 1;
    if (session === undefined || at < 0 || at >= session.packets) return;
    session.lastMs = atMs;
    session.data.set(data.subarray(1, 8), at * 7);
    if (session.got[at] === 0) session.count++;
    session.got[at] = 1;
    if (session.count < session.packets) return;
    sessions.delete(key);
    counters.tpMessages++;
    onMessage(session.pgn, from, session.data, session.bytes, atMs);
  }

  return {
    counters: counters as Readonly<typeof counters>,
    /** Takes a frame; true when it belongs to the transport protocol. */
    frame(pgn: number, from: number, to: number, data: Uint8Array, atMs: number): boolean {
      const key = from * 256 + to;
      if (pgn === DT_PF) packet(key, from, data, atMs);
      else if (pgn === CM_PF) {
        if (data[0] === BAM || data[0] === RTS) open(key, data, atMs);
        else if (data[0] === ABORT && (sessions.delete(key) || sessions.delete(to * 256 + from))) counters.tpBroken++;
      } else return false;
      return true;
    },
    reset(): void {
      sessions.clear();
    },
  };
}
