import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { decodeCompact } from "../../src/codec/compact-message.ts";
import { openRecordFile } from "../../src/codec/record-file.ts";
import { descriptorBody, LANES, wireRecord } from "../../src/model/record.ts";
import { openSpool } from "../../src/spool/spool.ts";
import { exportRecords, readExportKey, signerOf } from "../../src/unit/export-records.ts";
import { BODY, DESC } from "../hq/records.ts";
import { ModelFiles } from "../rigs/model-files.ts";

const hq = generateKeyPairSync("x25519");
const dir = mkdtempSync(join(tmpdir(), "swath-export-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const head = (mono: number) => ({ v: 1, boot: "boot-0001", mono, trust: "gnss" });
const draft = (mono: number) => Buffer.from(JSON.stringify({ ...head(mono), kind: "anchor", offsetMs: mono }));
const longDraft = (mono: number, pad: string) =>
  Buffer.from(
    JSON.stringify({ ...head(mono), kind: "event", name: "rock_strikes", severity: "info", detail: { pad } }),
  );

async function spoolOf(counts: Partial<Record<(typeof LANES)[number], number>>, pad = "") {
  const spool = await openSpool({
    ...{ dir: "/spool", files: new ModelFiles(), clock: { monoMs: () => 0 } },
    maxBytes: 4 << 20,
  });
  for (const lane of LANES)
    for (let i = 1; i <= (counts[lane] ?? 0); i++) void spool.append(lane, pad === "" ? draft(i) : longDraft(i, pad));
  await spool.flush();
  return spool;
}

type Exported = Parameters<typeof exportRecords>[0]["spool"];

/** The file, and what HQ reads in it. */
async function exported(spool: Exported, maxBytes = 1 << 24, during: () => void = () => undefined) {
  const parts: Uint8Array[] = [];
  const ending = await exportRecords(
    {
      ...{
        spool,
        descriptors: new Map([[DESC, descriptorBody.parse(BODY)]]),
        identity: { org: "cmac", unit: "u1" },
        machine: "m1",
      },
      ...{ made: undefined, reader: hq.publicKey, signer: undefined },
      gapBody: (from, to, reason) => ({
        v: 1,
        kind: "gap",
        boot: "boot-0001",
        mono: 7,
        trust: "none",
        from,
        to,
        reason,
      }),
    },
    maxBytes,
    async (bytes) => {
      during();
      parts.push(Buffer.from(bytes));
    },
  );
  const file = Buffer.concat(parts);
  const opened = openRecordFile(file, hq.privateKey);
  if ("refused" in opened) throw new Error(opened.refused);
  const records = opened.messages.flatMap(({ cls, payload }) => {
    if (cls === "desc") return [];
    const list = payload[0] === 0x7b ? [JSON.parse(Buffer.from(payload).toString()) as unknown] : undefined;
    const read = list ?? compact(payload);
    return read.map((record) => ({ lane: cls, ...wireRecord.parse(record) }));
  });
  return { ending, file, opened, records };
}

function compact(payload: Uint8Array): readonly unknown[] {
  const read = decodeCompact(payload, () => undefined);
  if (!("records" in read)) throw new Error(JSON.stringify(read));
  return read.records;
}

describe("an export of records", () => {
  it("holds every record that is not freed, events first, in their order, and frees and marks nothing", async () => {
    const spool = await spoolOf({ event: 3, log: 100, bulk: 2 });
    spool.free("log", 10);
    const before = LANES.map((lane) => [spool.unsent(lane), spool.first(lane), spool.unconfirmed(lane)]);
    const { ending, opened, records } = await exported(spool);
    const id = spool.spoolId;
    expect(ending).toEqual({
      ...{ records: 95, left: 0 },
      ranges: [
        { spool: id, lane: "event", from: 1, to: 3 },
        { spool: id, lane: "log", from: 11, to: 100 },
        { spool: id, lane: "bulk", from: 1, to: 2 },
      ],
    });
    expect(opened.ending).toEqual(ending);
    expect(records.map(({ lane, seq, mono }) => [lane, seq, mono])).toEqual([
      ...[1, 2, 3].map((n) => ["event", n, n]),
      ...Array.from({ length: 90 }, (_, i) => ["log", i + 11, i + 11]),
      ...[1, 2].map((n) => ["bulk", n, n]),
    ]);
    expect(records.every((record) => record.spool === id)).toBe(true);
    expect(LANES.map((lane) => [spool.unsent(lane), spool.first(lane), spool.unconfirmed(lane)])).toEqual(before);
    expect(opened.messages[0]).toMatchObject({ cls: "desc" });
  });

  it("stops where there is no more room, says how many are left, and events come before the log", async () => {
    const spool = await spoolOf({ event: 20, log: 2000 }, "x".repeat(400));
    const { ending, file, records } = await exported(spool, 600_000);
    expect(file.length).toBeLessThanOrEqual(600_000);
    expect(records.filter(({ lane }) => lane === "event")).toHaveLength(20);
    expect(ending.left).toBeGreaterThan(500);
    expect(ending.records + ending.left).toBe(2020);
    expect(records).toHaveLength(ending.records);
    expect(ending.ranges.at(-1)).toMatchObject({ lane: "log", from: 1, to: ending.records - 20 });
  });

  it("does not hold what comes while it is written", async () => {
    const spool = await spoolOf({ log: 100 });
    let first = true;
    const { ending } = await exported(spool, 1 << 24, () => {
      if (first) void spool.append("log", draft(999));
      first = false;
    });
    await spool.flush();
    expect(ending.ranges).toEqual([expect.objectContaining({ from: 1, to: 100 })]);
    expect(spool.newest("log")).toBe(101);
  });

  it("has a hole in the place of what is gone, also of an older spool", async () => {
    const stored = {
      "old-spool": [
        { seq: 1, body: draft(1) },
        { seq: 2, gap: { from: 2, to: 4, reason: "corrupt" as const } },
        { seq: 5, body: draft(5) },
      ],
      "new-spool": [{ seq: 1, body: draft(101) }],
    };
    type Id = keyof typeof stored;
    const spool: Exported = {
      spoolId: "new-spool",
      spools: () => Object.keys(stored),
      first: () => 1,
      newest: (lane, id = "new-spool") => (lane === "log" ? (id === "old-spool" ? 5 : 1) : 0),
      read: async (_, from, __, ___, id = "new-spool") => stored[id as Id].filter((r) => r.seq >= from),
    };
    const { ending, records } = await exported(spool);
    expect(records.map(({ spool: id, seq, kind }) => [id, seq, kind])).toEqual([
      ["old-spool", 1, "anchor"],
      ["old-spool", 2, "gap"],
      ["old-spool", 5, "anchor"],
      ["new-spool", 1, "anchor"],
    ]);
    expect(ending).toMatchObject({
      left: 0,
      ranges: [
        { from: 1, to: 5 },
        { from: 1, to: 1 },
      ],
    });
  });

  it("rejects when the medium takes no more", async () => {
    const spool = await spoolOf({ log: 500 }, "x".repeat(400));
    const failing = exported(spool, 1 << 24, () => {
      throw new Error("ENOSPC");
    });
    await expect(failing).rejects.toThrow("ENOSPC");
  });
});

describe("the keys of an export", () => {
  it("are HQ's of X25519, or it is said why not", () => {
    const pem = (name: string, text: string | Buffer) => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const good = pem("good.pem", hq.publicKey.export({ format: "pem", type: "spki" }));
    expect(readExportKey(good)).not.toBeTypeOf("string");
    const signing = generateKeyPairSync("ed25519").publicKey.export({ format: "pem", type: "spki" });
    expect(readExportKey(pem("ed.pem", signing))).toMatch(/type ed25519, expected x25519/);
    const secret = hq.privateKey.export({ format: "pem", type: "pkcs8" });
    expect(readExportKey(pem("secret.pem", secret))).toMatch(/is a private key, which stays at HQ/);
    expect(readExportKey(pem("text.pem", "no key"))).toMatch(/cannot be read/);
    expect(readExportKey(join(dir, "none"))).toMatch(/ENOENT/);
    expect(readExportKey(undefined)).toMatch(/no export key of HQ is set/);
    expect(signerOf(undefined)).toBeUndefined();
    expect(signerOf({ cert: "a", key: "no key" })).toBeUndefined();
  });
});
