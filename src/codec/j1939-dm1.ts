export const DM1_PGN = 65226;

/** The lamps of DM1, by the lowest bit of each in byte 1: 0 off, 1 on, 2 error, 3 not available. */
export const DM1_LAMPS = { protectLamp: 0, amberLamp: 2, redLamp: 4, milLamp: 6 } as const;

/** One active trouble code. */
export interface Dtc {
  readonly spn: number;
  readonly fmi: number;
  readonly occurrences: number;
}

/** State of one lamp, 0 to 3. */
export function readLamp(lamp: keyof typeof DM1_LAMPS, data: Uint8Array): number {
  return ((data[0] ?? 0xff) >> DM1_LAMPS[lamp]) & 3;
}

/** The trouble codes of a DM1 of any length; what stands for none is left out. */
export function readDtcs(data: Uint8Array, length: number): Dtc[] {
  const list: Dtc[] = [];
  for (let at = 2; at + 4 <= length; at += 4) {
    const [b0, b1, b2, b3] = [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!];
    const spn = b0 | (b1 << 8) | ((b2 & 0xe0) << 11);
    if (spn !== 0 && spn !== 0x7ffff) list.push({ spn, fmi: b2 & 0x1f, occurrences: b3 & 0x7f });
  }
  return list;
}
