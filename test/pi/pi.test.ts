import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COPIES_AT, identityBytes } from "../../devices/at24c32.ts";
import type { LiveMessage } from "../../src/model/record.ts";
import { type BrokerEar, listenAt } from "../rigs/broker-ear.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { bootPi, HOST_FROM_PI, type PiMachine } from "../rigs/pi/machine.ts";
import { protocol } from "../rigs/pi/protocol.ts";
import { type Hole, holesIn } from "../rigs/row-holes.ts";
import {
  flashFiles,
  type InstalledRun,
  installedRun,
  installFiles,
  itIsInstalled,
  LEFT,
} from "../rigs/systemd/installed.ts";
import { until } from "../rigs/unit.ts";

/** Where the emulated Pi is kept between runs: some 3 GB. */
const work = resolve(process.env["SWATH_PI_DIR"] ?? "var/pi");
const root = resolve(import.meta.dirname, "../..");
/** For everything that is waited for: an emulated machine on a host that has others to serve. */
const LIMIT_MS = 1_800_000;
const NODE = "/rig/swath/node/bin/node";
const SWATH = "/rig/swath/dist/src/cli/main.js";
const SERIAL = 20_260_042;
const OTHER_SERIAL = 31_415_926;
/** Quality bits of a value that is none. */
const BAD = 0b1110;

let broker: Mosquitto;
let ear: BrokerEar;
/** Hears the unit that is installed. */
let installedEar: BrokerEar;
beforeAll(async () => {
  for (const script of ["prepare.sh", "image.sh"])
    execFileSync(join(root, "test/rigs/pi", script), [work], { stdio: "inherit", cwd: root });
  broker = await startMosquitto();
  ear = await listenAt(broker.port, "pi");
  installedEar = await listenAt(broker.port, "pi-installed");
});
afterAll(async () => {
  await ear?.close();
  await installedEar?.close();
  await broker?.stop();
});

function eeprom(serial: number, sequence: number): Uint8Array {
  const rom = new Uint8Array(4096).fill(0xff);
  for (const at of COPIES_AT) rom.set(identityBytes({ sequence, serial, revision: 2, gain: 1 }), at);
  return rom;
}

const config = (unit: string, spoolDir: string) => ({
  org: "test",
  unit,
  machine: "machine-1",
  broker: { url: `mqtt://${HOST_FROM_PI}:${broker.port}` },
  spool: { dir: spoolDir, maxMb: 16 },
  buses: { i2c1: { kind: "i2c", device: 1 } },
  parts: {
    temp: { part: "tmp105", bus: "i2c1", address: 0x48 },
    clock: { part: "ds1338", bus: "i2c1", options: { everyMs: 1000 } },
    ident: { part: "at24c32", bus: "i2c1", address: 0x50, options: { everyMs: 1000 } },
  },
  channels: {
    temperature: { from: "temp.temperature", stats: ["last"] },
    utc: { from: "clock.utc", stats: ["last"] },
    serial: { from: "ident.serial", stats: ["last"] },
  },
  rows: { everyMs: 1000, batch: 5 },
  live: { everyMs: 200 },
});

/** A protocol that is also shown while it is written. */
function tell(title: string) {
  const lines = protocol(title);
  return {
    add(what: string) {
      lines.add(what);
      console.log(what);
    },
    write(file: string) {
      mkdirSync(join(root, "docs/results"), { recursive: true });
      writeFileSync(join(root, "docs/results", file), lines.text());
    },
  };
}

/** The newest good value of a column. */
const good = (heard: BrokerEar, column: string): number | undefined =>
  heard.lives.findLast(({ body }) => isGood(body, column))?.body.c[column] ?? undefined;
const isGood = (live: LiveMessage, column: string) =>
  live.c[column] !== undefined && live.c[column] !== null && ((live.q?.[column] ?? 0) & BAD) === 0;
const near = (goal: number) => (value: number) => Math.abs(value - goal) <= 30;
const nowS = () => Date.now() / 1000;

/** What is waited for at HQ's broker while a Pi runs. */
function watch(pi: PiMachine, heard: BrokerEar) {
  const wait = <T>(what: string, check: () => T) =>
    until(what, check, LIMIT_MS, () =>
      [heard.state, heard.lives.at(-1)?.body].map((m) => JSON.stringify(m)).join("\n"),
    );
  return {
    wait,
    /** Waits for a good value that fits, among those that come from now on. */
    async reads(column: string, fits: (value: number) => boolean): Promise<number> {
      const from = heard.lives.length;
      const found = await wait(`another ${column}`, () =>
        heard.lives.slice(from).find(({ body }) => isGood(body, column) && fits(body.c[column]!)),
      );
      return found.body.c[column]!;
    },
    runs: () => ["temp", "clock", "ident"].every((part) => heard.state?.sources[part] === "running"),
    sh: (line: string) => pi.run(line, LIMIT_MS),
    plug: (isIn: boolean) => pi.run(`busybox i2cset -y 1 0x70 ${isIn ? 1 : 0}`, LIMIT_MS),
  };
}

