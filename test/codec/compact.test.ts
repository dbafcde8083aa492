import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { decodeCompact, encodeMessage, isJson } from "../../src/codec/compact-message.ts";
import { bodyBudget, decodeBody, encodeBody, isCompact } from "../../src/codec/compact-record.ts";
import { type Descriptor, type Draft, RECORDS, wireRecord } from "../../src/model/record.ts";
import { FULL_PLAN, FULL_PLAN_DESC, fullPlanRecords } from "../bench/wire-plan.ts";
import { GOLDEN_COMPACT } from "../golden/compact.ts";
import fc from "../properties.ts";

const known = (hash: string) => (hash === FULL_PLAN_DESC ? FULL_PLAN : undefined);
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const numbered = (draft: Draft, seq = 7) => ({ seq, body: encodeBody(draft, known) });
const message = (draft: Draft) => encodeMessage("cbor", "0011223344556677", [numbered(draft)], known);

/** The record as both encodings give it. */
function bothWays(draft: Draft): [unknown, unknown] {
  const body = encodeBody(draft, known);
  const json = encodeMessage("json", "0011223344556677", [{ seq: 7, body }], known);
  const compact = decodeCompact(message(draft), known);
  if (!("records" in compact)) throw new Error(JSON.stringify(compact));
  return [JSON.parse(Buffer.from(json).toString()), compact.records[0]];
}

const head = { v: 1, boot: "4b3f6c1e-27bd-4c3e-9d2b-0f8a1c2d3e4f", mono: 5123400.3, trust: "gnss" } as const;

