import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { signText } from "../../src/codec/signed-text.ts";
import type { CmdText, RspMessage } from "../../src/model/downlink.ts";
import { createCommandOps, createNewestPosition } from "../../src/unit/command-ops.ts";
import { type CommandMemory, createCommands } from "../../src/unit/commands.ts";
import { createTimebase } from "../../src/unit/timebase.ts";

const hq = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const NOW = Date.parse("2026-11-23T07:00:00.000Z");

function open(options: { memory?: CommandMemory; utcMs?: number | undefined; fail?: boolean } = { utcMs: NOW }) {
  const done: string[] = [];
  const answers: RspMessage[] = [];
  const refusals: string[] = [];
  const kept: number[] = [];
  const op = (name: string) => () => {
    done.push(name);
    if (options.fail) throw new Error("no");
    return { ok: true, reason: `${name} done` };
  };
  const commands = createCommands({
    ...{ unit: "unit-1", keys: [hq.publicKey], memory: options.memory },
    utcMs: () => options.utcMs,
    ops: { rebirth: op("rebirth"), config: op("config"), snapshot: op("snapshot"), locate: op("locate") },
    async keep() {
      kept.push(commands.memory.serial);
    },
    answer: (payload) => answers.push(JSON.parse(Buffer.from(payload).toString())),
    refused: (reason) => refusals.push(reason),
    done: () => undefined,
  });
  return { commands, done, answers, refusals, kept };
}

function cmd(more: Partial<CmdText> = {}, key = hq.privateKey): Buffer {
  const text: CmdText = {
    ...{ kind: "cmd", unit: "unit-1", id: `c${more.serial ?? 1}`, serial: 1, op: "rebirth" },
    expires: "2026-11-23T08:00:00.000Z",
    ...more,
  };
  return Buffer.from(JSON.stringify(signText(text, key)));
}

describe("commands from HQ", () => {
  it("are done once and answered; a repeated one gets the same answer and is not done again", async () => {
    const { commands, done, answers } = open();
    await commands.heard(cmd(), false);
    await commands.heard(cmd(), false);
    expect(done).toEqual(["rebirth"]);
    expect(answers).toEqual([1, 2].map(() => ({ v: 1, id: "c1", ok: true, reason: "rebirth done" })));
  });

  it("are remembered before they are done, and over a restart", async () => {
    const first = open();
    await first.commands.heard(cmd({ serial: 7, op: "config" }), false);
    expect(first.kept[0]).toBe(7);
    const second = open({ memory: first.commands.memory, utcMs: NOW });
    await second.commands.heard(cmd({ serial: 7, op: "config" }), false);
    expect([second.done, second.answers]).toEqual([[], first.answers]);
  });

  it("that a crash cut off before the answer are answered as not known to be done, and not done again", async () => {
    const { commands, done, answers } = open({ memory: { serial: 7, answers: [] }, utcMs: NOW });
    await commands.heard(cmd({ serial: 7 }), false);
    expect(done).toEqual([]);
    expect(answers).toMatchObject([{ id: "c7", ok: false, reason: expect.stringContaining("not newer than 7") }]);
  });

  it("that are older than one that was done, or have expired, are refused with an answer", async () => {
    const { commands, done, answers } = open();
    await commands.heard(cmd({ serial: 5 }), false);
    await commands.heard(cmd({ serial: 4 }), false);
    await commands.heard(cmd({ serial: 6, expires: "2026-11-23T06:59:59.999Z" }), false);
    expect(done).toEqual(["rebirth"]);
    expect(answers.map((a) => [a.id, a.ok])).toEqual([
      ["c5", true],
      ["c4", false],
      ["c6", false],
    ]);
    expect(answers[2]!.reason).toBe("expired at 2026-11-23T06:59:59.999Z; here it is 2026-11-23T07:00:00.000Z");
  });

  it("are not held to have expired while the time is unknown", async () => {
    const { commands, done } = open({ utcMs: undefined });
    await commands.heard(cmd({ expires: "2020-01-01T00:00:00.000Z" }), false);
    expect(done).toEqual(["rebirth"]);
  });

  it.each([
    ["retained", () => cmd(), true],
    ["signed by another key", () => cmd({}, stranger.privateKey), false],
    ["for another unit", () => cmd({ unit: "unit-2" }), false],
    ["with an op that does not exist", () => cmd({ op: "drive" as "locate" }), false],
    ["no signed text", () => Buffer.from('{"kind":"cmd"}'), false],
    ["no JSON", () => Buffer.from([0, 255, 7]), false],
  ])("that are %s are ignored without an answer, counted, and told once", async (_, make, retained) => {
    const { commands, done, answers, refusals } = open();
    await commands.heard(make(), retained);
    await commands.heard(make(), retained);
    expect([done, answers]).toEqual([[], []]);
    expect(commands.refusedCount).toBe(2);
    expect(refusals.length).toBe(1);
  });

  it("that fail are answered with the reason", async () => {
    const { commands, answers } = open({ fail: true, utcMs: NOW });
    await commands.heard(cmd(), false);
    expect(answers).toEqual([{ v: 1, id: "c1", ok: false, reason: "it failed: no" }]);
  });

  it("are done one after another, and a flood of them is bounded", async () => {
    const { commands, done, refusals } = open();
    await Promise.all(Array.from({ length: 40 }, (_, i) => commands.heard(cmd({ serial: i + 1 }), false)));
    expect(done.length).toBe(16);
    expect(refusals).toEqual(["cmd: too many wait already"]);
  });
});

