import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { formatPublicKey } from "../../src/codec/minisign.ts";
import { flattenConfig } from "../../src/config/flatten.ts";
import { loadConfig } from "../../src/config/load.ts";
import { keyPair, sealed } from "../config/sealed.ts";
import { type BrokerEar, listenAt } from "../rigs/broker-ear.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { holesIn } from "../rigs/row-holes.ts";
import { isAlive, launch, SWATH, type UnitRig, until } from "../rigs/unit.ts";

const LIMIT_MS = 100_000;
let dir: string;
let broker: Mosquitto;
let ear: BrokerEar;
let sampler: ChildProcess | undefined;
const units: UnitRig[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "swath-restart-"));
  for (const name of ["slots/inbox", "keys", "run"]) mkdirSync(join(dir, name), { recursive: true });
  broker = await startMosquitto();
  ear = await listenAt(broker.port);
});
afterEach(async () => {
  await Promise.all(units.splice(0).map((unit) => unit.stop()));
  sampler?.kill("SIGKILL");
  await ear.close();
  await broker.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** A signed configuration of a simulated machine, in the inbox; `rowMs` makes it another one. */
function flash(serial: number, rowMs: number, hq: ReturnType<typeof keyPair>): void {
  const file = join(dir, "unit.yaml");
  const config = {
    org: "test",
    unit: "unit-1",
    machine: "machine-1",
    broker: { url: `mqtt://127.0.0.1:${broker.port}` },
    spool: { dir: join(dir, "spool"), maxMb: 64 },
    buses: { i2c1: { kind: "i2c", device: 1, clockHz: 400000 } },
    parts: { supply: { part: "ina228", bus: "i2c1", address: 0x40, options: { shuntOhm: 0.015, maxA: 10 } } },
    channels: { volts: { from: "supply.voltage", stats: ["mean"] } },
    rows: { everyMs: rowMs, batch: 4 },
    simulation: { seed: 3 },
  };
  writeFileSync(file, JSON.stringify(config));
  const loaded = loadConfig(file, { catalogue });
  const bundle = { org: "test", serial, config: loaded.hash, expires: "2099-01-01T00:00:00.000Z" };
  writeFileSync(join(dir, "keys/hq.pub"), formatPublicKey(hq.known));
  writeFileSync(
    join(dir, "slots/inbox/new.swath"),
    sealed(hq.secret, { ...bundle, files: flattenConfig(loaded, catalogue) }),
  );
}

/** As the installed services have them: the unit, and the sampler beside it. */
function startUnit(): UnitRig {
  const at = (name: string) => join(dir, name);
  const unit = launch(["run", "--slots", at("slots"), "--keys", at("keys"), "--run-dir", at("run")]);
  units.push(unit);
  return unit;
}
function startSampler(): ChildProcess {
  const entry = join(dirname(SWATH), "../sampler/main.js");
  const files = ["--config", join(dir, "run/config/unit.yaml"), "--socket", join(dir, "run/link.sock")];
  return spawn(process.execPath, [entry, "--alone", ...files], { stdio: ["pipe", "ignore", "inherit"] });
}

it("a unit that is killed and started anew by systemd finds its sampler running and gets every row it measured meanwhile; another configuration ends the sampler", async () => {
  const hq = keyPair();
  flash(1, 200, hq);
  const first = startUnit();
  sampler = startSampler();
  const rows = () => ear.ofKind("telemetry");
  await first.until("rows", () => rows().length >= 3, LIMIT_MS);
  first.kill("SIGKILL");
  await first.exit;
  const before = rows().at(-1)!.mono;
  // Longer than a row, so that rows are measured while there is no unit.
  await new Promise((done) => setTimeout(done, 3000));
  const second = startUnit();
  await second.until("rows again", () => rows().at(-1)!.mono > before + 6000, LIMIT_MS);
  expect(isAlive(sampler.pid ?? 0)).toBe(true);
  expect(holesIn(rows())).toEqual([]);
  expect(ear.ofKind("outage")).toEqual([]);

  flash(2, 500, hq);
  await until(
    "the sampler to end",
    () => sampler?.exitCode === 0,
    LIMIT_MS,
    () => second.output,
  );
});
