import type { UnitIdentity } from "../model/topics.ts";
import { BAD_REASONS, type BadReason, readMessage } from "./inbox.ts";
import type { FieldRules } from "./roles.ts";
import { createUnitModel, type UnitModel } from "./unit-model.ts";

export interface Fleet {
  readonly rules: FieldRules;
  /** Takes one message as the broker handed it over. Returns the unit it belongs to, or why it was put aside. */
  receive(topic: string, payload: Uint8Array, atMs: number): UnitModel | BadReason;
  /** In the order in which they were first heard. */
  readonly units: ReadonlyMap<string, UnitModel>;
  /** Messages put aside, by reason. */
  readonly bad: Readonly<Record<BadReason, number>>;
}

/** The name of a unit within the fleet. */
export function unitKey(id: UnitIdentity): string {
  return `${id.org}/${id.unit}`;
}

/** Every unit HQ hears of, at most `maxUnits`: a stranger who invents names must not fill the memory. */
export function createFleet(rules: FieldRules, maxUnits = 64): Fleet {
  const units = new Map<string, UnitModel>();
  const bad = Object.fromEntries(BAD_REASONS.map((reason) => [reason, 0])) as Record<BadReason, number>;

  return {
    rules,
    units,
    bad,
    receive(topic, payload, atMs) {
      const message = readMessage(topic, payload);
      if (typeof message === "string") {
        bad[message]++;
        return message;
      }
      const key = unitKey(message);
      let unit = units.get(key);
      if (unit === undefined) {
        if (units.size >= maxUnits) {
          bad["too-many-units"]++;
          return "too-many-units";
        }
        unit = createUnitModel({ org: message.org, unit: message.unit }, rules);
        units.set(key, unit);
      }
      unit.accept(message, atMs);
      return unit;
    },
  };
}
