import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { signText } from "../../src/codec/signed-text.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { openPty, type PtyRig } from "../rigs/pty.ts";
import { talkInto } from "../rigs/receiver.ts";
import { gnssConfig, runSwath, type UnitHome, unitHome } from "../rigs/unit.ts";

let home: UnitHome;
let broker: Mosquitto;
let pty: PtyRig;
const cleanups: (() => unknown)[] = [];

/** A password file as mosquitto_passwd writes it. */
function passwordFile(user: string, password: string): string {
  const dir = mkdtempSync(join(tmpdir(), "swath-pass-"));
  execFileSync("mosquitto_passwd", ["-b", "-c", join(dir, "file"), user, password], { stdio: "pipe" });
  const text = readFileSync(join(dir, "file"), "utf8");
  rmSync(dir, { recursive: true, force: true });
  return text;
}

/** A broker that lets the unit write all but `live`, when `denies` says so. */
async function around(denies = false): Promise<void> {
  home = unitHome();
  cleanups.push(() => home.close());
  const unit = `user unit-1\ntopic write swath/1/test/unit-1/${denies ? "health" : "#"}\ntopic read swath/1/test/unit-1/ack\n`;
  const acl = `${unit}user hq\ntopic write swath/1/test/unit-1/ack\n`;
  broker = await startMosquitto(
    ["allow_anonymous false", "acl_file {folder}/acl", "password_file {folder}/passwords"],
    {
      acl,
      passwords: passwordFile("unit-1", "right") + passwordFile("hq", "right"),
    },
  );
  cleanups.push(() => broker.stop());
  pty = await openPty();
  cleanups.push(() => pty.stop());
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function config(password = "right", more: object = {}): object {
  writeFileSync(join(home.dir, "broker.pass"), `${password}\n`);
  const base = gnssConfig({ brokerPort: broker.port, spoolDir: home.spoolDir, pty: pty.path, more });
  const credentials = { username: "unit-1", passwordFile: join(home.dir, "broker.pass") };
  return { ...base, broker: { url: `mqtt://127.0.0.1:${broker.port}`, ...credentials } };
}

/** Keeps a watermark at the broker, as HQ does. */
async function say(payload: string): Promise<void> {
  const hq = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, { username: "hq", password: "right" });
  await hq.publishAsync("swath/1/test/unit-1/ack", payload, { qos: 1, retain: true });
  await hq.endAsync();
}

/** Nothing to measure: only the way to the broker. */
const BARE = { buses: {}, parts: {}, channels: {}, track: undefined };

async function ask(file: object | string): Promise<{ code: number | null; findings: Record<string, Finding> }> {
  const path = join(home.dir, "asked.yaml");
  writeFileSync(path, typeof file === "string" ? file : JSON.stringify(file));
  const { code, output } = await runSwath(["doctor", "--config", path, "--json"]);
  const { findings } = JSON.parse(output) as { findings: Finding[] };
  return { code, findings: Object.fromEntries(findings.map((f) => [f.what, f])) };
}

