import { describe, expect, it } from "vitest";
import { createFleet } from "../../src/hq/fleet.ts";
import { MAX_PAYLOAD_BYTES } from "../../src/hq/inbox.ts";
import type { UnitModel } from "../../src/hq/unit-model.ts";
import fc from "../properties.ts";
import {
  BOOT,
  descriptorRecord,
  encode,
  eventRecord,
  gapRecord,
  HASH,
  liveMessage,
  onLane,
  stateMessage,
  telemetryRecord,
  topic,
  trackRecord,
} from "./messages.ts";

const RULES = { toolWidthM: 2, targetDepthM: 0.2, shockLineMps2: 250 };
const fleetOf = (messages: readonly (readonly [string, Uint8Array])[]) => {
  const fleet = createFleet(RULES);
  for (const [where, payload] of messages) fleet.receive(where, payload, 1_000);
  return fleet;
};
const unitOf = (messages: readonly (readonly [string, Uint8Array])[]): UnitModel =>
  [...fleetOf(messages).units.values()][0]!;
const logCount = (unit: UnitModel) => unit.ledger("log").count();

describe("the books HQ keeps of a lane", () => {
  it("counts a record once, whatever the order and however often it comes", () => {
    const messages = [1, 2, 3, 4].map((seq) => onLane("log", telemetryRecord(seq, seq * 1000, [{}])));
    const arrivals = fc.array(fc.constantFrom(...messages), { maxLength: 30 });
    fc.assert(
      fc.property(arrivals, (extra) => {
        const count = logCount(unitOf([...extra, ...messages, ...extra]));
        expect(count.received).toBe(4);
        expect(count.duplicates).toBe(2 * extra.length);
        expect(count.missing).toBe(0);
      }),
    );
  });

  it("names the numbers that never came and forgets them when they do", () => {
    const fleet = fleetOf([1, 2, 5, 9].map((seq) => onLane("log", telemetryRecord(seq, seq * 1000, [{}]))));
    const unit = [...fleet.units.values()][0]!;
    expect(logCount(unit)).toMatchObject({
      missing: 5,
      newest: 9,
      holes: [
        [3, 4],
        [6, 8],
      ],
    });
    fleet.receive(...onLane("log", telemetryRecord(4, 4000, [{}])), 1_000);
    expect(logCount(unit).holes).toEqual([
      [3, 3],
      [6, 8],
    ]);
  });

  it("does not count as missing what a gap record declares gone, and says how much that is", () => {
    const count = logCount(
      unitOf(
        [1, 9].map((seq) => onLane("log", telemetryRecord(seq, seq, [{}]))).concat([onLane("log", gapRecord(3, 3, 7))]),
      ),
    );
    expect(count).toMatchObject({
      received: 3,
      missing: 2,
      declaredGone: 5,
      holes: [
        [2, 2],
        [8, 8],
      ],
    });
  });

  it("keeps the lanes and the spools apart", () => {
    const other = { ...telemetryRecord(1, 0, [{}]), spool: "spool-bbbb" };
    const unit = unitOf([
      onLane("log", telemetryRecord(1, 0, [{}])),
      onLane("log", other),
      onLane("event", eventRecord(1, 0)),
    ]);
    expect(logCount(unit)).toMatchObject({ received: 2, duplicates: 0 });
    expect(unit.ledger("event").count()).toMatchObject({ received: 1, duplicates: 0 });
  });

  it("takes several records in one message", () => {
    const unit = unitOf([onLane("log", [telemetryRecord(1, 0, [{}]), telemetryRecord(2, 1000, [{}])])]);
    expect(logCount(unit).received).toBe(2);
  });
});

describe("records whose descriptor is not there yet", () => {
  const early = [
    [topic("state"), encode(stateMessage("online"))] as const,
    onLane("log", telemetryRecord(2, 10_000, [{ rotor: 190 }, { rotor: 191 }])),
    onLane(
      "log",
      trackRecord(3, 10_000, [
        [13, 103],
        [13.00001, 103],
      ]),
    ),
  ];

  it("wait, booked as received but not shown", () => {
    const unit = unitOf(early);
    expect(logCount(unit).received).toBe(2);
    expect(unit.counts().waiting).toBe(2);
    expect(unit.history.rows).toEqual([]);
    expect(unit.track.points).toEqual([]);
  });

  it("are shown when it comes, as if it had come first", () => {
    const desc = onLane("log", descriptorRecord(1));
    const late = unitOf([...early, desc]);
    const first = unitOf([early[0]!, desc, early[1]!, early[2]!]);
    expect(late.counts().waiting).toBe(0);
    expect(late.history.rows.map((row) => row.values[0])).toEqual([190, 191]);
    expect(late.history.rows).toEqual(first.history.rows);
    expect(late.track.points).toEqual(first.track.points);
  });

  it("wait in a bounded queue, and what falls out of it is counted", () => {
    const unit = unitOf(Array.from({ length: 600 }, (_, i) => onLane("log", telemetryRecord(i + 1, i * 1000, [{}]))));
    expect(unit.counts()).toMatchObject({ waiting: 512, waitingDropped: 88 });
    expect(logCount(unit).received).toBe(600);
  });
});

