import { createEventStreams, type EventStreams } from "../web/event-streams.ts";
import type { RulesView, Tidings, UnitPatch } from "./page/view.ts";
import type { Subscriber } from "./subscriber.ts";
import { createCursor, patchOf, type UnitCursor } from "./unit-view.ts";

/** Server-sent events with the changes of every unit. */
export function createFleetStreams(subscriber: Subscriber, rules: RulesView): EventStreams {
  return createEventStreams<Map<string, UnitCursor>>({
    newSeen: () => new Map(),
    tidings(cursors, due, first): Tidings | undefined {
      const units: UnitPatch[] = [];
      for (const [key, unit] of subscriber.fleet.units) {
        let cursor = cursors.get(key);
        if (cursor === undefined) {
          cursor = createCursor();
          cursors.set(key, cursor);
        }
        const patch = patchOf(unit, cursor);
        if (patch !== undefined) units.push(patch);
      }
      if (units.length === 0 && !due) return undefined;
      return { ...summaryOf(subscriber), ...(first ? { rules } : {}), units };
    },
  });
}

/** What holds for all units: HQ's clock, its session and what it put aside. */
export function summaryOf(subscriber: Subscriber): Pick<Tidings, "nowMs" | "broker" | "bad"> {
  const bad = Object.fromEntries(Object.entries(subscriber.fleet.bad).filter(([, count]) => count > 0));
  return { nowMs: Date.now(), broker: subscriber.connected(), bad };
}