it("the whole unit on a Raspberry Pi 3B reads thermometer, clock and EEPROM over the Pi's own I2C controller, and HQ's broker has what they are changed to", async () => {
  const told = tell("The whole unit on an emulated Raspberry Pi 3B (npm run test:pi)");
  const files = { "unit.json": JSON.stringify(config("pi", "/var/spool/swath")) };
  const pi = bootPi(work, { first: "plain", files, eeprom: eeprom(SERIAL, 1) });
  const { wait, reads, runs, sh, plug } = watch(pi, ear);
  try {
    told.add(`booted: ${await pi.up(LIMIT_MS)}`);
    expect(await plug(true)).toMatchObject({ code: 0 });
    await pi.setTemperature(25);
    await sh(
      `mkdir -p /var/spool/swath; (${NODE} ${SWATH} run --config /rig/unit.json >/run/unit.log 2>&1; echo $? >/run/unit.code) & echo started`,
    );
    await wait("every part to run", runs);
    told.add(`runs: ${ear.state?.software}, ${Object.keys(ear.state?.sources ?? {}).join(", ")}`);
    expect(await reads("temperature", (value) => value === 25)).toBe(25);
    told.add("thermometer at 25 °C, received 25");

    for (const cel of [-12.5, 40.25]) {
      await pi.setTemperature(cel);
      told.add(`thermometer set to ${cel} °C`);
      told.add(`received ${await reads("temperature", (value) => value === cel)}`);
    }
    expect(near(await reads("utc", () => true))(nowS())).toBe(true);
    pi.setClockAhead(86_400);
    told.add("clock put forward by 86400 s");
    const ahead = await reads("utc", (value) => near(value - 86_400)(nowS()));
    told.add(`received a time ${Math.round(ahead - nowS())} s ahead`);

    expect(good(ear, "serial")).toBe(SERIAL);
    pi.setEeprom(eeprom(OTHER_SERIAL, 2));
    told.add(`EEPROM, serial number ${SERIAL}, written anew with ${OTHER_SERIAL}`);
    told.add(`received ${await reads("serial", (value) => value === OTHER_SERIAL)}`);

    await plug(false);
    const gone = await wait("the pulled plug", () => {
      const state = ear.state?.sources["temp"];
      return state === "running" ? undefined : state;
    });
    expect(gone).toMatch(/absent|failed|degraded/);
    expect(ear.state?.sources).toMatchObject({ clock: "running", ident: "running" });
    await wait("no thermometer", () => {
      const live = ear.lives.at(-1)?.body;
      return live !== undefined && !isGood(live, "temperature");
    });
    told.add(`thermometer's plug pulled: ${gone}, no value; clock and EEPROM run`);
    await pi.setTemperature(21.75);
    await plug(true);
    await wait("the plug back in", runs);
    told.add(`plugged in again at 21.75 °C, received ${await reads("temperature", (value) => value === 21.75)}`);

    const outages = ear.ofKind("outage").length;
    expect((await sh("pkill -KILL -f '[s]ampler/main.js'")).code).toBe(0);
    const outage = await wait("the outage", () => ear.ofKind("outage")[outages]);
    await wait("every part to run again", runs);
    await reads("temperature", (value) => value === 21.75);
    told.add(`sampler killed, started again: outage ${outage.reason}, ${Math.round(outage.to - outage.from)} ms`);

    const doctor = JSON.parse((await sh(`${NODE} ${SWATH} doctor --config /rig/unit.json --json`)).output) as {
      findings: { what: string; verdict: string }[];
    };
    const parts = doctor.findings.filter((f) => f.what.startsWith("part "));
    expect(parts.map((f) => f.verdict)).toEqual(["ok", "ok", "ok"]);
    told.add(`doctor: ${parts.map((f) => `${f.what} ${f.verdict}`).join(", ")}`);

    await sh(`pkill -TERM -f '^${NODE} ${SWATH} run'; until test -s /run/unit.code; do sleep 0.1; done`);
    expect((await sh("cat /run/unit.code")).output.trim()).toBe("0");
    await ear.settle();
    expect(ear.state?.state).toBe("offline");
    const records = ear.whole("log");
    const kinds = [...new Set(records.map((r) => r.kind))].sort();
    told.add(
      `ended in order, code 0; ${records.length} records without a hole: ${kinds.map((k) => `${ear.ofKind(k).length} ${k}`).join(", ")}`,
    );
    expect(ear.ofKind("telemetry").length).toBeGreaterThan(0);
    expect(ear.ofKind("gap")).toEqual([]);
  } catch (e) {
    console.log((await pi.run("tail -n 60 /run/unit.log", 60_000).catch(() => undefined))?.output);
    throw e;
  } finally {
    pi.stop();
  }
  told.write("pi.txt");
});

