import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { healthMessage, stateMessage } from "../../src/model/record.ts";
import { createDeliverySign } from "../../src/unit/delivery-sign.ts";
import { createRecentLines } from "../../src/unit/recent-lines.ts";
import { type AskedUnit, createStick, type ExportTo } from "../../src/unit/stick.ts";
import { stateMessage as someState } from "../hq/messages.ts";

let dir: string;
let inbox: string;
let outbox: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "swath-stick-"));
  inbox = join(dir, "inbox");
  outbox = join(dir, "outbox");
  mkdirSync(inbox);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const ending = { records: 7, left: 0, ranges: [] };
const good: ExportTo = async (_, write) => {
  await write(Buffer.from("sealed "));
  await write(Buffer.from("bytes"));
  return { ending, signed: true };
};

function unitOf(exportTo: ExportTo = good) {
  const told: string[] = [];
  const unit: AskedUnit = {
    report: () => ({
      ...{ org: "cmac", unit: "u1", machine: "m1", linkError: "ECONNREFUSED" },
      state: stateMessage.parse({
        ...someState("online"),
        bundle: { serial: 7, trial: false, last: "serial 7 committed: all is well" },
      }),
      health: healthMessage.parse({
        ...{ v: 1, boot: "boot-aaaa", mono: 5, uptimeS: 61, rssMb: { unit: 60 }, undervoltage: true, diskFreeMb: 900 },
        spool: { bytes: 123, state: "ok", unsent: { event: 0, log: 3, bulk: 0 } },
        link: { connected: false, connects: 0, refused: 0 },
        sampler: { restarts: 2, framesLost: 0, losses: {} },
        sources: { shock: { state: "failed", part: "adxl375", counters: { busErrors: 12 } } },
      }),
    }),
    exportTo,
    async tell(name, severity) {
      told.push(`${name} ${severity}`);
    },
  };
  return { unit, told };
}

