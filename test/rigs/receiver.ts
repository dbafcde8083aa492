import { encodeNmea } from "../../src/codec/nmea-encode.ts";
import type { PtyRig } from "./pty.ts";

const START_UTC_MS = Date.UTC(2026, 5, 1, 6);
const STEP_DEG = 1e-6;

/** The fix of epoch `i`: each has a place and a time of its own, so that it is known again wherever it turns up. */
export function epochFix(i: number, periodMs = 100): { lat: number; lon: number; utcMs: number } {
  return { lat: 13.5 + i * STEP_DEG, lon: 103.25, utcMs: START_UTC_MS + i * periodMs };
}

/** Which epoch a latitude names. */
export function epochOf(lat: number): number {
  return Math.round((lat - 13.5) / STEP_DEG);
}

/** The sentences of epoch `i`: GGA, RMC and GSA of a receiver with a 3D fix. */
export function epochText(i: number, periodMs = 100): string {
  const { lat, lon, utcMs } = epochFix(i, periodMs);
  const utc = utcMs % 86_400_000;
  return [
    encodeNmea("GN", "GGA", { utc, lat, lon, quality: 1, satsUsed: 12, hdop: 0.8, altMsl: 14, geoidSep: -14.5 }),
    encodeNmea("GN", "RMC", { utc, status: "A", lat, lon, speedKn: 1, course: 90, date: utcMs, mode: "A" }),
    encodeNmea("GN", "GSA", { selection: "A", mode: 3, pdop: 1.2, hdop: 0.8, vdop: 0.9 }),
  ].join("");
}

/** A receiver that talks into a pty, an epoch every `periodMs`, until it is stopped. */
export function talkInto(pty: PtyRig, periodMs = 100): { readonly told: number; stop(): void } {
  let told = 0;
  const timer = setInterval(() => pty.write(epochText(told++, periodMs)), periodMs);
  return {
    get told() {
      return told;
    },
    stop: () => clearInterval(timer),
  };
}
