import type { UbxItem } from "../codec/ubx-config.ts";
import { createUbxFramer } from "../codec/ubx-framer.ts";
import { decodeNavPvt, fixOfNavPvt, NAV_PVT, type PvtFix } from "../codec/ubx-nav-pvt.ts";
import type { ChannelSpec } from "../model/channel.ts";
import { QUALITY } from "../model/quality.ts";
import type { SerialOutput, SerialProtocol } from "./serial-device.ts";
import { createUbxSetup } from "./ubx-setup.ts";

/** The values of a fix that are numbers. */
type FixField = { [K in keyof PvtFix]: PvtFix[K] extends number ? K : never }[keyof PvtFix];

/** A channel of a u-blox receiver: which value of a fix it carries. */
export interface UbxChannel extends ChannelSpec {
  readonly field: FixField;
}
export type UbxTable = Readonly<Record<string, UbxChannel>>;

/** Values that a receiver without a fix cannot have, and whose lack is therefore a fault. */
const PLACE: ReadonlySet<FixField> = new Set(["lat", "lon", "altMsl"]);

function qualityOf(field: FixField, fix: PvtFix): number {
  const isPlace = PLACE.has(field);
  if (Number.isNaN(fix[field])) return isPlace && fix.mode < 2 ? QUALITY.missing | QUALITY.fault : QUALITY.missing;
  return isPlace && fix.rtkStale ? QUALITY.stale : 0;
}

/** Each NAV-PVT is a scan as of the arrival of its first byte. With `groups` the receiver is set up; without, only heard. */
export function ubxProtocol(
  table: UbxTable,
  options: { readonly dateFloorMs: number; readonly groups: readonly (readonly UbxItem[])[] | undefined },
  out: SerialOutput,
): SerialProtocol {
  const fields = Object.values(table).map((channel) => channel.field);
  const own = { epochs: 0, rtkStale: 0, invalidLlh: 0, implausibleDate: 0 };
  const setup =
    options.groups === undefined
      ? undefined
      : createUbxSetup({ groups: options.groups, write: out.write, done: () => out.verified("readback") });
  let nowMs = 0;

  function epoch(fix: PvtFix, invalidLlh: boolean): void {
    own.epochs++;
    if (fix.rtkStale) own.rtkStale++;
    if (invalidLlh) own.invalidLlh++;
    if (fix.implausibleDate) own.implausibleDate++;
    for (let i = 0; i < fields.length; i++) out.put(i, fix[fields[i]!], qualityOf(fields[i]!, fix));
    if (setup === undefined) out.verified("sentences");
    out.scan(fix.atMs);
    out.utc(fix.utcMs, fix.atMs);
  }

  const framer = createUbxFramer((cls, id, payload, startedMs) => {
    if (cls === NAV_PVT.cls && id === NAV_PVT.id) {
      const pvt = decodeNavPvt(payload);
      if (pvt !== undefined) epoch(fixOfNavPvt(pvt, startedMs, options.dateFloorMs), (pvt.flags3 & 1) !== 0);
    } else setup?.frame(cls, id, payload, nowMs);
  });

  return {
    get counters() {
      return { ...framer.counters, ...own, ...setup?.counters };
    },
    take(chunk, atMs) {
      nowMs = atMs;
      framer.push(chunk, atMs);
    },
    reset() {
      framer.reset();
      setup?.stop();
    },
    opened: (atMs) => setup?.begin(atMs),
    get dueMs() {
      return setup?.dueMs ?? Number.POSITIVE_INFINITY;
    },
    step: (atMs) => setup?.step(atMs),
  };
}