describe("the archive, installed on a Raspberry Pi 3B under its systemd", () => {
  let run: InstalledRun;
  let untold: readonly Hole[] = [{ from: 0, to: 0 }];

  beforeAll(async () => {
    const told = tell("The archive, installed on an emulated Raspberry Pi 3B under systemd (npm run test:pi)");
    const files = { ...installFiles(), ...(await flashFiles(config("pi-installed", "/var/lib/swath/spool"))) };
    const pi = bootPi(work, { first: "systemd", files, eeprom: eeprom(SERIAL, 1) });
    const { wait, reads, runs, sh, plug } = watch(pi, installedEar);
    const step = async (name: string) => {
      const { code, output } = await sh(`sh /rig/steps.sh ${name}`);
      expect(code, output).toBe(0);
    };
    try {
      told.add(`booted: ${await pi.up(LIMIT_MS)}`);
      await plug(true);
      await pi.setTemperature(25);
      await step("put_on");
      told.add("scripts/install.sh has installed it from the archive");
      await step("flash");
      await wait("every part to run", runs);
      told.add("a signed configuration put into the inbox runs: temp, clock, ident");
      told.add(`received ${await reads("temperature", (value) => value === 25)} °C`);
      await pi.setTemperature(-12.5);
      told.add(`thermometer set to -12.5 °C, received ${await reads("temperature", (value) => value === -12.5)}`);
      pi.setEeprom(eeprom(OTHER_SERIAL, 2));
      told.add(`EEPROM written anew, received ${await reads("serial", (value) => value === OTHER_SERIAL)}`);
      const bundle = await wait("the end of the trial", () => {
        const { bundle } = installedEar.state ?? {};
        return bundle !== undefined && !bundle.trial && bundle;
      });
      told.add(`trial ended: ${bundle.last}`);
      await step("try_out");
      await wait("every part to run again", runs);
      await pi.setTemperature(40.25);
      told.add(
        `killed, hung; then set to 40.25 °C, received ${await reads("temperature", (value) => value === 40.25)}`,
      );
      const now = installedEar.lives.at(-1)?.body.mono ?? 0;
      await wait("the records up to now", () => installedEar.ofKind("telemetry").some((r) => r.mono >= now));
      const outages = installedEar.ofKind("outage");
      const words = outages.map((o) => `${o.reason} ${((o.to - o.from) / 1000).toFixed(1)} s`);
      told.add(`outages told of: ${words.join(", ")}`);
      untold = holesIn(installedEar.ofKind("telemetry")).filter(
        (hole) => !outages.some((o) => Math.abs(o.from - hole.from) < 1 && Math.abs(o.to - hole.to) < 1),
      );
      told.add(`holes in the rows that no outage tells of: ${untold.length}`);
      const births = [...new Set(installedEar.states.map(({ body }) => body.bootReason))];
      told.add(`reasons for starting that were told: ${births.join(", ")}`);
      await step("take_off");
      const left: Record<string, string> = {};
      for (const name of LEFT) left[name] = (await sh(`cat /rig/${name}`)).output;
      run = installedRun((name) => left[name] ?? "");
      const { found } = run;
      told.add(`exposure: swath ${found["swath-exposure"]}, swath-sampler ${found["swath-sampler-exposure"]}`);
      for (const [service, prefix] of [
        ["swath", ""],
        ["swath-sampler", "sampler-"],
      ] as const) {
        const s = ["killed-main", "killed-program", "hung"].map((what) =>
          Number(found[`${prefix}${what}-s`]).toFixed(1),
        );
        told.add(`${service} started again after: kill ${s[0]} s, kill of the program ${s[1]} s, hang ${s[2]} s`);
      }
      told.add(`installed again: code ${found["again-code"]}; uninstalled: code ${found["uninstall-code"]}`);
      told.add(`sampler while the unit was killed and hung: ${found["sampler-through-it"]}`);
    } catch (e) {
      const more = "tail -n 99 /rig/found /rig/install.txt; journalctl -b --no-pager -n 150";
      console.log((await pi.run(more, 120_000).catch(() => undefined))?.output);
      throw e;
    } finally {
      pi.stop();
    }
    told.write("pi-systemd.txt");
  }, 4 * LIMIT_MS);

  itIsInstalled(() => run, true);

  it("tells of every hole in its rows, whatever was killed or hung", () => {
    expect(untold).toEqual([]);
  });
});
