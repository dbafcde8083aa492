import type { MarkKind, Verdict } from "../model/operator.ts";

/** An operator speaks of what just happened: a candidate older than this (ms) must be named. */
const RECENT_MS = 600_000;
const KEPT = 64;

/** A candidate, by the instant of its event in this boot. */
interface Candidate {
  readonly mono: number;
  judged: boolean;
}

/**
 * Which detonation candidate a person means: the one that is named, or the newest of the last ten minutes that nobody has
 * judged. Only candidates of this boot are known; one of an earlier boot must be named with it.
 */
export function createVerdicts(boot: string) {
  const candidates: Candidate[] = [];
  const newestOpen = (monoMs: number) =>
    candidates.findLast((c) => !c.judged && c.mono <= monoMs && monoMs - c.mono <= RECENT_MS);

  return {
    /** A candidate's event was recorded. */
    candidate(mono: number): void {
      candidates.push({ mono, judged: false });
      if (candidates.length > KEPT) candidates.shift();
    },
    /** When the candidate was that a person would judge now, in ms of this boot. */
    open: (monoMs: number): number | undefined => newestOpen(monoMs)?.mono,
    /** The candidate that is judged now; undefined when there is none to judge. */
    judge(
      monoMs: number,
      of?: { readonly boot: string; readonly mono: number },
    ): { ofBoot: string; ofMono: number } | undefined {
      if (of !== undefined) {
        const known = of.boot === boot ? candidates.find((c) => c.mono === of.mono) : undefined;
        if (known !== undefined) known.judged = true;
        return { ofBoot: of.boot, ofMono: of.mono };
      }
      const newest = newestOpen(monoMs);
      if (newest === undefined) return undefined;
      newest.judged = true;
      return { ofBoot: boot, ofMono: newest.mono };
    },
  };
}

/** What a mark says about a candidate: a person who marks a detonation confirms it, one who says it was none rejects it. */
export function verdictOf(kind: MarkKind): Verdict | undefined {
  if (kind === "detonation") return "detonation_confirmed";
  return kind === "no_detonation" ? "detonation_rejected" : undefined;
}
