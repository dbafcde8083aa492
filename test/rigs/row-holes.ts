/** Rows that are missing, in ms of mono. */
export interface Hole {
  readonly from: number;
  readonly to: number;
}

/** Where rows of the even grid are missing between records of one boot, which are in their order. */
export function holesIn(
  records: readonly { readonly mono: number; readonly n: number; readonly dt: number }[],
): Hole[] {
  return records
    .slice(1)
    .map((next, i) => ({ from: records[i]!.mono + records[i]!.n * records[i]!.dt, to: next.mono, dt: next.dt }))
    .filter(({ from, to, dt }) => to - from > dt / 2)
    .map(({ from, to }) => ({ from, to }));
}
