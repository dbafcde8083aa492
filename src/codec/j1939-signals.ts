import { QUALITY } from "../model/quality.ts";
import type { Unit } from "../model/units.ts";

/** One signal of a parameter group: where it lies (bytes from 1), what a count is worth, and what can be true of it. */
export interface J1939Signal {
  readonly spn: number;
  readonly pgn: number;
  readonly byte: number;
  readonly bytes: 1 | 2 | 4;
  readonly scale: number;
  readonly offset: number;
  readonly unit: Unit;
  readonly label: string;
  readonly plausible: readonly [number, number];
}

type Row = readonly [
  spn: number,
  pgn: number,
  byte: number,
  bytes: 1 | 2 | 4,
  scale: number,
  offset: number,
  unit: Unit,
  label: string,
  lo: number,
  hi: number,
];

const KMH = 1 / 3.6;
const T16 = 0.03125;

/** Source: SAE J1939 digital annex as in ETI j1939-84; checked against pretty_j1939 and J1939-Framework. */
const ROWS: Readonly<Record<string, Row>> = {
  engineSpeed: [190, 61444, 4, 2, 0.125, 0, "rpm", "Engine speed", 0, 8000],
  driverTorque: [512, 61444, 2, 1, 1, -125, "%", "Torque demanded by driver", -125, 125],
  engineTorque: [513, 61444, 3, 1, 1, -125, "%", "Engine torque", -125, 125],
  pedal: [91, 61443, 2, 1, 0.4, 0, "%", "Accelerator pedal", 0, 100],
  engineLoad: [92, 61443, 3, 1, 1, 0, "%", "Engine load at current speed", 0, 125],
  coolantTemp: [110, 65262, 1, 1, 1, -40, "Cel", "Coolant temperature", -40, 150],
  fuelTemp: [174, 65262, 2, 1, 1, -40, "Cel", "Fuel temperature", -40, 150],
  oilTemp: [175, 65262, 3, 2, T16, -273, "Cel", "Engine oil temperature", -60, 200],
  fuelPressure: [94, 65263, 1, 1, 4, 0, "kPa", "Fuel delivery pressure", 0, 1000],
  oilLevel: [98, 65263, 3, 1, 0.4, 0, "%", "Engine oil level", 0, 100],
  oilPressure: [100, 65263, 4, 1, 4, 0, "kPa", "Engine oil pressure", 0, 1000],
  coolantPressure: [109, 65263, 7, 1, 2, 0, "kPa", "Coolant pressure", 0, 500],
  coolantLevel: [111, 65263, 8, 1, 0.4, 0, "%", "Coolant level", 0, 100],
  engineHours: [247, 65253, 1, 4, 0.05, 0, "h", "Engine hours", 0, 200_000],
  fuelRate: [183, 65266, 1, 2, 0.05, 0, "L/h", "Fuel rate", 0, 400],
  tripFuel: [182, 65257, 1, 4, 0.5, 0, "L", "Trip fuel", 0, 1e7],
  totalFuel: [250, 65257, 5, 4, 0.5, 0, "L", "Total fuel", 0, 1e7],
  fuelLevel: [96, 65276, 2, 1, 0.4, 0, "%", "Fuel level", 0, 100],
  batteryCurrent: [114, 65271, 1, 1, 1, -125, "A", "Net battery current", -125, 125],
  alternatorCurrent: [115, 65271, 2, 1, 1, 0, "A", "Alternator current", 0, 250],
  chargingVoltage: [167, 65271, 3, 2, 0.05, 0, "V", "Charging voltage", 0, 60],
  batteryVoltage: [168, 65271, 5, 2, 0.05, 0, "V", "Battery voltage", 0, 60],
  keyVoltage: [158, 65271, 7, 2, 0.05, 0, "V", "Key switch voltage", 0, 60],
  groundSpeed: [84, 65265, 2, 2, KMH / 256, 0, "m/s", "Wheel-based speed", 0, 45],
  barometer: [108, 65269, 1, 1, 0.5, 0, "kPa", "Barometric pressure", 50, 115],
  ambientTemp: [171, 65269, 4, 2, T16, -273, "Cel", "Ambient temperature", -60, 80],
  intakeTemp: [172, 65269, 6, 1, 1, -40, "Cel", "Air intake temperature", -40, 150],
  boostPressure: [102, 65270, 2, 1, 2, 0, "kPa", "Boost pressure", 0, 500],
  airFilterDrop: [107, 65270, 5, 1, 0.05, 0, "kPa", "Air filter differential pressure", 0, 12.5],
  exhaustTemp: [173, 65270, 6, 2, T16, -273, "Cel", "Exhaust gas temperature", -60, 1200],
  transmissionTemp: [177, 65272, 5, 2, T16, -273, "Cel", "Transmission oil temperature", -60, 200],
  hydraulicTemp: [1638, 65128, 1, 1, 1, -40, "Cel", "Hydraulic oil temperature", -40, 150],
  hydraulicLevel: [2602, 65128, 3, 1, 0.4, 0, "%", "Hydraulic oil level", 0, 100],
  hydraulicPressure: [1762, 61448, 1, 2, 2, 0, "kPa", "Hydraulic pressure", 0, 60_000],
  ptoOilTemp: [90, 65264, 1, 1, 1, -40, "Cel", "PTO oil temperature", -40, 200],
  ptoSpeed: [186, 65264, 2, 2, 0.125, 0, "rpm", "PTO speed", 0, 8000],
  ptoSetSpeed: [187, 65264, 4, 2, 0.125, 0, "rpm", "PTO set speed", 0, 8000],
};

