import { type Anchor, TRUST, type Trust } from "../model/time.ts";

/** What is known of UTC at one instant: the time fields of a record. */
export interface Stamp {
  t?: string;
  trust: Trust;
  unc?: number;
}

/** Drift of a Pi's crystal allowed for between anchors: 50 ppm. */
const DRIFT = 50e-6;

/**
 * The best known mapping of `mono` to UTC. A new anchor replaces the old one when it is trusted at least as much, or when the
 * old one has drifted to a greater uncertainty; the mapping never affects order, which is `mono`'s alone.
 */
export function createTimebase() {
  let best: Anchor | undefined;

  const uncAt = (anchor: Anchor, monoMs: number) => anchor.uncMs + Math.abs(monoMs - anchor.monoMs) * DRIFT;

  return {
    /** Offers an anchor; true when it became the one in force and moved the mapping by more than its uncertainty. */
    offer(anchor: Anchor): boolean {
      if (!Number.isFinite(anchor.offsetMs) || anchor.trust === "none") return false;
      const old = best;
      if (old !== undefined) {
        const weaker = TRUST.indexOf(anchor.trust) < TRUST.indexOf(old.trust);
        if (weaker && uncAt(old, anchor.monoMs) <= anchor.uncMs) return false;
      }
      best = anchor;
      return old === undefined || old.trust !== anchor.trust || Math.abs(old.offsetMs - anchor.offsetMs) > old.uncMs;
    },
    get trust(): Trust {
      return best?.trust ?? "none";
    },
    get anchor(): Anchor | undefined {
      return best;
    },
    /** The time fields for an instant of this boot; no `t` while time is unknown. */
    stamp(monoMs: number): Stamp {
      if (best === undefined) return { trust: "none" };
      const utcMs = Math.round(monoMs + best.offsetMs);
      return { t: new Date(utcMs).toISOString(), trust: best.trust, unc: Math.ceil(uncAt(best, monoMs)) };
    },
  };
}

export type Timebase = ReturnType<typeof createTimebase>;
