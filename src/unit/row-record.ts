import type { Draft } from "../model/record.ts";
import type { Columns } from "./column-batch.ts";
import type { Stamp } from "./timebase.ts";

/** Columns as the draft of a record of their kind. `rowMs` is the spacing of a single row; more rows have their own. */
export function draftOf(
  kind: "telemetry" | "track",
  { mono, n, at, c, q }: Columns,
  of: { readonly boot: string; readonly desc: string; readonly rowMs: number; readonly stamp: Stamp },
): Draft {
  const { boot, desc, stamp } = of;
  const base = { v: 1 as const, boot, mono, ...stamp, desc, n, c, ...(q === undefined ? {} : { q }) };
  return kind === "telemetry" ? { ...base, kind, dt: at[1] ?? of.rowMs } : { ...base, kind, at };
}