/** Every signal read, by the name of its channel. */
export const J1939_SIGNALS: Readonly<Record<string, J1939Signal>> = Object.fromEntries(
  Object.entries(ROWS).map(([key, [spn, pgn, byte, bytes, scale, offset, unit, label, lo, hi]]) => [
    key,
    { spn, pgn, byte, bytes, scale, offset, unit, label, plausible: [lo, hi] },
  ]),
);

/** Lowest top byte that is no number: FB parameter-specific, FC and FD reserved, FE error, FF not available. */
const SPECIAL = 0xfb;
const ERROR = 0xfe;

/**
 * Writes value and quality of a signal into `into` (x, q). By its most significant byte a value is not available (missing), an
 * error (missing and fault), or a number, which is suspect outside what can be true.
 */
export function readSignal(s: J1939Signal, data: Uint8Array, length: number, into: { x: number; q: number }): void {
  into.x = Number.NaN;
  into.q = QUALITY.missing;
  const at = s.byte - 1;
  if (at + s.bytes > length) return;
  const top = data[at + s.bytes - 1]!;
  if (top >= SPECIAL) {
    if (top === ERROR) into.q |= QUALITY.fault;
    return;
  }
  let raw = 0;
  for (let i = s.bytes - 1; i >= 0; i--) raw = raw * 256 + data[at + i]!;
  into.x = raw * s.scale + s.offset;
  into.q = into.x < s.plausible[0] || into.x > s.plausible[1] ? QUALITY.suspect | QUALITY.range : 0;
}

/** Writes a value into the data of its group; NaN as not available. The inverse of `readSignal`. */
export function writeSignal(s: J1939Signal, x: number, data: Uint8Array): void {
  const raw = Math.round((x - s.offset) / s.scale);
  for (let i = 0; i < s.bytes; i++) data[s.byte - 1 + i] = Number.isNaN(x) ? 0xff : Math.floor(raw / 256 ** i) & 0xff;
}

/** Parameter group and source address of a 29-bit identifier; `to` is 255 for a broadcast. */
export function readJ1939Id(id: number): { pgn: number; from: number; to: number } {
  const pf = (id >>> 16) & 0xff;
  const ps = (id >>> 8) & 0xff;
  const page = (id >>> 24) & 3;
  return { pgn: page * 0x10000 + pf * 256 + (pf < 240 ? 0 : ps), from: id & 0xff, to: pf < 240 ? ps : 255 };
}
