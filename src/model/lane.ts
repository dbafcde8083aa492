/** Lanes, most important first: an ordered stream of records of one importance. */
export const LANES = ["event", "log", "bulk"] as const;
export type Lane = (typeof LANES)[number];