describe("a record in the short form", () => {
  it("is the same record as in JSON, for every kind there is", () => {
    const seen = new Set<string>();
    for (const draft of GOLDEN_COMPACT) {
      seen.add(draft.kind);
      const [json, compact] = bothWays(draft);
      expect(json, draft.kind).toEqual({ ...(asJson(draft) as object), seq: 7, spool: "0011223344556677" });
      expect(compact, draft.kind).toEqual(json);
      wireRecord.parse(compact);
    }
    expect([...seen].sort()).toEqual(Object.keys(RECORDS).sort());
  });

  it("is the same record as in JSON, for a work of 200 s of the full plan", () => {
    for (const { telemetry, track } of fullPlanRecords(20, 3))
      for (const draft of [telemetry, track]) {
        const body = encodeBody(draft, known);
        expect(isCompact(body)).toBe(true);
        const read = decodeBody(body, known, bodyBudget());
        expect(read).toEqual({ draft });
      }
  });

  it("takes at most 80 bytes a machine-second of the full plan, envelope and all, and 105 with packets", () => {
    const pairs = fullPlanRecords(20, 5);
    const bytes = pairs.reduce((sum, { telemetry, track }, i) => {
      const both = [numbered(telemetry, 100_000 + 2 * i), numbered(track, 100_001 + 2 * i)];
      return sum + encodeMessage("cbor", "0011223344556677", both, known).length;
    }, 0);
    expect(bytes / 200).toBeLessThan(80);
    expect((bytes + 20 * 245) / 200).toBeLessThan(105);
  });

  it("keeps any numbers, holes and quality in columns of any shape", () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.integer({ min: -1000, max: 1000 }).map((n) => n / 100),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, 0.49, 0.98, 1.47, -0.49, 1e300, 5e-324, 2 ** 53),
    );
    const names = Object.values(FULL_PLAN.channels).flatMap((c) => (c.table === "telemetry" ? c.columns : []));
    const record = fc.integer({ min: 1, max: 70 }).chain((n) =>
      fc.record({
        c: fc.dictionary(
          fc.constantFrom(...names),
          fc.oneof(
            fc.array(value, { minLength: n, maxLength: n }),
            value.map((v) => new Array<typeof v>(n).fill(v)),
          ),
        ),
        q: fc.option(fc.array(fc.integer({ min: 0, max: 1 << 20 }), { minLength: n, maxLength: n })),
        mono: fc.oneof(
          fc.nat().map((m) => m / 10),
          fc.double({ min: 0, max: 1e15, noNaN: true }),
        ),
        n: fc.constant(n),
      }),
    );
    fc.assert(
      fc.property(record, ({ c, q, mono, n }) => {
        const [first] = Object.keys(c);
        const marked = q === null || first === undefined ? {} : { q: { [first]: q } };
        const draft: Draft = { ...head, mono, kind: "telemetry", desc: FULL_PLAN_DESC, n, dt: 1000, c, ...marked };
        const [json, compact] = bothWays(draft);
        expect(compact).toEqual(json);
        expect(json).toEqual({ ...(asJson(draft) as object), seq: 7, spool: "0011223344556677" });
      }),
      { numRuns: 150 },
    );
  });

  it("keeps any event, whatever its detail says", () => {
    const scalar = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), scalar), (detail) => {
        const draft: Draft = { ...head, kind: "event", name: "x", severity: "info", detail };
        const [json, compact] = bothWays(draft);
        expect(compact).toEqual(json);
      }),
    );
  });

  it("is written with the names of its columns where the descriptor is unknown or lacks one of them", () => {
    const { telemetry } = fullPlanRecords(1)[0]!;
    for (const draft of [
      { ...telemetry, desc: "ffffffffffffffff" },
      { ...telemetry, c: { ...telemetry.c, stranger: telemetry.c["pitch.mean"]! } },
      { ...telemetry, remark: "a field of a later version" },
    ]) {
      const body = encodeBody(draft, known);
      expect(decodeBody(body, () => undefined, bodyBudget())).toEqual({ draft });
    }
  });

  it("asks for its descriptor by hash where that is not known, and finds one in the same message", () => {
    const { telemetry } = fullPlanRecords(1)[0]!;
    expect(decodeCompact(message(telemetry), () => undefined)).toEqual({ needs: FULL_PLAN_DESC });
    const desc: Draft = { ...head, kind: "desc", hash: FULL_PLAN_DESC, body: FULL_PLAN };
    const both = encodeMessage("cbor", "0011223344556677", [numbered(desc, 1), numbered(telemetry, 2)], known);
    const read = decodeCompact(both, () => undefined);
    expect("records" in read && read.records.map((r) => wireRecord.parse(r).kind)).toEqual(["desc", "telemetry"]);
  });

  it("is refused under another descriptor of the same hash: no value lands in the column of another", () => {
    const { telemetry } = fullPlanRecords(1)[0]!;
    const { pitch, roll, ...rest } = FULL_PLAN.channels;
    const swapped: Descriptor = {
      ...FULL_PLAN,
      channels: { ...rest, pitch: { ...pitch!, columns: roll!.columns }, roll: { ...roll!, columns: pitch!.columns } },
    };
    expect(decodeCompact(message(telemetry), () => swapped)).toEqual({ refused: "the check sum does not hold" });
    const reordered = { ...FULL_PLAN, channels: Object.fromEntries(Object.entries(FULL_PLAN.channels).reverse()) };
    expect(decodeCompact(message(telemetry), () => reordered)).toHaveProperty("records");
  });
});

describe("bytes that were once written", () => {
  const path = join(import.meta.dirname, "../golden/compact.json");
  if (process.env["GOLDEN"] === "write")
    writeFileSync(
      path,
      `${JSON.stringify(
        GOLDEN_COMPACT.map((d) => Buffer.from(message(d)).toString("hex")),
        null,
        1,
      )}\n`,
    );
  const kept = z.array(z.string()).parse(JSON.parse(readFileSync(path, "utf8")));

  it.each(GOLDEN_COMPACT.map((draft, i) => [draft.kind, draft, kept[i]!] as const))(
    "are read for ever: %s",
    (_, draft, hex) => {
      expect(decodeCompact(Buffer.from(hex, "hex"), known)).toEqual({
        records: [{ ...draft, seq: 7, spool: "0011223344556677" }],
      });
    },
  );
});