describe("swath doctor, where no unit runs", () => {
  it("tries the parts and goes the whole way to the broker", async () => {
    await around();
    const receiver = talkInto(pty);
    cleanups.push(receiver.stop);
    const { code, findings } = await ask(config());
    expect(findings["part gnss"]).toMatchObject({ verdict: "ok" });
    expect(findings["broker publish"]).toMatchObject({ verdict: "ok" });
    expect(findings["unit"]).toMatchObject({ verdict: "look" });
    expect(code).toBe(0);
  });

  it("finds a receiver that is silent, and one whose port is gone", async () => {
    await around();
    const silent = await ask(config());
    expect(silent.findings["part gnss"]!.verdict).not.toBe("ok");
    expect(silent.findings["bus gnss_uart"]!.verdict).toBe("ok");
    const gone = { gnss_uart: { kind: "serial", port: "/dev/serial/by-id/none", baud: 115200 } };
    const { code, findings } = await ask(config("right", { buses: gone }));
    expect(findings["bus gnss_uart"]).toMatchObject({ verdict: "wrong" });
    expect(findings["part gnss"]).toMatchObject({ verdict: "unknown" });
    expect(code).toBe(1);
  });

  it.each([
    ["a wrong password", false, "wrong", "broker connect", /not authorized|bad user name/],
    ["an access list that says no", true, "right", "broker publish", /not authorized/],
  ] as const)("names the step that fails for %s", async (_words, denies, password, step, found) => {
    await around(denies);
    const { code, findings } = await ask(config(password, BARE));
    expect(findings[step]).toMatchObject({ verdict: "wrong" });
    expect(findings[step]!.found).toMatch(found);
    expect(findings[step]!.todo).toBeDefined();
    expect(findings["broker tcp"]).toMatchObject({ verdict: "ok" });
    expect(code).toBe(1);
  });

  it("reads HQ's watermark: what HQ has, none yet, and one of a stranger", async () => {
    await around();
    const pair = generateKeyPairSync("ed25519");
    const keyFile = join(home.dir, "hq.pem");
    writeFileSync(keyFile, pair.publicKey.export({ format: "pem", type: "spki" }));
    const withHq = () => config("right", { ...BARE, hq: { keyFiles: [keyFile] } });
    const text = { kind: "ack", unit: "unit-1", spool: "spool-0001", at: "2026-11-23T07:12:00.000Z" };
    const lanes = { event: { upTo: 7, missing: [] }, log: { upTo: 104, missing: [3, 9] } };
    const keep = (by: KeyObject) => say(JSON.stringify(signText({ ...text, lanes }, by)));
    const none = await ask(withHq());
    expect(none.findings["HQ watermark"]).toMatchObject({
      verdict: "look",
      found: expect.stringContaining("keeps no"),
    });
    expect(none.code).toBe(0);
    await keep(pair.privateKey);
    const kept = (await ask(withHq())).findings["HQ watermark"];
    expect(kept).toMatchObject({ verdict: "ok" });
    expect(kept!.found).toContain("event up to 7, log up to 104 without 2 of them of spool spool-0001");
    await keep(generateKeyPairSync("ed25519").privateKey);
    const strange = await ask(withHq());
    expect(strange.findings["HQ watermark"]).toMatchObject({
      verdict: "wrong",
      todo: expect.stringMatching(/keyFiles/),
    });
    expect(strange.code).toBe(1);
    expect(Object.keys(strange.findings).slice(-2)).toEqual(["broker publish", "HQ watermark"]);
  });

  it("names the step for a broker that is down and for a name nobody knows", async () => {
    await around();
    await broker.kill();
    expect((await ask(config("right", BARE))).findings["broker tcp"]).toMatchObject({ verdict: "wrong" });
    const nowhere = { ...config("right", BARE), broker: { url: "mqtt://no-such-host.invalid" } };
    expect((await ask(nowhere)).findings["broker name"]).toMatchObject({ verdict: "wrong" });
  });

  it("lists what is wrong with the file, and looks no further", async () => {
    await around();
    const { code, findings } = await ask("org: test\nunti: unit-1\n");
    expect(Object.keys(findings)).toEqual(["configuration"]);
    expect(code).toBe(1);
  });
});

it("asks the running unit instead of taking its ports and its place at the broker", async () => {
  await around();
  const receiver = talkInto(pty);
  cleanups.push(receiver.stop);
  const unit = await home.start(config());
  const running = await unit.until("the doctor to find all well", async () => {
    const asked = await ask(config());
    return asked.code === 0 && asked.findings["part gnss"]?.verdict === "ok" && asked.findings;
  });
  expect(running["unit"]).toMatchObject({ verdict: "ok" });
  expect(running["broker"]).toMatchObject({ verdict: "ok" });
  expect(running["records"]).toMatchObject({ verdict: "ok" });
  expect((await ask(config("right", { rows: { everyMs: 500 } }))).findings["unit"]!.found).toContain(
    "another configuration",
  );

  const second = join(home.dir, "second.yaml");
  writeFileSync(second, JSON.stringify(config()));
  const refused = await runSwath(["run", "--config", second]);
  expect(refused.code).toBe(75);
  expect(refused.output).toContain("another unit is running");
  await broker.kill();
  const lost = await unit.until("the doctor to find the link down", async () => {
    const { findings } = await ask(config());
    return findings["broker"]?.verdict === "wrong" && findings;
  });
  expect(lost["broker"]!.todo).toBeDefined();
  expect((await unit.stop()).code).toBe(0);
});