describe("what commands do", () => {
  const ops = (applyConfig?: (bundle: Uint8Array) => Promise<{ ok: boolean; reason: string }>) =>
    createCommandOps({
      announce: () => undefined,
      state: () => ({ state: "online" }) as never,
      health: () => ({ uptimeS: 1 }) as never,
      locate: () => ({ ok: false, reason: "no position since the start" }),
      applyConfig,
    });

  it("snapshot tells state and health", async () => {
    expect(await ops().snapshot(undefined)).toMatchObject({
      ok: true,
      detail: { state: { state: "online" }, health: { uptimeS: 1 } },
    });
  });

  it("config hands the bytes of the bundle over, and says so where nothing takes them", async () => {
    const taken: string[] = [];
    const apply = async (bundle: Uint8Array) => {
      taken.push(Buffer.from(bundle).toString());
      return { ok: true, reason: "on trial" };
    };
    const args = { bundle: Buffer.from("bundle").toString("base64") };
    expect(await ops(apply).config(args)).toEqual({ ok: true, reason: "on trial" });
    expect(taken).toEqual(["bundle"]);
    expect(await ops(apply).config({ bundle: "not base64!" })).toMatchObject({ ok: false });
    expect(await ops().config(args)).toMatchObject({ ok: false, reason: expect.stringContaining("not available") });
  });

  it("locate tells the newest good position with its age and time, and none when there is none", () => {
    const timebase = createTimebase();
    const columns = ["lat", "lon"].map((name) => ({ name, resolution: 1e-7 }));
    const position = createNewestPosition(columns, timebase);
    expect(position.answer(0)).toMatchObject({ ok: false });
    position.row({ table: 1, monoMs: 1000, values: new Float64Array([13.5, 103.25]), q: new Uint16Array(2) });
    position.row({ table: 1, monoMs: 2000, values: new Float64Array([Number.NaN, 103.25]), q: new Uint16Array(2) });
    position.row({ table: 1, monoMs: 3000, values: new Float64Array([1, 2]), q: new Uint16Array([8, 8]) });
    expect(position.answer(4000)).toEqual({
      ok: true,
      reason: "the newest position is 3 s old",
      detail: { lat: 13.5, lon: 103.25, mono: 1000, ageS: 3, trust: "none" },
    });
  });
});