describe("messages that do not pass", () => {
  it.each([
    ["topic", "swath/1/cmac/u1/else", encode(stateMessage("online"))],
    ["topic", "swath/1/cmac/U1/state", encode(stateMessage("online"))],
    ["topic", "swath/1/cmac/u1/state/x", encode(stateMessage("online"))],
    ["empty", topic("state"), new Uint8Array(0)],
    ["too-big", topic("log"), new Uint8Array(MAX_PAYLOAD_BYTES + 1)],
    ["not-json", topic("log"), encode("{")],
    ["not-json", topic("log"), new Uint8Array([0x7b, 0xff, 0x7d])],
    ["not-cbor", topic("log"), new Uint8Array([0x83, 0xff, 0x22])],
    ["schema", topic("state"), encode({ ...stateMessage("online"), extra: 1 })],
    ["schema", topic("log"), encode({ ...telemetryRecord(1, 0, [{}]), seq: 0 })],
    ["schema", topic("log"), encode([])],
    ["schema", topic("live"), encode(null)],
    ["schema", topic("desc"), encode(telemetryRecord(1, 0, [{}]))],
  ])("are counted as %s and change nothing", (reason, where, payload) => {
    const fleet = createFleet(RULES);
    expect(fleet.receive(where, payload, 0)).toBe(reason);
    expect(fleet.bad[reason as keyof typeof fleet.bad]).toBe(1);
    expect(fleet.units.size).toBe(0);
  });

  it("never throw, whatever the bytes", () => {
    const fleet = createFleet(RULES);
    const classes = fc.constantFrom("state", "desc", "live", "event", "log", "bulk", "health", "nonsense");
    fc.assert(
      fc.property(classes, fc.uint8Array({ maxLength: 60 }), (cls, payload) => {
        fleet.receive(topic(cls), payload, 0);
      }),
    );
    fc.assert(
      fc.property(classes, fc.json(), (cls, json) => {
        fleet.receive(topic(cls), encode(json), 0);
      }),
    );
  });

  it("cannot reach the prototype through the names of columns", () => {
    const record = `{"v":1,"boot":"${BOOT}","mono":1,"trust":"none","desc":"${HASH}","c":{"__proto__":1,"constructor":2,"toString":3}}`;
    const fleet = fleetOf([onLane("log", descriptorRecord(1)), [topic("live"), encode(record)]]);
    expect(({} as Record<string, unknown>)["constructor"]).toBe(Object);
    expect([...fleet.units.values()][0]!.history.rows[0]!.values.every((value) => value === null)).toBe(true);
  });

  it("of invented units end at a bound", () => {
    const fleet = createFleet(RULES, 3);
    for (let i = 0; i < 5; i++) fleet.receive(topic("state", `u${i}`), encode(stateMessage("online")), 0);
    expect(fleet.units.size).toBe(3);
    expect(fleet.bad["too-many-units"]).toBe(2);
  });
});

describe("the lines of a unit", () => {
  const begin = [[topic("state"), encode(stateMessage("online"))] as const, onLane("log", descriptorRecord(1))];
  const live = (mono: number, rotor: number) =>
    [topic("live"), encode(liveMessage(mono, { "rotor_speed.mean": rotor, lat: null }))] as const;

  it("show live rows at once and replace them by the record of the same span", () => {
    const unit = unitOf([
      ...begin,
      live(10_000, 1),
      live(11_000, 2),
      live(12_000, 3),
      live(13_000, 30),
      live(14_000, 4),
      onLane("log", telemetryRecord(2, 10_000, [{ rotor: 10 }, { rotor: 20 }, { rotor: 30 }])),
      live(13_900, 30),
    ]);
    // What live told until two rows after the record's last one was that row again.
    expect(unit.history.rows.map((row) => [row.mono, row.values[0]])).toEqual([
      [10_000, 10],
      [11_000, 20],
      [12_000, 30],
      [14_000, 4],
    ]);
  });

  it("do not grow by live messages that only repeat the newest window", () => {
    const unit = unitOf([
      ...begin,
      live(10_000, 1),
      live(10_200, 1),
      live(10_400, 1),
      live(11_000, 1),
      live(11_200, 2),
    ]);
    expect(unit.history.rows.map((row) => row.mono)).toEqual([10_000, 11_000, 11_200]);
  });

  it("begin anew with another boot", () => {
    const unit = unitOf([
      ...begin,
      live(900_000, 1),
      [topic("live"), encode({ ...liveMessage(500, {}), boot: "boot-bbbb" })],
    ]);
    expect(unit.history.rows.map((row) => row.mono)).toEqual([500]);
  });

  it("show nothing where a column is absent, never a zero", () => {
    const unit = unitOf([...begin, [topic("live"), encode(liveMessage(1000, { "tool_depth.mean": null }))]]);
    expect(unit.history.rows[0]!.values.every((value) => value === null)).toBe(true);
  });
});

