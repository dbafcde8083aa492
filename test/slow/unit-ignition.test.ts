import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type BrokerEar, listenAt } from "../rigs/broker-ear.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { launch, type UnitRig } from "../rigs/unit.ts";

const HOOK = resolve(import.meta.dirname, "../../scripts/hooks/power-off.sh");
let dir: string;
let broker: Mosquitto;
let ear: BrokerEar;
const units: UnitRig[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "swath-ignition-"));
  mkdirSync(join(dir, "run"));
  broker = await startMosquitto();
  ear = await listenAt(broker.port);
});
afterEach(async () => {
  for (const unit of units.splice(0)) await unit.stop();
  await ear.close();
  await broker.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** A simulated machine whose key is at pin A0 of a port expander. */
async function start(simulation: object): Promise<UnitRig> {
  const file = join(dir, "unit.yaml");
  const config = {
    org: "test",
    unit: "unit-1",
    machine: "machine-1",
    broker: { url: `mqtt://127.0.0.1:${broker.port}` },
    spool: { dir: join(dir, "spool"), maxMb: 64 },
    buses: { i2c1: { kind: "i2c", device: 1, clockHz: 400000 } },
    parts: {
      switches: { part: "mcp23017", bus: "i2c1", address: 0x20 },
      eeprom: { part: "at24c32", bus: "i2c1", address: 0x57 },
    },
    channels: {
      key: { from: "switches.gpa0", stats: ["last"] },
      harness_serial: { from: "eeprom.serial", stats: ["last"] },
    },
    harness: { channel: "harness_serial", serial: 4_000_001_207 },
    rows: { everyMs: 200, batch: 300 },
    power: { ignition: { channel: "key", offHoldMs: 500, holdUpMs: 20_000 } },
    simulation: { seed: 3, ...simulation },
  };
  writeFileSync(file, JSON.stringify(config));
  const unit = launch(["run", "--config", file], { TMPDIR: join(dir, "run") });
  units.push(unit);
  await unit.until("the unit online", () => ear.states.some((s) => !s.retained && s.body.state === "online"));
  return unit;
}

const events = () => ear.ofKind("event", "event").map((e) => e.name);
/** The folder of the link's socket, where the request is left. */
const runDir = () => join(dir, "run", readdirSync(join(dir, "run")).find((n) => n.startsWith("swath-")) ?? "none");
const asked = () => existsSync(join(runDir(), "power-off"));
const runFile = () => {
  const path = join(dir, "spool/run.json");
  return (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {}) as Record<string, unknown>;
};
/** What root's service does. */
const hook = () =>
  execFileSync(HOOK, { env: { ...process.env, SWATH_RUN: runDir(), SWATH_POWEROFF: "echo OFF" } }).toString();

it("closes the last rows, says sleeping, leaves the request, and ends with all at HQ and the reason kept", async () => {
  const unit = await start({ keyOffAtS: 4 });
  await unit.until("the key on, kept", () => runFile()["ignition"] === "on");
  await unit.until("the request", asked);
  expect(runFile()).toMatchObject({ ended: false, ignition: "off" });
  // Of 300 rows to a record only some were there: they are a record now, before anybody has stopped anything.
  await unit.until("the last rows at HQ", () => ear.ofKind("telemetry").length > 0);
  expect(ear.ofKind("telemetry")[0]?.n).toBeLessThan(300);
  expect(hook()).toContain("OFF");
  expect(hook()).toContain("nothing is switched off");
  await unit.until("sleeping", () => ear.state?.state === "sleeping");
  await unit.until("going", () => unit.lines.some((l) => l["msg"] === "the computer is being switched off"));
  // Still measuring until the system says so.
  expect((await unit.stop()).code).toBe(0);
  await ear.settle();
  expect(ear.state?.state).toBe("sleeping");
  expect(events().filter((name) => name.startsWith("ignition") || name.startsWith("power"))).toEqual(["ignition_off"]);
  expect(runFile()).toMatchObject({ ended: true, ignition: "off" });
  expect(ear.whole("log").length).toBeGreaterThan(2);
});

it("with nobody to take the request says so and measures on, and with the key on again is as before", async () => {
  const unit = await start({ keyOffAtS: 3, keyOnAtS: 12 });
  await unit.until("sleeping", () => ear.state?.state === "sleeping");
  await unit.until("the memory on the harness", () => ear.state?.harness === "right");
  await unit.until("online again", () => ear.state?.state === "online");
  await unit.until("the reason", () => events().includes("power_off_failed"));
  expect(asked()).toBe(false);
  await unit.until("the key on again", () => events().includes("ignition_on"));
  await unit.until("health", () => ear.health?.power?.ignition === "on" && ear.health.power.windDown === "none");
  await unit.stop();
  await ear.settle();
  expect(ear.state?.state).toBe("offline");
  const rows = ear.ofKind("telemetry").reduce((n, record) => n + record.n, 0);
  expect(rows).toBeGreaterThan(12 * 5 - 10);
  expect(ear.ofKind("outage")).toEqual([]);
});

it("cut off by the power in the middle of it leaves every row from before, and the reason is not taken for an end in order", async () => {
  const unit = await start({ keyOffAtS: 4 });
  await unit.until("the request", asked);
  unit.kill("SIGKILL");
  process.kill(unit.samplerPid, "SIGKILL");
  await unit.exit;
  expect(runFile()).toMatchObject({ ended: false, ignition: "off" });
  const again = await start({});
  await again.until("records of the first run", () => ear.ofKind("telemetry").length > 0);
  await again.until("a start after a crash", () => ear.state?.bootReason === "crash");
  await again.stop();
  await ear.settle();
  const [first] = ear.ofKind("telemetry");
  expect(first!.n * first!.dt).toBeGreaterThan(3000);
});
