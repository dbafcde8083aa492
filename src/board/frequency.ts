/** The frequency feature of ConfigurableFirmata: its command, and the mode of a pin that has it. */
export const FREQUENCY = { command: 0x7d, query: 1, report: 2, mode: 0x10 } as const;
const EDGES = { rising: 3, falling: 4 } as const;

/** The message that makes a pin count pulses and report every `everyMs` (14 bits). */
export function frequencyQuery(pin: number, edge: keyof typeof EDGES, everyMs: number): number[] {
  return [FREQUENCY.command, FREQUENCY.query, pin, EDGES[edge], everyMs & 0x7f, (everyMs >> 7) & 0x7f];
}

/** 32 bits in five groups of seven, lowest first. */
function packed(bytes: readonly number[], at: number): number {
  let value = 0;
  for (let i = 4; i >= 0; i--) value = value * 128 + (bytes[at + i]! & 0x7f);
  return value % 4_294_967_296;
}

/** The body of a report: the board's clock in ms and the pulses so far, both modulo 2³². Undefined for anything else. */
export function decodeFrequency(bytes: readonly number[]): { pin: number; ms: number; ticks: number } | undefined {
  if (bytes[0] !== FREQUENCY.report || bytes.length !== 12) return undefined;
  return { pin: bytes[1]!, ms: packed(bytes, 2), ticks: packed(bytes, 7) };
}
