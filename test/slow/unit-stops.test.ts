import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { listenAt } from "../rigs/broker-ear.ts";
import { type Field, openField } from "../rigs/field.ts";
import { freePort } from "../rigs/mosquitto.ts";
import { isAlive, runSwath, unitHome, until } from "../rigs/unit.ts";

const fields: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of fields.splice(0).reverse()) await close();
});

async function field(): Promise<Field> {
  const made = await openField();
  fields.push(() => made.close());
  return made;
}

describe("a unit that is stopped", () => {
  it("says offline, makes records of all it has, and exits with 0 within 2 s of SIGTERM", async () => {
    const { home, broker, ear, config, talk } = await field();
    const unit = await home.start(config({ rows: { everyMs: 200, batch: 300 } }));
    await unit.until("the port to be open", () => unit.lines.some((l) => l["reason"] === "opened"));
    const receiver = talk();
    await unit.until("fixes", () => ear.lives.filter((l) => l.body.c["lat"]).length > 5);
    receiver.stop();
    const askedMs = performance.now();
    unit.kill("SIGTERM");
    const { code, atMs } = await unit.exit;
    console.log(`SIGTERM: gone after ${Math.round(atMs - askedMs)} ms`);
    expect(code).toBe(0);
    expect(atMs - askedMs).toBeLessThan(2000);
    await until("the sampler to be gone", () => !isAlive(unit.samplerPid), 1000);
    await ear.settle();
    expect(ear.state?.state).toBe("offline");
    const late = await listenAt(broker.port);
    fields.push(() => late.close());
    await until("the retained state", () => late.states.length > 0);
    expect(late.states[0]).toMatchObject({ retained: true, body: { state: "offline" } });
    // What was only staged became records at the stop; they leave with the next start if not before.
    const again = await home.start(config());
    await again.until("the records of the first run", () => ear.ofKind("track").length > 0);
    expect((await again.stop()).code).toBe(0);
  });

  it("leaves its will when it is killed: lost, at once in MQTT 3.1.1", async () => {
    const { home, broker, ear, config } = await field();
    const unit = await home.start(config({ broker: { url: `mqtt://127.0.0.1:${broker.port}`, protocol: "3.1.1" } }));
    await unit.until("online", () => ear.state?.state === "online");
    unit.kill("SIGKILL");
    await until("the will", () => ear.state?.state === "lost", 5000);
    const late = await listenAt(broker.port);
    fields.push(() => late.close());
    await until("the retained will", () => late.states.length > 0);
    expect(late.states[0]).toMatchObject({ retained: true, body: { state: "lost" } });
  });

  it("leaves its will after 30 s in MQTT 5, and a sampler that hangs is killed within 20 s meanwhile", async () => {
    const killed = await field();
    const hanging = await field();
    const first = await killed.home.start(killed.config());
    await first.until("online", () => killed.ear.state?.state === "online");
    first.kill("SIGKILL");
    const killedMs = performance.now();

    const second = await hanging.home.start(hanging.config());
    await second.until("the port to be open", () => second.lines.some((l) => l["reason"] === "opened"));
    hanging.talk();
    await second.until("records", () => hanging.ear.ofKind("track").length > 0);
    const stuck = second.samplerPid;
    process.kill(stuck, "SIGSTOP");
    const stoppedMs = performance.now();
    await second.until("another sampler", () => second.samplerPid !== stuck, 25_000);
    const hangMs = performance.now() - stoppedMs;
    expect(isAlive(stuck)).toBe(false);
    await second.until("the outage", () => hanging.ear.ofKind("outage").length > 0);
    console.log(`SIGSTOP of the sampler: replaced after ${Math.round(hangMs)} ms`);
    expect(hangMs).toBeGreaterThan(13_000);
    expect(hangMs).toBeLessThan(20_000);
    const [outage] = hanging.ear.ofKind("outage");
    expect(outage?.reason).toBe("sampler-restart");
    expect(outage!.to - outage!.from).toBeGreaterThan(13_000);
    await second.until("fixes again", () => hanging.ear.lives.at(-1)?.body.c["sats"] === 12);

    const will = await until("the will", () => killed.ear.states.find((s) => s.body.state === "lost"), 40_000);
    console.log(`kill -9 of the unit: lost after ${Math.round(will.atMs - killedMs)} ms`);
    // The time to come back after a short break without anybody being told that the unit is lost.
    expect(will.atMs - killedMs).toBeGreaterThan(25_000);
  });
});

describe("wrong surroundings", () => {
  it("a configuration with mistakes ends with 78 and names file and line of each", async () => {
    const home = unitHome();
    fields.push(() => home.close());
    const file = join(home.dir, "wrong.yaml");
    writeFileSync(
      file,
      "org: test\nunit: unit-1\nmachine: machine-1\nbrokr: { url: mqtt://x }\nbuses: {}\nparts: {}\n",
    );
    const { code, output } = await runSwath(["run", "--config", file]);
    expect(code).toBe(78);
    expect(output).toContain(`${file}:4: brokr`);
    expect(output).toContain("broker");
    expect(output).not.toContain("    at ");
    const none = await runSwath(["run", "--config", join(home.dir, "none.yaml")]);
    expect(none.code).toBe(78);
    expect(none.output).toContain("none.yaml");
    expect((await runSwath(["run"])).code).toBe(64);
  });

  it("a unit whose spool cannot be written runs on, says failed in health, and goes on sending", async () => {
    const { home, ear, config, talk } = await field();
    // A file where a folder should be: nobody can write there, whoever runs the test.
    writeFileSync(join(home.dir, "blocked"), "");
    const unit = await home.start(config({ spool: { dir: join(home.dir, "blocked", "spool"), maxMb: 16 } }));
    await unit.until("the port to be open", () => unit.lines.some((l) => l["reason"] === "opened"));
    talk();
    await unit.until("live fixes", () => ear.lives.some((l) => l.body.c["sats"] === 12));
    await unit.until("health", () => ear.health?.spool.state === "failed");
    await unit.until("records from memory", () => ear.heard("log").some((h) => h.body.kind === "track"));
    expect(unit.lines.filter((l) => l["code"] === "spool/unwritable").length).toBeGreaterThan(0);
    expect((await unit.stop()).code).toBe(0);
  });

  it("a unit without a reachable broker stays up and stops in time", async () => {
    const { home, config, talk } = await field();
    const unit = await home.start(config({ broker: { url: `mqtt://127.0.0.1:${await freePort()}` } }));
    await unit.until("the port to be open", () => unit.lines.some((l) => l["reason"] === "opened"));
    talk();
    await unit.until("a running source", () => unit.lines.some((l) => l["state"] === "running"));
    const askedMs = performance.now();
    const { code, atMs } = await unit.stop();
    expect([code, unit.ended?.signal]).toEqual([0, null]);
    expect(atMs - askedMs).toBeLessThan(2000);
  });
});
