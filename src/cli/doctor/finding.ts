/** `ok`: as it should be · `look`: works, but something is coming · `wrong`: must be mended · `unknown`: could not be asked. */
export type Verdict = "ok" | "look" | "wrong" | "unknown";

/** One thing that was looked at. */
export interface Finding {
  /** What was looked at, such as `disk` or `part gnss`. */
  readonly what: string;
  readonly verdict: Verdict;
  /** What was found, in one line. */
  readonly found: string;
  /** What to do about it; absent when nothing needs doing. */
  readonly todo?: string;
}

/** A finding in the order of its parts; `todo` only where it is given. */
export function finding(what: string, verdict: Verdict, found: string, todo?: string): Finding {
  return todo === undefined ? { what, verdict, found } : { what, verdict, found, todo };
}
