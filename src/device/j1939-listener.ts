import { DM1_LAMPS, DM1_PGN, type Dtc, readDtcs, readLamp } from "../codec/j1939-dm1.ts";
import { J1939_SIGNALS, type J1939Signal, readJ1939Id, readSignal } from "../codec/j1939-signals.ts";
import { createJ1939Transport } from "../codec/j1939-transport.ts";
import { createSlcanFramer, type SLCAN_COMMANDS } from "../codec/slcan.ts";
import { QUALITY } from "../model/quality.ts";
import type { SerialOutput, SerialProtocol } from "./serial-device.ts";
import type { SlcanDialect } from "./slcan-dialects.ts";
import { createSlcanOpening } from "./slcan-open.ts";

/** A source that has not said a value for so long gives its signal up to another. */
const HOLD_MS = 5000;
/** Control units whose trouble codes are kept, and codes that have a counter of their own. */
const MAX_UNITS = 32;
const MAX_DTCS = 32;

const LAMPS = Object.keys(DM1_LAMPS) as (keyof typeof DM1_LAMPS)[];

/** Names of all channels, in the order of their places: signals, lamps, number of trouble codes. */
export const J1939_CHANNELS = [...Object.keys(J1939_SIGNALS), ...LAMPS, "activeDtcs"];

interface Slot {
  readonly channel: number;
  readonly signal: J1939Signal;
  readonly preferred: number | undefined;
  /** Source address that speaks for this signal, and when it last said a value. */
  owner: number;
  saidMs: number;
}

/** What one control unit last said of its troubles. */
interface Troubles {
  readonly lamps: number[];
  codes: readonly string[];
  atMs: number;
}

/**
 * A machine's bus, heard through an adapter that was opened listen-only; before that nothing is read. Each signal is taken from
 * one source address: the preferred one as soon as it says a value, else the first that does, until it has been silent 5 s.
 */
export function j1939Protocol(
  options: {
    readonly dialect: SlcanDialect;
    readonly rate: keyof typeof SLCAN_COMMANDS;
    readonly prefer: Readonly<Record<string, number | undefined>>;
  },
  out: SerialOutput,
): SerialProtocol {
  const own = { otherSource: 0, remote: 0, standard: 0, early: 0, dm1: 0 };
  const dtcCounters: Record<string, number> = {};
  const groups = new Map<number, Slot[]>();
  for (const [channel, [key, signal]] of Object.entries(J1939_SIGNALS).entries()) {
    const list = groups.get(signal.pgn) ?? [];
    list.push({ channel, signal, preferred: options.prefer[key], owner: -1, saidMs: Number.NEGATIVE_INFINITY });
    groups.set(signal.pgn, list);
  }
  const lampsAt = J1939_CHANNELS.indexOf(LAMPS[0]!);
  const troubles = new Map<number, Troubles>();
  const read = { x: 0, q: 0 };
  let nowMs = 0;

  /** Whether this address speaks for the signal, now that it has said what is in `read`. */
  function speaks(slot: Slot, from: number, atMs: number): boolean {
    const isValue = (read.q & QUALITY.missing) === 0;
    if (slot.owner === from) {
      if (isValue) slot.saidMs = atMs;
      return true;
    }
    const isFree = slot.owner < 0 || atMs - slot.saidMs > HOLD_MS;
    if (!isFree && !(from === slot.preferred && isValue)) return false;
    if (!isValue) return slot.owner < 0 && (slot.preferred === undefined || slot.preferred === from);
    slot.owner = from;
    slot.saidMs = atMs;
    return true;
  }

  function trouble(from: number, data: Uint8Array, length: number, atMs: number): void {
    own.dm1++;
    for (const [unit, { atMs: toldMs }] of troubles) if (atMs - toldMs > HOLD_MS) troubles.delete(unit);
    const before = troubles.get(from);
    if (before === undefined && troubles.size >= MAX_UNITS) return;
    const codes = readDtcs(data, length).map((dtc: Dtc) => `dtc${dtc.spn}fmi${dtc.fmi}`);
    for (const code of codes) {
      if (before?.codes.includes(code)) continue;
      if (code in dtcCounters || Object.keys(dtcCounters).length < MAX_DTCS)
        dtcCounters[code] = (dtcCounters[code] ?? 0) + 1;
    }
    troubles.set(from, { lamps: LAMPS.map((lamp) => readLamp(lamp, data)), codes, atMs });
    let count = 0;
    for (const { codes: list } of troubles.values()) count += list.length;
    for (const [i] of LAMPS.entries()) {
      const said = [...troubles.values()].map(({ lamps }) => lamps[i]!);
      // On if any unit says so; an error counts only where no unit says on or off.
      const x = said.includes(1) ? 1 : said.includes(0) ? 0 : Number.NaN;
      out.put(lampsAt + i, x, Number.isNaN(x) && said.includes(2) ? QUALITY.missing | QUALITY.fault : 0);
    }
    out.put(lampsAt + LAMPS.length, count, 0);
    out.scan(atMs);
  }

  function message(pgn: number, from: number, data: Uint8Array, length: number, atMs: number): void {
    if (pgn === DM1_PGN) {
      trouble(from, data, length, atMs);
      return;
    }
    let some = false;
    for (const slot of groups.get(pgn) ?? []) {
      readSignal(slot.signal, data, length, read);
      if (!speaks(slot, from, atMs)) {
        own.otherSource++;
        continue;
      }
      out.put(slot.channel, read.x, read.q);
      some = true;
    }
    if (some) out.scan(atMs);
    else out.heard(atMs);
  }

  const transport = createJ1939Transport(message);
  const opening = createSlcanOpening({
    dialect: options.dialect,
    rate: options.rate,
    write: out.write,
    refused: out.refuse,
    retry: out.retry,
  });
  const framer = createSlcanFramer(
    (frame) => {
      if (!opening.isOpen) own.early++;
      else if (frame.isRemote) own.remote++;
      else if (!frame.isExtended) own.standard++;
      else {
        const { pgn, from, to } = readJ1939Id(frame.id);
        if (transport.frame(pgn, from, to, frame.data, nowMs)) out.heard(nowMs);
        else message(pgn, from, frame.data, frame.length, nowMs);
      }
    },
    (answer) => {
      const before = opening.isOpen;
      opening.answer(answer, nowMs);
      if (opening.isOpen && !before) out.verified(true);
    },
  );

  return {
    get counters() {
      return { ...framer.counters, ...transport.counters, ...opening.counters, ...own, ...dtcCounters };
    },
    take(chunk, atMs) {
      nowMs = atMs;
      framer.push(chunk);
    },
    reset() {
      framer.reset();
      transport.reset();
      opening.stop();
    },
    opened: (atMs) => opening.begin(atMs),
    get dueMs() {
      return opening.dueMs;
    },
    step: (atMs) => opening.step(atMs),
  };
}