const lines = createRecentLines(2);
let nowMs = 0;
const sign = createDeliverySign(() => nowMs);
const stickOf = (maxBytes?: number) =>
  createStick({
    ...{
      inbox,
      outbox,
      software: "0.1.0",
      lines: lines.lines,
      log: pino({ level: "silent" }),
      nowMs: () => nowMs,
      sign,
    },
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
const ask = (what: "report" | "records", text = "") => writeFileSync(join(inbox, `swath-${what}.request`), text);
const answer = (what: "report" | "records") => readFileSync(join(inbox, `swath-${what}.request.txt`), "utf8");
const report = () => readFileSync(join(outbox, "report.txt"), "utf8");

async function looked(unit: AskedUnit | undefined, stick = stickOf()): Promise<void> {
  stick.look(unit);
  await stick.idle();
}

describe("a stick that asks", () => {
  it("for a report gets what a person needs, whole, with a check sum, and is told of in an event", async () => {
    for (const level of [40, 50, 50])
      lines.write(`${JSON.stringify({ level, time: 0, name: "swath", code: "bus/timeout", msg: `fault ${level}` })}\n`);
    const { unit, told } = unitOf();
    ask("report");
    await looked(unit);
    expect(answer("report")).toBe("DONE: report written\n");
    expect(readdirSync(outbox).sort()).toEqual(["report.txt", "unit"]);
    expect(readFileSync(join(outbox, "unit"), "utf8")).toBe("u1");
    for (const line of [
      "Swath unit u1 on machine m1, organisation cmac",
      "serial 7",
      "last configuration: serial 7 committed: all is well",
      "sampler running, restarted 2 times",
      "shock (adxl375): failed; busErrors 12",
      "not sent: event 0, log 3, bulk 0",
      "link: not connected",
      "last error: ECONNREFUSED",
      "UNDERVOLTAGE, 900 MB free",
      "records for HQ: not asked for",
      'warnings and errors, the newest 2:\n  1970-01-01T00:00:00.000Z error fault 50 {"code":"bus/timeout"}',
    ])
      expect(report()).toContain(line);
    const [, all, sum] = /^([\s\S]*)sha256 of all above: ([0-9a-f]{64})\n$/.exec(report()) ?? [];
    expect(
      createHash("sha256")
        .update(all ?? "")
        .digest("hex"),
    ).toBe(sum);
    expect(told).toEqual(["stick_answered info"]);
    expect(existsSync(join(inbox, "swath-report.request"))).toBe(false);
  });

  it("for records gets them and a report that says so; what lay in the outbox before is gone", async () => {
    mkdirSync(outbox);
    writeFileSync(join(outbox, "records.sealed.new"), "half of an earlier one");
    writeFileSync(join(outbox, "records.sealed"), "an earlier one");
    ask("records", "u0\nu1\n");
    await looked(unitOf().unit);
    expect(readFileSync(join(outbox, "records.sealed"), "utf8")).toBe("sealed bytes");
    expect(answer("records")).toBe("DONE: 7 records written, sealed for HQ\n");
    expect(report()).toContain("records for HQ: DONE: 7 records written");
    expect(readdirSync(outbox).sort()).toEqual(["records.sealed", "report.txt", "unit"]);
  });

  it("is told plainly that records were not written where there is no export key, and gets the report all the same", async () => {
    const { unit, told } = unitOf(async () => ({ refused: "no export key of HQ is set (hq.exportKeyFile)" }));
    ask("records");
    ask("report");
    await looked(unit);
    const said = "REFUSED: no export key of HQ is set (hq.exportKeyFile); records were not written";
    expect(answer("records")).toBe(`${said}\n`);
    expect(answer("report")).toBe("DONE: report written\n");
    expect(report()).toContain(`records for HQ: ${said}`);
    expect(readdirSync(outbox).sort()).toEqual(["report.txt", "unit"]);
    expect(told).toEqual(["stick_refused warning", "stick_answered info"]);
  });

  it("is told what the file had no room for, and when it is not signed", async () => {
    ask("records");
    await looked(unitOf(async () => ({ ending: { ...ending, left: 5 }, signed: false })).unit);
    expect(answer("records")).toBe(
      "DONE: 7 records written, sealed for HQ, NOT SIGNED because the unit has no certificate; 5 had no room\n",
    );
  });

  it("for another unit gets nothing", async () => {
    ask("records", "u2 u3");
    await looked(unitOf().unit);
    expect(answer("records")).toBe("REFUSED: it is for u2, u3, this is u1\n");
    expect(readdirSync(outbox)).toEqual(["unit"]);
  });

  it("finds a unit without a configuration able to say so", async () => {
    ask("report");
    ask("records");
    await looked(undefined);
    expect(report()).toMatch(/^Swath unit: no configuration runs on it\nsoftware 0\.1\.0/);
    expect(answer("records")).toMatch(/^REFUSED: no configuration runs/);
  });

  it.each<[string, () => void]>([
    ["a link", () => symlinkSync("/etc/hostname", join(inbox, "swath-report.request"))],
    ["a folder", () => mkdirSync(join(inbox, "swath-report.request"))],
    ["more than is read", () => ask("report", "u1 ".repeat(5000))],
  ])("with %s is refused", async (_, plant) => {
    plant();
    await looked(unitOf().unit);
    expect(answer("report")).toMatch(/^REFUSED: it is not a plain file/);
    expect(readdirSync(outbox)).toEqual(["unit"]);
  });

  it("leaves no half of a file when the card fails in the middle, and says so", async () => {
    const { unit } = unitOf(async (_, write) => {
      await write(Buffer.alloc(1000));
      throw new Error("EIO: i/o error");
    });
    ask("records");
    await looked(unit);
    expect(readdirSync(outbox)).toEqual([]);
    expect(answer("records")).toMatch(/^REFUSED: it could not be written: EIO/);
  });

  it("waits for nobody: one request is answered at a time while the loop goes on looking", async () => {
    let runs = 0;
    let go: () => void = () => undefined;
    const held = new Promise<void>((done) => {
      go = done;
    });
    const { unit } = unitOf(async () => {
      runs++;
      await held;
      return { ending, signed: true };
    });
    const stick = stickOf();
    ask("records");
    for (let i = 0; i < 5; i++) {
      stick.look(unit);
      await new Promise((turn) => setTimeout(turn, 5));
    }
    expect(existsSync(join(inbox, "swath-records.request.txt"))).toBe(false);
    go();
    await stick.idle();
    expect(runs).toBe(1);
    expect(answer("records")).toMatch(/^DONE/);
    await looked(unit, stick);
    expect(runs).toBe(1);
  });

  it("is shown as being read until its files are carried away, then as done or refused, and no longer after ten minutes", async () => {
    const stick = stickOf();
    const { unit } = unitOf();
    expect(stick.state()).toBeNull();
    ask("report");
    stick.look(unit);
    await stick.idle();
    expect(stick.state()).toEqual({ state: "reading", said: "DONE: report written" });
    expect(sign.now()).toBe("reading");
    await looked(unit, stick);
    expect(stick.state()).toMatchObject({ state: "reading" });
    rmSync(join(outbox, "unit"));
    await looked(unit, stick);
    expect(stick.state()).toMatchObject({ state: "done" });
    expect(sign.now()).toBe("accepted");
    nowMs += 601_000;
    expect(stick.state()).toBeNull();
    ask("report", "u9");
    await looked(unit, stick);
    rmSync(join(outbox, "unit"));
    await looked(unit, stick);
    expect(stick.state()).toEqual({ state: "refused", said: "REFUSED: it is for u9, this is u1" });
    expect(sign.now()).toBe("refused");
  });
});
