import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { COPIES_AT, identityBytes } from "../../devices/at24c32.ts";
import { bootPi, type PiMachine, type Said } from "../rigs/pi/machine.ts";
import { until } from "../rigs/unit.ts";

/** Where the emulated Pi is kept between runs: some 3 GB. */
const work = resolve(process.env["SWATH_PI_DIR"] ?? "var/pi");
const root = resolve(import.meta.dirname, "../..");
const SERIAL = 20_260_042;

beforeAll(() => {
  for (const script of ["prepare.sh", "image.sh"])
    execFileSync(join(root, "test/rigs/pi", script), [work], { stdio: "inherit", cwd: root });
});

function eeprom(): Uint8Array {
  const rom = new Uint8Array(4096).fill(0xff);
  for (const at of COPIES_AT) rom.set(identityBytes({ sequence: 1, serial: SERIAL, revision: 2, gain: 1 }), at);
  return rom;
}

const config = {
  org: "test",
  unit: "pi",
  machine: "machine-1",
  broker: { url: "mqtt://127.0.0.1:1883" },
  spool: { dir: "/var/spool/swath", maxMb: 16 },
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
};

it("the whole unit on a Raspberry Pi 3B reads thermometer, clock and EEPROM over the Pi's own I2C controller", async () => {
  const pi: PiMachine = bootPi(work, { "unit.json": JSON.stringify(config) }, eeprom());
  let seen: readonly Said[] = [];
  let up = "";
  try {
    await pi.setTemperature(25).catch(() => undefined);
    // What the guest asks for is done in the order in which it asks.
    let steps = 0;
    const follow = async () => {
      for (const { body } of pi.said.filter((s) => s.what === "step").slice(steps)) {
        steps++;
        await pi.setTemperature(Number(body["set"]));
      }
    };
    const told = (what: string) =>
      until(
        `the Pi to say ${what}`,
        async () => {
          await follow();
          if (pi.ended || pi.said.some((s) => s.what === "error")) throw new Error(pi.console);
          return pi.said.find((s) => s.what === what);
        },
        1_200_000,
        () => pi.console,
      );
    const running = await told("running");
    expect(running.body["sources"]).toEqual({ temp: "running", clock: "running", ident: "running" });
    const clock = await told("clock");
    expect(clock.body["serial"]).toBe(SERIAL);
    expect(Math.abs(Number(clock.body["utc"]) - Date.now() / 1000)).toBeLessThan(30);
    const pulled = await told("pulled");
    expect(pulled.body["sources"]).toMatchObject({ clock: "running", ident: "running" });
    expect((pulled.body["sources"] as Record<string, string>)["temp"]).toMatch(/absent|failed|degraded/);
    await told("back");
    expect((await told("restarted")).body["backMs"]).toBeLessThan(60_000);
    const { findings } = (await told("doctor")).body as { findings: { what: string; verdict: string }[] };
    expect(findings.filter((f) => f.what.startsWith("part ")).map((f) => f.verdict)).toEqual(["ok", "ok", "ok"]);
    const done = await told("done");
    expect(done.body).toMatchObject({ code: 0, outages: 1 });
    expect(Number(done.body["telemetry"])).toBeGreaterThan(0);
    seen = pi.said;
    up = /PI up .*/.exec(pi.console)?.[0] ?? "";
  } finally {
    console.log(pi.console);
    pi.stop();
  }
  mkdirSync(join(root, "docs/results"), { recursive: true });
  const lines = seen.map(({ what, body }) => `${what.padEnd(10)} ${JSON.stringify(body)}`);
  writeFileSync(
    join(root, "docs/results/pi.txt"),
    ["The whole unit on an emulated Raspberry Pi 3B (npm run test:pi)", up, "", ...lines, ""].join("\n"),
  );
});
