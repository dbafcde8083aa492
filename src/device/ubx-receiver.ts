import type { UbxItem } from "../codec/ubx-config.ts";
import { createUbxFramer } from "../codec/ubx-framer.ts";
import { decodeNavPvt, fixOfNavPvt, NAV_PVT, type PvtFix } from "../codec/ubx-nav-pvt.ts";
import { decodeRelPos, NAV_RELPOSNED, type RelPos } from "../codec/ubx-relposned.ts";
import type { ChannelSpec } from "../model/channel.ts";
import { QUALITY } from "../model/quality.ts";
import type { SerialOutput, SerialProtocol } from "./serial-device.ts";
import { createUbxSetup } from "./ubx-setup.ts";

/** The values of a fix that are numbers. */
type FixField = { [K in keyof PvtFix]: PvtFix[K] extends number ? K : never }[keyof PvtFix];

/** What two antennas add to a fix. */
const PAIR_FIELDS = ["headingTrue", "headingAcc", "baseline"] as const;
type PairField = (typeof PAIR_FIELDS)[number];

/** A channel of a u-blox receiver: which value of a fix it carries, or of the pair of antennas. */
export interface UbxChannel extends ChannelSpec {
  readonly field: FixField | PairField;
}
export type UbxTable = Readonly<Record<string, UbxChannel>>;

/** Values that a receiver without a fix cannot have, and whose lack is therefore a fault. */
const PLACE: ReadonlySet<FixField> = new Set(["lat", "lon", "altMsl"]);

/** How two antennas are mounted. */
export interface AntennaPair {
  /** Turns the line from base to rover antenna into the machine's own heading, degrees. */
  readonly offsetDeg: number;
  /** Distance between the antennas by tape, m. */
  readonly baselineM: number;
  readonly toleranceM: number;
}

/** A fix waits so long for the message about the antennas of its epoch (ms). */
const PAIR_WAIT_MS = 150;

const isPairField = (field: FixField | PairField): field is PairField => PAIR_FIELDS.some((f) => f === field);

function qualityOf(field: FixField, fix: PvtFix): number {
  const isPlace = PLACE.has(field);
  if (Number.isNaN(fix[field])) return isPlace && fix.mode < 2 ? QUALITY.missing | QUALITY.fault : QUALITY.missing;
  return isPlace && fix.rtkStale ? QUALITY.stale : 0;
}

/**
 * Each NAV-PVT of an epoch not told before is a scan as of the arrival of its first byte; with `pair` it waits for the
 * NAV-RELPOSNED of its epoch. With `groups` the receiver is set up; without, only heard.
 */
export function ubxProtocol(
  table: UbxTable,
  options: {
    readonly dateFloorMs: number;
    readonly groups: readonly (readonly UbxItem[])[] | undefined;
    readonly pair?: AntennaPair | undefined;
  },
  out: SerialOutput,
): SerialProtocol {
  const fields = Object.values(table).map((channel) => channel.field);
  const { pair } = options;
  const own = { epochs: 0, repeated: 0, rtkStale: 0, invalidLlh: 0, implausibleDate: 0 };
  const antennas = pair === undefined ? undefined : { noHeading: 0, wrongBaseline: 0 };
  /** The fix that waits for its antennas, and the antennas that came before their fix. */
  let waiting: { fix: PvtFix; invalidLlh: boolean; iTowMs: number } | undefined;
  let early: RelPos | undefined;
  let newestITowMs = Number.NaN;
  const setup =
    options.groups === undefined
      ? undefined
      : createUbxSetup({ groups: options.groups, write: out.write, verified: out.verified });
  let nowMs = 0;

  /** The heading of the machine with its quality; anything but a fixed solution over the true baseline is no heading. */
  function putPair(channel: number, field: PairField, pos: RelPos | undefined): void {
    const isFixed = pos?.isValid === true && pos.carrier === 2;
    const isTrue = pos !== undefined && pair !== undefined && Math.abs(pos.lengthM - pair.baselineM) <= pair.toleranceM;
    if (field === "headingTrue" && antennas !== undefined) {
      if (!isFixed) antennas.noHeading++;
      else if (!isTrue) antennas.wrongBaseline++;
    }
    if (pos === undefined || !isFixed) out.put(channel, Number.NaN, QUALITY.missing);
    else if (field === "baseline") out.put(channel, pos.lengthM, isTrue ? 0 : QUALITY.suspect | QUALITY.range);
    else if (!isTrue) out.put(channel, Number.NaN, QUALITY.missing | QUALITY.fault);
    else if (field === "headingAcc") out.put(channel, pos.headingAccDeg, 0);
    else out.put(channel, (pos.headingDeg + (pair?.offsetDeg ?? 0) + 720) % 360, 0);
  }

  function release(pos: RelPos | undefined): void {
    if (waiting === undefined) return;
    const { fix, invalidLlh } = waiting;
    waiting = undefined;
    epoch(fix, invalidLlh, pos);
  }

  function epoch(fix: PvtFix, invalidLlh: boolean, pos: RelPos | undefined): void {
    own.epochs++;
    if (fix.rtkStale) own.rtkStale++;
    if (invalidLlh) own.invalidLlh++;
    if (fix.implausibleDate) own.implausibleDate++;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!;
      if (isPairField(field)) putPair(i, field, pos);
      else out.put(i, fix[field], qualityOf(field, fix));
    }
    if (setup === undefined) out.verified(true);
    out.scan(fix.atMs);
    out.utc(fix.utcMs, fix.atMs);
  }

  const framer = createUbxFramer((cls, id, payload, startedMs) => {
    if (cls === NAV_PVT.cls && id === NAV_PVT.id) {
      const pvt = decodeNavPvt(payload);
      if (pvt === undefined) return;
      release(undefined);
      // The counter of a receiver that hangs stands still.
      if (pvt.iTow === newestITowMs) {
        own.repeated++;
        return;
      }
      newestITowMs = pvt.iTow;
      waiting = {
        fix: fixOfNavPvt(pvt, startedMs, options.dateFloorMs),
        invalidLlh: (pvt.flags3 & 1) !== 0,
        iTowMs: pvt.iTow,
      };
      if (pair === undefined || early?.iTowMs === pvt.iTow) release(early);
      early = undefined;
    } else if (cls === NAV_RELPOSNED.cls && id === NAV_RELPOSNED.id) {
      const pos = pair === undefined ? undefined : decodeRelPos(payload);
      if (pos === undefined) return;
      if (waiting?.iTowMs === pos.iTowMs) release(pos);
      else early = pos;
    } else setup?.frame(cls, id, payload, nowMs);
  });

  return {
    get counters() {
      return { ...framer.counters, ...own, ...antennas, ...setup?.counters };
    },
    take(chunk, atMs) {
      nowMs = atMs;
      framer.push(chunk, atMs);
    },
    reset() {
      framer.reset();
      waiting = undefined;
      early = undefined;
      setup?.stop();
    },
    opened: (atMs) => setup?.begin(atMs),
    get dueMs() {
      const waitMs = waiting === undefined ? Number.POSITIVE_INFINITY : waiting.fix.atMs + PAIR_WAIT_MS;
      return Math.min(setup?.dueMs ?? Number.POSITIVE_INFINITY, waitMs);
    },
    step(atMs) {
      if (waiting !== undefined && atMs >= waiting.fix.atMs + PAIR_WAIT_MS) release(undefined);
      if (setup !== undefined && atMs >= setup.dueMs) setup.step(atMs);
    },
  };
}
