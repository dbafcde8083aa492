import { generateKeyPairSync } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import { listenToHq } from "../../src/unit/hq-link.ts";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A unit whose records the broker's word frees, or HQ's. */
function listener(confirms: boolean) {
  let announced = 0;
  const refusals: unknown[] = [];
  const no = () => undefined;
  const hq = listenToHq({
    ...{ unit: "unit-1", keys: [generateKeyPairSync("ed25519").publicKey], confirms, marks: undefined },
    spool: { spools: () => [], first: () => 1, newest: () => 0, free: no, markSent: no },
    lanes: {
      ...{ read: async () => [], free: no, appended: no, poisoned: no, onAppended: () => no },
      ...{ skipTo: no, settled: no, sendAgain: no, open: no },
    },
    clock: { monoMs: () => 1000 },
    log: { info: no, warn: (fields) => refusals.push(fields) },
    announce: () => {
      announced += 1;
    },
    commands: {
      utcMs: no,
      ops: { rebirth: async () => ({ ok: true, reason: "" }) } as never,
      memory: undefined,
      keep: async () => undefined,
      answer: no,
    },
  });
  stops.push(() => hq.stop());
  const say = (text: string, retained = false) => hq.downlink.heard("hq", Buffer.from(text), retained);
  return { hq, say, refusals, announced: () => announced };
}

it.each([
  ["the broker's word", false],
  ["HQ's word", true],
])("announces itself when HQ comes online, also where %s frees its records", (_, confirms) => {
  const unit = listener(confirms);
  unit.say('{"v":1,"state":"lost"}');
  unit.say('{"v":1,"state":"offline"}');
  expect(unit.announced()).toBe(0);
  unit.say('{"v":1,"state":"online"}');
  expect(unit.announced()).toBe(1);
});

it("does not announce itself again for what the broker kept of HQ: it has done so at this connection", () => {
  const unit = listener(false);
  unit.say('{"v":1,"state":"online"}', true);
  expect(unit.announced()).toBe(0);
});

it("counts what is no state of HQ, tells it once, and does nothing", () => {
  const unit = listener(false);
  for (const text of ["", "{", '{"v":1,"state":"on"}', '{"v":2,"state":"online"}']) unit.say(text);
  expect([unit.hq.refused, unit.refusals.length, unit.announced()]).toEqual([4, 1, 0]);
});
