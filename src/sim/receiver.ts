import type { MemorySerial } from "../bus/memory-serial.ts";
import { encodeNmea } from "../codec/nmea-encode.ts";
import { wander, white } from "./noise.ts";
import type { Scene } from "./scene.ts";

/** Corner of the simulated field: farm land in Banteay Meanchey, no surveyed hazard. */
const ORIGIN = { lat: 13.357613, lon: 103.3020575, altM: 14.3, geoidSepM: -14.5 };
const M_PER_DEG_LAT = 110_640;
const KNOT_MPS = 0.514444;
/** From the epoch to the first byte on the wire. */
const DELAY_MS = 60;
/** Each ten minutes the corrections are late for half a minute and the fix falls back to float. */
const FLOAT_EVERY_S = 600;
const FLOAT_FOR_S = 30;

/** What a receiver on the machine finds at one epoch, under the names of its channels (deg, m, m/s). */
export function receiverEpoch(scene: Scene, seed: number, tS: number) {
  const s = scene.state(tS);
  const isFloat = tS % FLOAT_EVERY_S > FLOAT_EVERY_S - FLOAT_FOR_S;
  const sigmaM = isFloat ? 0.25 : 0.012;
  const i = Math.round(tS * 1000) % 2 ** 31;
  const east = s.east + sigmaM * (0.9 * wander(seed, 60, tS, 20) + 0.2 * white(seed, 61, i));
  const north = s.north + sigmaM * (0.9 * wander(seed, 62, tS, 20) + 0.2 * white(seed, 63, i));
  const cosLat = Math.cos((ORIGIN.lat * Math.PI) / 180);
  return {
    isFloat,
    sigmaM,
    lat: ORIGIN.lat + north / M_PER_DEG_LAT,
    lon: ORIGIN.lon + east / (M_PER_DEG_LAT * 1.00674 * cosLat),
    alt: ORIGIN.altM + sigmaM * 1.6 * wander(seed, 66, tS, 20),
    geoidSep: ORIGIN.geoidSepM,
    fixQuality: isFloat ? 5 : 4,
    satellites: 19 + Math.round(1.2 * wander(seed, 64, tS, 60)),
    hdop: 0.58 + 0.03 * wander(seed, 65, tS, 60),
    pdop: 1.1,
    speed: Math.max(0, s.speedMps + 0.008 * white(seed, 67, i)),
    isMoving: s.speedMps > 0.05,
    course: s.headingDeg,
    heading: (s.headingDeg + 0.25 * wander(seed, 68, tS, 5) + 360) % 360,
    hAcc: sigmaM,
    vAcc: sigmaM * 1.6,
    sAcc: 0.05,
    headAcc: s.speedMps > 0.05 ? 3 : 180,
  };
}

/**
 * A dual-antenna RTK receiver on the machine: GGA RMC GSA GST HDT at `rateHz` with centimetre noise that wanders, a float
 * phase now and then, and the delay a real one has. Steps itself: call `step` at `dueMs`.
 */
export function createSimulatedReceiver(options: {
  readonly scene: Scene;
  readonly seed: number;
  readonly link: MemorySerial;
  /** Mono ms at which the scene began, and UTC at that instant. */
  readonly startMs: number;
  readonly startUtcMs: number;
  readonly rateHz: number;
}) {
  const { scene, seed, link, startMs } = options;
  const periodMs = 1000 / options.rateHz;
  // Epochs fall on whole periods of UTC, as receivers have it.
  let utcMs = Math.ceil(options.startUtcMs / periodMs) * periodMs;

  function sentences(): string {
    const tS = (utcMs - options.startUtcMs) / 1000;
    const e = receiverEpoch(scene, seed, tS);
    const { isFloat, sigmaM, hdop } = e;
    const utc = utcMs % 86_400_000;
    const sigma = { sigmaLat: sigmaM, sigmaLon: sigmaM, sigmaAlt: sigmaM * 1.6 };
    const fix = { utc, lat: e.lat, lon: e.lon };
    return [
      encodeNmea("GN", "GGA", {
        ...fix,
        quality: e.fixQuality,
        satsUsed: e.satellites,
        hdop,
        altMsl: e.alt,
        geoidSep: e.geoidSep,
        diffAge: isFloat ? 12 : 1.1,
        station: 17,
      }),
      encodeNmea("GN", "RMC", {
        ...fix,
        status: "A",
        speedKn: e.speed / KNOT_MPS,
        course: e.isMoving ? e.course : Number.NaN,
        date: utcMs,
        mode: isFloat ? "F" : "R",
        navStatus: "V",
      }),
      encodeNmea("GN", "GSA", { selection: "A", mode: 3, pdop: e.pdop, hdop, vdop: 0.93, system: 1 }),
      encodeNmea("GN", "GST", { utc, rms: sigmaM, ...sigma }),
      encodeNmea("GN", "HDT", { heading: e.heading }),
    ].join("");
  }

  return {
    get dueMs() {
      return startMs + (utcMs - options.startUtcMs) + DELAY_MS;
    },
    step(nowMs: number): void {
      // After a pause only the newest epochs are of use; a receiver does not send old ones.
      while (this.dueMs < nowMs - 2000) utcMs += periodMs;
      link.feed(Buffer.from(sentences(), "latin1"));
      utcMs += periodMs;
    },
  };
}