describe("the way of a machine", () => {
  const begin = [[topic("state"), encode(stateMessage("online"))] as const, onLane("log", descriptorRecord(1))];
  const north = (metres: number) => 13 + metres / 111_320;
  const places = [0, 1, 2, 3].map((m) => [north(m), 103] as const);
  const kinds = (unit: UnitModel) => unit.track.points.map((point) => point.engagement);

  it("is engaged where the rotor turned with the tool below ground, shallow where it missed the target", () => {
    const rows = [{ depth: -0.3 }, { depth: 0.2 }, { depth: 0.1 }, { depth: 0.2, rotor: 0 }];
    const unit = unitOf([
      ...begin,
      onLane("log", telemetryRecord(2, 5000, rows)),
      onLane("log", trackRecord(3, 5000, places)),
    ]);
    expect(kinds(unit)).toEqual([0, 1, 2, 0]);
  });

  it("is the same when the fixes come before the rows", () => {
    const rows = [{ depth: -0.3 }, { depth: 0.2 }, { depth: 0.1 }, { depth: 0.2, rotor: 0 }];
    const unit = unitOf([
      ...begin,
      onLane("log", trackRecord(2, 5000, places)),
      onLane("log", telemetryRecord(3, 5000, rows)),
    ]);
    expect(kinds(unit)).toEqual([0, 1, 2, 0]);
  });

  it("follows live at once and is corrected by the record of the same time", () => {
    const live = (i: number, depth: number) => {
      const [lat, lon] = places[i]!;
      const c = { "rotor_speed.mean": 200, "tool_depth.mean": depth, lat, lon };
      return [topic("live"), encode(liveMessage(6000 + i * 1000, c))] as const;
    };
    const lives = [live(0, -0.3), live(1, -0.3), live(2, 0.2), live(3, 0.2)];
    expect(kinds(unitOf([...begin, ...lives]))).toEqual([0, 0, 1, 1]);
    const rows = [{ depth: -0.3 }, { depth: 0.2 }, { depth: 0.2 }, { depth: 0.2 }, { depth: 0.2 }];
    const record = onLane("log", telemetryRecord(2, 6000, rows));
    expect(kinds(unitOf([...begin, ...lives, record]))).toEqual([0, 1, 1, 1]);
    expect(kinds(unitOf([...begin, record, ...lives]))).toEqual([0, 1, 1, 1]);
  });

  it("is not engaged where nothing is known of the tool", () => {
    expect(kinds(unitOf([...begin, onLane("log", trackRecord(2, 5000, places))]))).toEqual([0, 0, 0, 0]);
  });

  it("has no point for a machine that stands, and an interruption where it was carried", () => {
    const far = [...places, places[3]!, places[3]!, [north(200), 103] as const];
    const { track } = unitOf([...begin, onLane("log", trackRecord(2, 5000, far))]);
    expect(track.points).toHaveLength(5);
    expect(track.points.map((_, i) => track.breaksAt(i))).toEqual([true, false, false, false, true]);
  });

  it("gets a mark where a shock passed the line, once for live, record and event", () => {
    const unit = unitOf([
      ...begin,
      onLane("log", trackRecord(2, 5000, places)),
      [topic("live"), encode(liveMessage(7000, { "shock_z.max": 300, "shock_z.min": -400 }))],
      onLane("log", telemetryRecord(3, 5000, [{}, {}, { shock: 380 }, {}])),
      onLane("event", eventRecord(1, 6500, "shock_over_limit")),
    ]);
    expect(unit.marks.list).toEqual([{ boot: BOOT, mono: 7000, peak: 400 }]);
  });
});

describe("the state of a unit", () => {
  it("tells the time of records from before it was known by what later ones of the boot say", () => {
    const early = onLane("event", eventRecord(1, 5_000));
    const unit = unitOf([early]);
    expect(unit.utcMs(BOOT, 5_000)).toBeUndefined();
    const later = { ...eventRecord(2, 9_000), t: "2026-01-02T03:04:09.000Z", trust: "gnss" };
    expect(unitOf([early, onLane("event", later)]).utcMs(BOOT, 5_000)).toBe(Date.parse("2026-01-02T03:04:05.000Z"));
  });

  it("is what it said last, and lost when its last will spoke", () => {
    const unit = unitOf([
      [topic("state"), encode(stateMessage("online"))],
      [topic("state"), encode(stateMessage("lost"))],
    ]);
    expect(unit.state()?.body.state).toBe("lost");
  });

  it("keeps events newest first although records overtake each other", () => {
    const unit = unitOf([1, 3, 2].map((seq) => onLane("event", eventRecord(seq, seq * 1000))));
    expect(unit.events.map((event) => event.body.seq)).toEqual([3, 2, 1]);
  });
});
