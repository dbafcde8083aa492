import type { WireRecord } from "../model/record.ts";

export type EventRecord = Extract<WireRecord, { kind: "event" }>;
export type OutageRecord = Extract<WireRecord, { kind: "outage" }>;

/** Something received, and when by HQ's own clock (ms since 1970). */
export interface Received<T> {
  readonly body: T;
  readonly atMs: number;
}

/** Entries kept of a list that people read. */
const MAX_LISTED = 100;

/**
 * Puts a record where it belongs, newest first. Records of one boot may overtake each other; between boots the order of
 * arrival is all HQ has.
 */
export function insertNewestFirst<T extends { readonly boot: string; readonly mono: number }>(
  list: Received<T>[],
  body: T,
  atMs: number,
): void {
  let at = 0;
  while (at < list.length && list[at]!.body.boot === body.boot && list[at]!.body.mono > body.mono) at++;
  list.splice(at, 0, { body, atMs });
  if (list.length > MAX_LISTED) list.pop();
}