describe("a message", () => {
  it("tells by its first byte whether it is JSON, one record or several", () => {
    const all = GOLDEN_COMPACT.map((draft, i) => numbered(draft, i + 1));
    for (const few of [all.slice(0, 1), all])
      for (const encoding of ["json", "cbor"] as const)
        expect(isJson(encodeMessage(encoding, "0011223344556677", few, known)), encoding).toBe(encoding === "json");
  });

  it("carries the same list of records in both encodings, also those that a spool still holds as JSON", () => {
    const all = GOLDEN_COMPACT.map((draft, i) =>
      i % 2 === 0 ? numbered(draft, i + 1) : { seq: i + 1, body: Buffer.from(JSON.stringify(draft)) },
    );
    const json: unknown = JSON.parse(Buffer.from(encodeMessage("json", "a spool of no hex", all, known)).toString());
    expect(decodeCompact(encodeMessage("cbor", "a spool of no hex", all, known), known)).toEqual({ records: json });
  });

  it("goes out as CBOR where JSON was wanted and the unit has lost the descriptor", () => {
    const { telemetry } = fullPlanRecords(1)[0]!;
    const bytes = encodeMessage("json", "0011223344556677", [numbered(telemetry)], () => undefined);
    expect(isJson(bytes)).toBe(false);
    expect(decodeCompact(bytes, known)).toHaveProperty("records");
  });

  it("is refused, never read otherwise, after a flip of any bit of a body and after any cut", () => {
    const { telemetry, track } = fullPlanRecords(1)[0]!;
    for (const draft of [telemetry, track, ...GOLDEN_COMPACT.filter((d) => d.kind !== "capture")]) {
      const body = encodeBody(draft, known);
      for (let bit = 0; bit < body.length * 8; bit++) {
        const bad = Uint8Array.from(body);
        bad[bit >> 3]! ^= 1 << (bit & 7);
        expect(decodeBody(bad, known, bodyBudget()), `${draft.kind} bit ${bit}`).not.toHaveProperty("draft");
      }
      const whole = message(draft);
      for (let end = 0; end < whole.length; end++)
        expect(decodeCompact(whole.subarray(0, end), known), `${draft.kind} cut at ${end}`).toHaveProperty("refused");
    }
  });

  it("never throws for random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(1, 2, 3, 4, 0x83, 0x9b), (bytes, first) => {
        decodeCompact(Uint8Array.of(first, ...bytes), known);
        decodeBody(Uint8Array.of(first, ...bytes), known, bodyBudget());
      }),
      { numRuns: 1000 },
    );
  });

  it("makes no more of a few bytes than a message may hold: neither zeros that inflate nor constant columns", async () => {
    const { deflateRawSync, crc32 } = await import("node:zlib");
    const { encode } = await import("cborg");
    const { packColumn } = await import("../../src/codec/compact-generic.ts");
    const sealed = (form: number, bytes: Uint8Array) => {
      const out = Buffer.alloc(5 + bytes.length);
      out[0] = form;
      out.writeUInt32BE(crc32(bytes), 1);
      out.set(bytes, 5);
      return out;
    };
    const zeros = sealed(3, deflateRawSync(encode("a".repeat(8 << 20))));
    expect(zeros.length).toBeLessThan(10_000);
    expect(decodeBody(zeros, known, bodyBudget())).toHaveProperty("refused");
    const long = packColumn(new Array<number>(1 << 20).fill(5));
    expect(long.length).toBeLessThan(20);
    expect(decodeBody(sealed(2, encode({ x: long })), known, bodyBudget())).toEqual({
      refused: "more values than one message may hold",
    });
    const one = sealed(2, encode({ x: packColumn(new Array<number>(60_000).fill(5)) }));
    const many = Array.from({ length: 17 }, (_, i) => ({ seq: i + 1, body: one }));
    expect(decodeCompact(encodeMessage("cbor", "0011223344556677", many.slice(0, 16), known), known)).toHaveProperty(
      "records",
    );
    expect(decodeCompact(encodeMessage("cbor", "0011223344556677", many, known), known)).toHaveProperty("refused");
    const deep = new Uint8Array(200_000).fill(0x81);
    expect(decodeCompact(deep, known)).toHaveProperty("refused");
  });

  it("keeps a record as JSON when it holds more than a short one may", () => {
    const x = Array.from({ length: 70_000 }, (_, i) => i % 7);
    const draft: Draft = {
      ...head,
      ...{ kind: "capture", detector: "d", triggers: [{ name: "e", at: 0 }], peak: 1 },
      channels: { a: { unit: "m/s2", t0: 0, dt: 1, x } },
    };
    expect(isCompact(encodeBody(draft, known))).toBe(false);
    expect(decodeBody(encodeBody(draft, known), known, bodyBudget())).toEqual({ draft });
  });
});
