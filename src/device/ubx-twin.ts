import {
  decodeItems,
  decodeKeys,
  encodeValues,
  UBX_ACK,
  UBX_CFG,
  UBX_MON_VER,
  type UbxItem,
} from "../codec/ubx-config.ts";
import { createUbxFramer, encodeUbx } from "../codec/ubx-framer.ts";
import { encodeNavPvt, NAV_PVT } from "../codec/ubx-nav-pvt.ts";
import { encodeRelPos, NAV_RELPOSNED } from "../codec/ubx-relposned.ts";
import type { SerialTwin, SerialTwinSpec } from "./serial-device.ts";
import type { AntennaPair } from "./ubx-receiver.ts";

/** From the epoch to the first byte on the wire. */
const DELAY_MS = 60;
const WEEK_MS = 604_800_000;
const VERSION = "EXT CORE 1.00 (0fa0ae)";

/**
 * A receiver that sends NAV-PVT each epoch with what the scene knows, answers MON-VER, acknowledges VALSET and answers
 * VALGET with what was set. `settings` are those in force before anything is set.
 */
export function ubxTwin(
  spec: SerialTwinSpec,
  options: { readonly epochMs: number; settings?: readonly UbxItem[]; readonly pair?: AntennaPair | undefined },
) {
  const { epochMs } = options;
  const settings = new Map<number, number>();
  let dueMs = spec.startMs + DELAY_MS;
  /** Answers go out at the next step: a wire never answers inside the call that writes. */
  const answers: Uint8Array[] = [];
  function powerCycle(): void {
    settings.clear();
    for (const { key, value } of options.settings ?? []) settings.set(key, value);
  }
  powerCycle();

  function answer(cls: number, ofId: number, good: boolean): void {
    answers.push(encodeUbx(UBX_ACK.cls, good ? UBX_ACK.ack : UBX_ACK.nak, Uint8Array.from([cls, ofId])));
  }

  const framer = createUbxFramer((cls, id, payload) => {
    if (cls === UBX_MON_VER.cls && id === UBX_MON_VER.id) {
      const version = new Uint8Array(40);
      version.set(Uint8Array.from(VERSION, (ch) => ch.charCodeAt(0)));
      answers.push(encodeUbx(cls, id, version));
    } else if (cls === UBX_CFG.cls && id === UBX_CFG.valset) {
      for (const { key, value } of decodeItems(payload)) settings.set(key, value);
      answer(cls, id, true);
    } else if (cls === UBX_CFG.cls && id === UBX_CFG.valget) {
      const keys = decodeKeys(payload);
      const known = keys.every((key) => settings.has(key));
      if (known) answers.push(encodeValues(keys.map((key) => ({ key, value: settings.get(key)! }))));
      answer(cls, id, known);
    }
  });

  /** Time of week, ms; a twin without UTC counts on from its start. */
  const iTowOf = (tMs: number) => Math.round(spec.value("utc", tMs) ?? tMs) % WEEK_MS;

  function relPos(tMs: number, { offsetDeg, baselineM }: AntennaPair): Uint8Array {
    const heading = spec.value("headingTrue", tMs);
    return encodeRelPos({
      iTowMs: iTowOf(tMs),
      lengthM: spec.value("baseline", tMs) ?? baselineM,
      headingDeg: ((heading ?? 0) - offsetDeg + 720) % 360,
      headingAccDeg: spec.value("headingAcc", tMs) ?? 0.2,
      carrier: heading === undefined ? 0 : 2,
      isValid: heading !== undefined,
    });
  }

  function pvt(tMs: number): Uint8Array {
    const of = (key: string) => spec.value(key, tMs) ?? 0;
    const utc = new Date(of("utc"));
    const quality = of("fixQuality");
    const altMsl = of("alt");
    return encodeNavPvt({
      iTow: iTowOf(tMs),
      year: utc.getUTCFullYear(),
      month: utc.getUTCMonth() + 1,
      day: utc.getUTCDate(),
      hour: utc.getUTCHours(),
      minute: utc.getUTCMinutes(),
      second: utc.getUTCSeconds(),
      nano: utc.getUTCMilliseconds() * 1e6,
      valid: spec.value("utc", tMs) === undefined ? 0 : 7,
      tAccNs: 30,
      fixType: quality === 0 ? 0 : 3,
      flags: quality === 0 ? 0 : 1 | (quality > 1 ? 2 : 0) | (quality === 4 ? 0x80 : quality === 5 ? 0x40 : 0),
      satsUsed: of("satellites"),
      lat: of("lat"),
      lon: of("lon"),
      altMsl,
      height: altMsl + of("geoidSep"),
      hAcc: of("hAcc"),
      vAcc: of("vAcc"),
      speed: of("speed"),
      course: of("course"),
      sAcc: of("sAcc"),
      headAcc: of("headAcc"),
      pdop: of("pdop"),
      flags3: quality > 3 ? 2 << 1 : 0,
    });
  }

  const twin: SerialTwin & { powerCycle(): void } = {
    get dueMs() {
      return answers.length > 0 ? Number.NEGATIVE_INFINITY : dueMs;
    },
    step(nowMs) {
      for (const answer of answers.splice(0)) spec.send(answer);
      if (nowMs < dueMs) return;
      while (dueMs < nowMs - 2000) dueMs += epochMs;
      spec.send(encodeUbx(NAV_PVT.cls, NAV_PVT.id, pvt(dueMs - DELAY_MS)));
      if (options.pair !== undefined)
        spec.send(encodeUbx(NAV_RELPOSNED.cls, NAV_RELPOSNED.id, relPos(dueMs - DELAY_MS, options.pair)));
      dueMs += epochMs;
    },
    hears: (bytes) => framer.push(bytes, 0),
    powerCycle,
  };
  return twin;
}
