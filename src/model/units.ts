/**
 * The closed list of units: SI written as UCUM codes, with the field's exceptions (rpm, deg, h, L) named here and nowhere
 * else. `quantity` groups units that measure the same thing; a filter or a limit may only be applied within one quantity.
 */
export const UNITS = {
  "1": { quantity: "count", label: "" },
  "%": { quantity: "ratio", label: "%" },
  m: { quantity: "length", label: "m" },
  m2: { quantity: "area", label: "m²" },
  "m/s": { quantity: "speed", label: "m/s" },
  "m/s2": { quantity: "acceleration", label: "m/s²" },
  deg: { quantity: "angle", label: "°" },
  "deg/s": { quantity: "angular-rate", label: "°/s" },
  rpm: { quantity: "rotation", label: "rpm" },
  Hz: { quantity: "frequency", label: "Hz" },
  Cel: { quantity: "temperature", label: "°C" },
  Pa: { quantity: "pressure", label: "Pa" },
  kPa: { quantity: "pressure", label: "kPa" },
  V: { quantity: "voltage", label: "V" },
  A: { quantity: "current", label: "A" },
  Ohm: { quantity: "resistance", label: "Ω" },
  W: { quantity: "power", label: "W" },
  J: { quantity: "energy", label: "J" },
  C: { quantity: "charge", label: "C" },
  ms: { quantity: "duration", label: "ms" },
  s: { quantity: "duration", label: "s" },
  h: { quantity: "duration", label: "h" },
  L: { quantity: "volume", label: "L" },
  "L/h": { quantity: "volume-rate", label: "L/h" },
} as const;

/** A UCUM code from the closed list. */
export type Unit = keyof typeof UNITS;

/** Every unit code, for schemas and generated references. */
export const UNIT_CODES = Object.keys(UNITS) as [Unit, ...Unit[]];
