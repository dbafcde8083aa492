import { describe, expect, it } from "vitest";
import { decodeCompact, type Encoding, encodeMessage, type Numbered } from "../../src/codec/compact-message.ts";
import type { Lane } from "../../src/model/record.ts";
import { wireRecord } from "../../src/model/record.ts";
import type { StoredRecord } from "../../src/spool/lane-log.ts";
import { createLanes, type LaneSpool } from "../../src/unit/lanes.ts";

const draft = (n: number) =>
  Buffer.from(JSON.stringify({ v: 1, kind: "anchor", boot: "boot-0001", mono: n, trust: "gnss", offsetMs: n }));

/** A spool of two ids: an older one whose record 2 is a hole, and the one in use. */
function twoSpools(encoding: Encoding = "json", joinBytes = 0) {
  const stored: Record<string, StoredRecord[]> = {
    "old-spool": [
      { seq: 1, body: draft(1) },
      { seq: 2, gap: { from: 2, to: 4, reason: "corrupt" } },
      { seq: 5, body: draft(5) },
    ],
    "new-spool": [{ seq: 1, body: draft(101) }],
  };
  const firsts: Record<string, number> = {};
  const freed: [Lane, number, string | undefined][] = [];
  const spool: LaneSpool = {
    spoolId: "new-spool",
    spools: () => Object.keys(stored),
    first: (_, id = "new-spool") => firsts[id] ?? 1,
    read: async (_, from, max, __, id = "new-spool") => stored[id]!.filter((r) => r.seq >= from).slice(0, max),
  };
  const gapBody = (from: number, to: number, reason: string) => ({
    ...{ v: 1, kind: "gap", boot: "boot-0001", mono: 7, trust: "none" },
    ...{ from, to, reason },
  });
  const sent = (lane: Lane, upTo: number, id: string) => freed.push([lane, upTo, id]);
  const message = (records: readonly Numbered[], id: string) => encodeMessage(encoding, id, records, () => undefined);
  return { lanes: createLanes({ spool, gapBody, sent, message, joinBytes }), stored, freed, firsts };
}

const parse = (body: Uint8Array) => wireRecord.parse(JSON.parse(Buffer.from(body).toString()));

describe("the spool as the session sees it", () => {
  it("drains an older spool first, with the hole in its place, and every message is a valid record of its own spool", async () => {
    const { lanes } = twoSpools();
    const first = await lanes.read("log", 0, 10, 1e6);
    expect(first.map((m) => parse(m.body)).map((r) => [r.spool, r.seq, r.kind])).toEqual([
      ["old-spool", 1, "anchor"],
      ["old-spool", 2, "gap"],
      ["old-spool", 5, "anchor"],
    ]);
    const second = await lanes.read("log", 4, 10, 1e6);
    expect(second.map((m) => parse(m.body)).map((r) => [r.spool, r.seq])).toEqual([["new-spool", 1]]);
    expect(second[0]!.seq).toBe(4);
    expect(await lanes.read("log", 5, 10, 1e6)).toEqual([]);
  });

  it("answers for what was freed long ago with one hole, so that HQ need not ask for ever", async () => {
    const { lanes, firsts, stored } = twoSpools();
    stored["new-spool"] = [{ seq: 9, body: draft(109) }];
    firsts["new-spool"] = 9;
    await lanes.read("log", 0, 10, 1e6);
    expect((await lanes.read("log", 4, 10, 1e6)).map((m) => parse(m.body).seq)).toEqual([9]);
    lanes.free("log", 4);
    lanes.sendAgain("log", "new-spool", [3, 4, 5, 9]);
    const again = (await lanes.read("log", 5, 10, 1e6)).map((m) => parse(m.body));
    expect(again).toMatchObject([
      { kind: "gap", seq: 3, from: 3, to: 8, reason: "freed" },
      { kind: "anchor", seq: 9 },
    ]);
    expect(await lanes.read("log", 7, 10, 1e6)).toEqual([]);
  });

  it("tells the broker's acknowledgement of the spool that each message came from, a gap up to its end", async () => {
    const { lanes, freed } = twoSpools();
    await lanes.read("log", 0, 10, 1e6);
    await lanes.read("log", 4, 10, 1e6);
    lanes.free("log", 2);
    lanes.free("log", 4);
    expect(freed).toEqual([
      ["log", 4, "old-spool"],
      ["log", 5, "old-spool"],
      ["log", 1, "new-spool"],
    ]);
  });

  it("reads the same messages again after a connection was lost, and a hole where one was dropped meanwhile", async () => {
    const { lanes, stored } = twoSpools();
    const before = await lanes.read("log", 0, 10, 1e6);
    expect(await lanes.read("log", 0, 10, 1e6)).toEqual(before);
    stored["old-spool"]!.shift();
    const after = await lanes.read("log", 1, 10, 1e6);
    expect(parse(after[0]!.body)).toMatchObject({ kind: "gap", from: 1, to: 1, reason: "disk-full", seq: 1 });
    expect(after.slice(1)).toEqual(before.slice(1));
  });

  it("gives a gap record in place of a record that the broker will not take", async () => {
    const { lanes } = twoSpools();
    await lanes.read("log", 0, 10, 1e6);
    const gap = lanes.poisoned("log", 3);
    expect(parse(gap!)).toMatchObject({ kind: "gap", seq: 5, from: 5, to: 5, reason: "poison", spool: "old-spool" });
  });

  it("puts consecutive records of one spool into one message, and each into its own when they are read again", async () => {
    const { lanes, freed } = twoSpools("cbor", 4096);
    const records = (body: Uint8Array) => {
      const read = decodeCompact(body, () => undefined);
      return "records" in read ? read.records.map((r) => wireRecord.parse(r).seq) : read;
    };
    const joined = await lanes.read("log", 0, 10, 1e6);
    expect(joined.map((m) => [m.seq, m.upTo, records(m.body)])).toEqual([[1, 3, [1, 2, 5]]]);
    const next = await lanes.read("log", 4, 10, 1e6);
    expect(next.map((m) => [m.seq, m.upTo, records(m.body)])).toEqual([[4, undefined, [1]]]);
    const again = await lanes.read("log", 1, 10, 1e6);
    expect(again.map((m) => [m.seq, m.upTo, records(m.body)])).toEqual([
      [1, undefined, [1]],
      [2, undefined, [2]],
      [3, undefined, [5]],
      [4, undefined, [1]],
    ]);
    lanes.free("log", 3);
    expect(freed).toEqual([["log", 5, "old-spool"]]);
  });

  it("puts no more into one message than fits, and events each into their own", async () => {
    const bytes = draft(1).length;
    const { lanes } = twoSpools("cbor", 2 * bytes + 40);
    expect((await lanes.read("log", 0, 10, 1e6)).map((m) => m.seq)).toEqual([1, 3]);
    expect((await lanes.read("event", 0, 10, 1e6)).map((m) => m.seq)).toEqual([1, 2, 3]);
  });
});
