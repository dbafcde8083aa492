import type { Descriptor } from "../model/record.ts";
import type { UnitIdentity } from "../model/topics.ts";
import { BAD_REASONS, type BadReason, readMessage } from "./inbox.ts";
import type { FieldRules } from "./roles.ts";
import { createUnitModel, type UnitModel } from "./unit-model.ts";

export interface Fleet {
  readonly rules: FieldRules;
  /**
   * Takes one message as the broker handed it over. Returns the unit it belongs to, why it was put aside, or nothing while it
   * waits for the descriptor without which it cannot be read.
   */
  receive(topic: string, payload: Uint8Array, atMs: number): UnitModel | BadReason | undefined;
  /** In the order in which they were first heard. */
  readonly units: ReadonlyMap<string, UnitModel>;
  /** Messages put aside, by reason. */
  readonly bad: Readonly<Record<BadReason, number>>;
}

/** The name of a unit within the fleet. */
export function unitKey(id: UnitIdentity): string {
  return `${id.org}/${id.unit}`;
}

/** Messages that wait for a descriptor, and descriptors kept, at the most: the oldest goes. */
const MAX_WAITING = 512;
const MAX_DESCRIPTORS = 256;

interface Waiting {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly atMs: number;
  readonly needs: string;
}

/** Every unit HQ hears of, at most `maxUnits`: a stranger who invents names must not fill the memory. */
export function createFleet(rules: FieldRules, maxUnits = 64): Fleet {
  const units = new Map<string, UnitModel>();
  const bad = Object.fromEntries(BAD_REASONS.map((reason) => [reason, 0])) as Record<BadReason, number>;

  const descriptors = new Map<string, Descriptor>();
  let waiting: Waiting[] = [];

  /** Keeps a descriptor, and takes the messages that waited for it. */
  function learn(hash: string, body: Descriptor): void {
    if (descriptors.has(hash)) return;
    descriptors.set(hash, body);
    if (descriptors.size > MAX_DESCRIPTORS) descriptors.delete(descriptors.keys().next().value!);
    const ready = waiting.filter((w) => w.needs === hash);
    waiting = waiting.filter((w) => w.needs !== hash);
    for (const { topic, payload, atMs } of ready) receive(topic, payload, atMs);
  }

  function wait(message: Waiting): void {
    waiting.push(message);
    if (waiting.length <= MAX_WAITING) return;
    waiting.shift();
    bad["no-descriptor"]++;
  }

  function receive(topic: string, payload: Uint8Array, atMs: number): UnitModel | BadReason | undefined {
    const message = readMessage(topic, payload, (hash) => descriptors.get(hash));
    if (typeof message === "string") {
      bad[message]++;
      return message;
    }
    if ("needs" in message) {
      wait({ topic, payload, atMs, needs: message.needs });
      return undefined;
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
    if (message.cls === "desc") learn(message.hash, message.body);
    else if ("records" in message)
      for (const record of message.records) if (record.kind === "desc") learn(record.hash, record.body);
    return unit;
  }

  return { rules, units, bad, receive };
}
