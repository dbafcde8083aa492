import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../src/codec/compact-message.ts";
import { encodeBody } from "../../src/codec/compact-record.ts";
import { createFleet } from "../../src/hq/fleet.ts";
import type { Query } from "../../src/hq/ingest/database.ts";
import type { Arrived } from "../../src/hq/ingest/prepare.ts";
import { createReading } from "../../src/hq/ingest/reading.ts";
import { hashOf } from "../../src/model/canonical.ts";
import type { Draft } from "../../src/model/record.ts";
import { FULL_PLAN, fullPlanRecords } from "../bench/wire-plan.ts";
import { topic } from "./messages.ts";

const hash = hashOf(FULL_PLAN);
const pairs = fullPlanRecords(3).flatMap(({ telemetry, track }) => [
  { ...telemetry, desc: hash },
  { ...track, desc: hash },
]);
const compact = (drafts: readonly Draft[], first: number) =>
  encodeMessage(
    "cbor",
    "0011223344556677",
    drafts.map((draft, i) => ({ seq: first + i, body: encodeBody(draft, () => FULL_PLAN) })),
    () => FULL_PLAN,
  );
const desc: Draft = { v: 1, kind: "desc", boot: pairs[0]!.boot, mono: 0, trust: "none", hash, body: FULL_PLAN };

describe("records as cbor", () => {
  it("are the same for the page, and wait for their descriptor where they come before it", () => {
    const fleet = createFleet({ toolWidthM: 2, targetDepthM: 0.2, shockLineMps2: 250 });
    expect(fleet.receive(topic("log"), compact(pairs, 2), 1)).toBeUndefined();
    expect(fleet.units.size).toBe(0);
    fleet.receive(topic("log"), compact([desc], 1), 2);
    const unit = fleet.units.get("cmac/u1")!;
    expect(unit.ledger("log").count()).toMatchObject({ received: 7, missing: 0, duplicates: 0 });
    expect(Object.values(fleet.bad).every((n) => n === 0)).toBe(true);
  });

  it("fill no memory while the descriptor never comes", () => {
    const fleet = createFleet({ toolWidthM: 2, targetDepthM: 0.2, shockLineMps2: 250 });
    for (let i = 0; i < 600; i++) fleet.receive(topic("log"), compact(pairs.slice(0, 1), 2 + i), 1);
    expect(fleet.bad["no-descriptor"]).toBe(600 - 512);
  });
});

describe("the ingester's reading of cbor", () => {
  const arrived = (payload: Uint8Array, atMs = 0): Arrived => ({
    ...{ unit: "cmac/u1", topic: topic("log"), payload, bytes: payload.length, atMs },
    ack: () => undefined,
  });
  const empty: Query = async () => [];

  it("keeps a message until its descriptor has come, and then reads it once", async () => {
    const reading = createReading();
    expect(await reading.read(empty, [arrived(compact(pairs, 2))], 0)).toEqual([]);
    expect(reading.waiting).toBe(1);
    const read = await reading.read(empty, [arrived(compact([desc], 1))], 10);
    expect(read.flatMap((p) => p.records.map((r) => r.record.seq)).sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(reading.waiting).toBe(0);
    expect(await reading.read(empty, [], 20)).toEqual([]);
  });

  it("finds the descriptor in the database, whatever the order of its keys there", async () => {
    const reading = createReading();
    const channels = Object.fromEntries(Object.entries(FULL_PLAN.channels).reverse());
    const stored: Query = async () => [{ hash, body: JSON.stringify({ ...FULL_PLAN, channels }) }];
    const read = await reading.read(stored, [arrived(compact(pairs, 2))], 0);
    const records = read.flatMap((p) => p.records);
    expect(records.map((r) => r.record)).toEqual(
      pairs.map((d, i) => ({ ...d, seq: 2 + i, spool: "0011223344556677" })),
    );
    expect(JSON.parse(Buffer.from(records[0]!.raw).toString())).toEqual(records[0]!.record);
  });

  it("puts a message aside whose descriptor has not come within a minute, whole as it was received", async () => {
    const reading = createReading();
    const payload = compact(pairs, 2);
    await reading.read(empty, [arrived(payload)], 0);
    const [given] = await reading.read(empty, [], 61_000);
    expect(given!.aside).toEqual([{ reason: "no-descriptor", detail: `descriptor ${hash} never came`, raw: payload }]);
    expect(reading.waiting).toBe(0);
  });
});
