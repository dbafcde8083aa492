import { type Anchor, type BootAnchor, resolveTime, type Trust } from "../model/time.ts";

/** What is known of UTC at one instant: the time fields of a record. */
export interface Stamp {
  t?: string;
  trust: Trust;
  unc?: number;
}

/**
 * The best known mapping of `mono` to UTC in this run: the newest anchor of every kind of clock, weighed as readers weigh
 * them. It never affects order, which is `mono`'s alone.
 */
export function createTimebase() {
  const newest = new Map<Trust, BootAnchor>();
  const at = (monoMs: number) => resolveTime([...newest.values()], "", monoMs);
  let latestMono = 0;

  return {
    /** Offers an anchor; true when it came into force and is of another clock or moved the mapping by more than its uncertainty. */
    offer(anchor: Anchor): boolean {
      if (!Number.isFinite(anchor.offsetMs) || anchor.trust === "none") return false;
      latestMono = Math.max(latestMono, anchor.monoMs);
      const old = at(anchor.monoMs)?.anchor;
      newest.set(anchor.trust, { ...anchor, boot: "" });
      const now = at(anchor.monoMs)!.anchor;
      if (now.trust !== anchor.trust) return false;
      return old === undefined || old.trust !== anchor.trust || Math.abs(old.offsetMs - anchor.offsetMs) > old.uncMs;
    },
    get trust(): Trust {
      return at(latestMono)?.trust ?? "none";
    },
    get anchor(): Anchor | undefined {
      return at(latestMono)?.anchor;
    },
    /** The time fields for an instant of this boot; no `t` while time is unknown. */
    stamp(monoMs: number): Stamp {
      const time = at(monoMs);
      if (time === undefined) return { trust: "none" };
      return { t: new Date(Math.round(time.utcMs)).toISOString(), trust: time.trust, unc: Math.ceil(time.uncMs) };
    },
  };
}

export type Timebase = ReturnType<typeof createTimebase>;
