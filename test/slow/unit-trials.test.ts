import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { openBundle } from "../../src/config/bundle.ts";
import { flattenConfig } from "../../src/config/flatten.ts";
import { loadConfig } from "../../src/config/load.ts";
import { slotState } from "../../src/config/trial.ts";
import { runSlotted, type TrialTimes } from "../../src/unit/slotted.ts";
import { startUnit } from "../../src/unit/unit.ts";
import { keyPair, sealed } from "../config/sealed.ts";
import { type BrokerEar, listenAt } from "../rigs/broker-ear.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { launch, runSwath, type UnitRig, until } from "../rigs/unit.ts";

const hq = keyPair();
const GOOD = { holdMs: 4000, limitMs: 60_000 };
/** What hangs or starves is seen after 5 s of silence: it must not be kept before. */
const EVIL = { holdMs: 8000, limitMs: 15_000 };
const ROUNDS = Number(process.env["SWATH_KILL_ROUNDS"] ?? 4);
/** The long form runs beside other work, at the lowest priority. */
const PATIENCE_MS = 300_000;
let dir: string;
let broker: Mosquitto;
let ear: BrokerEar;
let stop: () => Promise<void> = async () => undefined;
/** What the lamp was told of deliveries. */
let signs: string[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "swath-trials-"));
  mkdirSync(join(dir, "slots/inbox"), { recursive: true });
  broker = await startMosquitto();
  ear = await listenAt(broker.port);
});
afterEach(async () => {
  await stop();
  stop = async () => undefined;
  signs = [];
  await ear.close();
  await broker.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** A bundle of a simulated machine; `change` is made to the text of its unit file. */
function bundle(serial: number, change = (text: string) => text): Buffer {
  const file = join(dir, "unit.yaml");
  const config = {
    org: "test",
    unit: "unit-1",
    machine: "machine-1",
    broker: { url: `mqtt://127.0.0.1:${broker.port}` },
    spool: { dir: join(dir, "spool"), maxMb: 64 },
    buses: { i2c1: { kind: "i2c", device: 1, clockHz: 400000 } },
    parts: {
      shock: { part: "adxl375", bus: "i2c1", address: 0x1d, options: { mode: "stream", odrHz: 800 } },
      supply: { part: "ina228", bus: "i2c1", address: 0x40, options: { shuntOhm: 0.015, maxA: 10 } },
    },
    channels: { shock_x: { from: "shock.shockX", label: "Shock" }, volts: { from: "supply.voltage", stats: ["mean"] } },
    rows: { everyMs: 500, batch: 4 },
    simulation: { seed: 3 },
  };
  writeFileSync(file, change(JSON.stringify(config)));
  const loaded = loadConfig(file, { catalogue });
  return sealed(hq.secret, {
    org: "test",
    serial,
    config: loaded.hash,
    expires: "2099-01-01T00:00:00.000Z",
    files: flattenConfig(loaded, catalogue),
  });
}

function deliver(name: string, bytes: Buffer): void {
  writeFileSync(join(dir, "new"), bytes);
  renameSync(join(dir, "new"), join(dir, "slots/inbox", name));
}
const answer = (name: string) => readFileSync(join(dir, "slots/inbox", `${name}.txt`), "utf8");

/** The unit in this process with the real sampler, which can be told to be evil. */
function start(times: TrialTimes, isRehearsed = true): void {
  let end: () => void = () => undefined;
  const asked = new Promise<void>((done) => {
    end = done;
  });
  const log = pino({ level: "silent" });
  const over = runSlotted({
    dir: join(dir, "slots"),
    inbox: join(dir, "slots/inbox"),
    keys: [hq.known],
    catalogue,
    boot: randomUUID(),
    log,
    times,
    sign: { show: (delivery) => void signs.push(delivery), now: () => undefined },
    ...(isRehearsed ? { rehearsalEntry: resolve(import.meta.dirname, "../../dist/src/unit/rehearsal-main.js") } : {}),
    asked,
    start: (config, told) =>
      startUnit({
        config,
        bundle: told,
        software: "test",
        samplerEntry: resolve(import.meta.dirname, "../rigs/evil-sampler.mjs"),
        log,
      }),
  });
  stop = async () => {
    end();
    await over;
  };
}

const runs = (serial: number, trial: boolean) => () =>
  ear.state?.state === "online" && ear.state.bundle?.serial === serial && ear.state.bundle.trial === trial;
const events = (name: string) => ear.ofKind("event", "event").filter((e) => e.name === name);

async function startWithFirst(times: TrialTimes): Promise<void> {
  start(times);
  deliver("1.swath", bundle(1));
  await until("the first configuration to run", runs(1, false));
  await until("records", () => ear.ofKind("telemetry").length >= 2);
}

it("a configuration that does well is tried and kept by itself, with a record of both; what is wrong changes nothing", async () => {
  await startWithFirst(GOOD);
  mkdirSync(join(dir, "slots/recordings"));
  const recording = join(dir, "slots/recordings/day.rec");
  await runSwath(["record", "--config", join(dir, "unit.yaml"), "--out", recording, "--for", "3"]);
  deliver(
    "old.swath",
    bundle(1, (t) => t.replace("Shock", "Old")),
  );
  await until("an answer", () => readdirSync(join(dir, "slots/inbox")).includes("old.swath.txt"));
  expect(answer("old.swath")).toContain("REFUSED: it is older than what was here");
  deliver(
    "2.swath",
    bundle(2, (t) => t.replace("Shock", "Blow")),
  );
  await until("the trial", runs(2, true));
  await until("the commit", runs(2, false), 60_000);
  expect(answer("2.swath")).toContain("label: Shock ⇒ Blow");
  expect(answer("2.swath")).toMatch(/Rehearsed with day.rec:\n(.*\n)*.*the events are the same/);
  expect(readFileSync(join(dir, "slots/inbox/verdict.txt"), "utf8")).toMatch(/^serial [12] committed: /);
  await until("its record", () => events("config_committed").some((e) => e.detail["serial"] === 2));
  expect(events("config_refused")).toHaveLength(1);
  expect(events("config_trial").map((e) => e.detail["serial"])).toEqual([2]);
  const inOneLine = /^\d+ s of the rings: 0 columns differ.*; 3 s of recording: 0 columns differ/;
  expect(events("config_trial")[0]?.detail["rehearsal"]).toMatch(inOneLine);
  expect(ear.state?.bundle?.rehearsal).toMatch(inOneLine);
  expect(signs).toEqual(["reading", "accepted", "reading", "refused", "reading", "accepted"]);
  await stop();
  // Throws for a record that is missing.
  await ear.settle();
  expect(ear.whole("log").length).toBeGreaterThan(2);
});

it("what would make nothing usable of the seconds in the rings is refused, and one that only differs shows how", async () => {
  await startWithFirst(GOOD);
  const useless = (t: string) => t.replace('"label":"Shock"', '"label":"Shock","filters":[{"plausible":{"max":-1e6}}]');
  deliver("2.swath", bundle(2, useless));
  await until("an answer", () => readdirSync(join(dir, "slots/inbox")).includes("2.swath.txt"));
  const words = /replayed with the rings: all \d+ values of shock_x are marked unusable, and what runs now makes \d+/;
  expect(answer("2.swath")).toMatch(words);
  await until("its record", () => events("config_refused").some((e) => words.test(String(e.detail["reason"]))));
  await until("the word of it", () => words.test(ear.state?.bundle?.refused ?? ""));
  expect(ear.state?.bundle).toMatchObject({ serial: 1, trial: false });
  const twice = (t: string) => t.replace('"label":"Shock"', '"label":"Shock","filters":[{"multiply":2}]');
  deliver("3.swath", bundle(3, twice));
  await until("the trial", runs(3, true));
  expect(answer("3.swath")).toMatch(/Rehearsed with the rings:\n.*\n {2}shock_x: mean \S+ ⇒ \S+, least \S+ ⇒ \S+,/);
  expect(ear.state?.bundle?.refused).toBeUndefined();
  await stop();
  // Without the rehearsal it would be tried.
  start(GOOD, false);
  await until("no trial", runs(3, false), 60_000);
  deliver("4.swath", bundle(4, useless));
  await until("the trial", runs(4, true));
  expect(answer("4.swath")).not.toContain("Rehearsed");
}, 200_000);

it.each([
  ["crash", (t: string) => t.replace('"label":"Shock"', '"label":"EVIL-CRASH"'), /the sampler ended/],
  [
    "hang",
    (t: string) => t.replace('"label":"Shock"', '"label":"EVIL-HANG"'),
    /the sampler has been silent|the sampler ended/,
  ],
  [
    "starve",
    (t: string) => t.replace('"label":"Shock"', '"label":"EVIL-STARVE"'),
    /no row has come|silent|rows are lost|loop is/,
  ],
  [
    "flood",
    (t: string) =>
      t.replace('"rows"', '"detectors":{"chatter":{"limit":{"channel":"shock_x","above":0.2,"releaseAt":0}}},"rows"'),
    /floods the spool/,
  ],
])(
  "a configuration that makes the sampler %s is taken back by itself, and every record from before is there",
  async (_, change, words) => {
    await startWithFirst(EVIL);
    const spool = ear.state?.spool;
    deliver("2.swath", bundle(2, change));
    await until("the trial", runs(2, true));
    await until("the old one again", runs(1, false), 100_000);
    expect(ear.state?.bundle?.last).toContain("serial 2 reverted");
    expect(ear.state?.bundle?.last).toMatch(words);
    await until("its record", () => events("config_reverted").length === 1);
    const before = ear.ofKind("telemetry").length;
    await until("records again", () => ear.ofKind("telemetry").length > before + 1);
    expect(ear.state?.spool).toBe(spool);
    await stop();
    // Throws for a record that is missing.
    await ear.settle();
    expect(ear.whole("log").length).toBeGreaterThan(2);
  },
  200_000,
);

it("kill -9 at any moment of applying, on real files: the old or the new runs, and the spool goes on", async () => {
  const keys = join(dir, "keys");
  mkdirSync(keys);
  const { formatPublicKey } = await import("../../src/codec/minisign.ts");
  writeFileSync(join(keys, "hq.pub"), formatPublicKey(hq.known));
  const args = ["run", "--slots", join(dir, "slots"), "--keys", keys, "--trial-s", "1"];
  let unit: UnitRig = launch(args);
  stop = async () => void (await unit.stop());
  deliver("1.swath", bundle(1));
  await until("the first configuration to run", runs(1, false));
  const spool = ear.state?.spool;
  let serial = 1;
  /** Serial of what ran before the newest was delivered. */
  let before = 1;
  const seen = { before: 0, trial: 0, kept: 0, reverted: 0 };
  let mixed = 0;
  const began = Date.now();
  for (let kill = 0; kill < ROUNDS; kill++) {
    serial++;
    deliver(`${serial}.swath`, bundle(serial));
    // From the delivery over the switch into the trial; in the long form at any instant of it.
    const afterMs = ROUNDS === 4 ? kill * 1500 : Math.random() * 8000;
    await new Promise((done) => setTimeout(done, afterMs));
    unit.kill("SIGKILL");
    await unit.exit;
    if (!isWhole(serial, before)) mixed++;
    const state = readState();
    seen[state.trial !== undefined ? "trial" : state.serial === serial ? "kept" : "before"]++;
    unit = launch(args);
    await unit.until("a unit that runs", () => unit.output.includes("sampler started"), PATIENCE_MS);
    // A computer with too much to do may let a trial fail: then the one before runs, as it must.
    const isOver = () => ear.state?.state === "online" && ear.state.bundle?.trial === false && isDecided(serial);
    await unit.until("no trial", isOver, PATIENCE_MS);
    const runsNow = ear.state?.bundle?.serial;
    if (runsNow !== serial && readState().last?.outcome === "reverted") seen.reverted++;
    else if (runsNow !== serial) mixed++;
    if (!isWhole(serial, before) || ear.state?.spool !== spool) mixed++;
    before = runsNow ?? 0;
    expect(mixed, `after kill ${kill + 1}`).toBe(0);
  }
  const words = `kill -9 while a configuration is applied: ${ROUNDS}, in ${Math.round((Date.now() - began) / 1000)} s\nstate found after the kill: ${seen.before} not stored yet, ${seen.trial} on trial, ${seen.kept} kept already\nmixed states: ${mixed}; afterwards ${ROUNDS - seen.reverted} ran the newest configuration and ${seen.reverted}, taken back by their trial, the one before, all on the same spool\n`;
  console.log(words);
  const file = process.env["SWATH_KILL_RESULT"];
  if (file !== undefined) writeFileSync(file, words);
}, 3_600_000);

const readState = () => slotState.parse(JSON.parse(readFileSync(join(dir, "slots/slots.json"), "utf8")));

/** Whether the newest one has been taken and its trial is over. */
function isDecided(newest: number): boolean {
  const { serial, trial } = readState();
  return serial === newest && trial === undefined;
}

/** Whether the small file can be read and the slot that counts, and the one on trial, hold what was signed. */
function isWhole(newest: number, before: number): boolean {
  const state = readState();
  const serialIn = (slot: string) => {
    const opened = openBundle(readFileSync(join(dir, `slots/${slot}.swath`)), [hq.known]);
    return "refused" in opened ? undefined : opened.bundle.serial;
  };
  const active = serialIn(state.active);
  if (state.trial !== undefined) return active === before && serialIn(state.trial.slot) === newest;
  return active === newest || active === before;
}
