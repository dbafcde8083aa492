import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect as tcpConnect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createUplink } from "../../src/uplink/uplink.ts";
import { freePort, mosquittoPath } from "../rigs/mosquitto.ts";
import { until } from "../rigs/unit.ts";
import { memoryLanes } from "../uplink/memory-lanes.ts";

const script = join(import.meta.dirname, "../../scripts/provision");
const dir = mkdtempSync(join(tmpdir(), "swath-fleet-"));
const fleet = join(dir, "fleet");
let unitPort = 0;
let hqPort = 0;
let broker: ChildProcess | undefined;
let log = "";
const clients: MqttClient[] = [];

function provision(...args: string[]): string {
  return execFileSync(script, args, { stdio: "pipe" }).toString();
}

function refusal(...args: string[]): string {
  try {
    provision(...args);
  } catch (e) {
    return String((e as { stderr: Buffer }).stderr);
  }
  return "";
}

const read = (path: string) => readFileSync(join(fleet, path), "utf8");
const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = tcpConnect(port, "127.0.0.1", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

beforeAll(async () => {
  provision("init", fleet, "cmac");
  provision("broker", fleet, "localhost");
  provision("unit", fleet, "dz-014", "dz-015");
  provision("reader", fleet);
  provision("init", join(dir, "stranger"), "cmac");
  provision("unit", join(dir, "stranger"), "dz-014");
  // The shipped configuration as it is, but for its ports, its folders and, under root, its user.
  [unitPort, hqPort] = [await freePort(), await freePort()];
  mkdirSync(join(dir, "store"));
  const conf = read("broker/mosquitto.conf")
    .replace("listener 8883", `listener ${unitPort}`)
    .replace("listener 8884", `listener ${hqPort}`)
    .replaceAll("/etc/mosquitto/swath/", `${fleet}/broker/`)
    .replace("/var/lib/mosquitto/", `${join(dir, "store")}/`);
  writeFileSync(join(dir, "mosquitto.conf"), process.getuid?.() === 0 ? `user root\n${conf}` : conf);
  broker = spawn(mosquittoPath() ?? "mosquitto", ["-c", join(dir, "mosquitto.conf")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  broker.stderr?.on("data", (chunk: Buffer) => {
    log += chunk;
  });
  await until(
    "the broker",
    async () => (await listens(unitPort)) && listens(hqPort),
    20_000,
    () => log,
  );
});
afterEach(() => {
  for (const client of clients.splice(0)) client.end(true);
});
afterAll(() => {
  broker?.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});

/** Connects with the files of `who`, or says why it was not let in. */
function come(who: string, more: Partial<IClientOptions> = {}, port = unitPort): Promise<MqttClient | string> {
  const [folder, file] = who.startsWith("units") ? [who, "unit"] : [who, who];
  const client = mqtt.connect({
    ...{ protocol: "mqtts", host: "localhost", port, reconnectPeriod: 0, protocolVersion: 5, connectTimeout: 10_000 },
    ...(who === "" ? {} : { cert: read(`${folder}/${file}.crt`), key: read(`${folder}/${file}.key`) }),
    ca: read("ca/ca.crt"),
    ...more,
  });
  clients.push(client);
  return new Promise((resolve) => {
    client.once("connect", () => resolve(client));
    client.once("error", (e) => resolve(String((e as NodeJS.ErrnoException).code ?? e.message)));
    client.once("close", () => resolve("closed"));
  });
}

async function letIn(who: string, more: Partial<IClientOptions> = {}, port = unitPort): Promise<MqttClient> {
  const client = await come(who, more, port);
  if (typeof client === "string") throw new Error(`${who} was not let in: ${client}\n${log}`);
  return client;
}

/** The reason of the broker's PUBACK: 0 taken, 0x10 nobody listens, 0x87 not allowed. */
function say(client: MqttClient, topic: string): Promise<number> {
  return new Promise((resolve) => {
    client.publish(topic, "x", { qos: 1 }, (error, packet) => {
      resolve((error as { code?: number } | undefined)?.code ?? (packet as { reasonCode?: number })?.reasonCode ?? 0);
    });
  });
}

describe("who may come to the shipped broker", () => {
  it("is the unit itself, over the uplink of the product, and HQ", async () => {
    const lanes = memoryLanes();
    lanes.append("log", 3);
    const heard: string[] = [];
    const uplink = createUplink({
      identity: { org: "cmac", unit: "dz-014" },
      url: `mqtts://localhost:${unitPort}`,
      tls: { ca: read("ca/ca.crt"), cert: read("units/dz-014/unit.crt"), key: read("units/dz-014/unit.key") },
      protocol: "auto",
      lanes,
      announce: () => ({ state: '{"state":"online"}', desc: "{}", alerts: "{}" }),
      will: '{"state":"lost"}',
      clock: { monoMs: () => performance.now() },
      log: { info: () => {}, warn: () => {} },
      downlink: { heard: (what) => heard.push(what), listening: () => {} },
    });
    const hq = await letIn("hq", { clientId: "ingester-1" }, hqPort);
    const topics: string[] = [];
    hq.on("message", (topic) => topics.push(topic));
    await hq.subscribeAsync("$share/ingest/swath/1/cmac/+/log", { qos: 1 });
    await hq.subscribeAsync("swath/1/cmac/+/state", { qos: 1 });
    uplink.start();
    await until(
      "records at HQ and freed",
      () => topics.filter((t) => t.endsWith("/log")).length === 3 && lanes.unsent("log") === 0,
    );
    for (const cls of ["ack", "cmd"]) await hq.publishAsync(`swath/1/cmac/dz-014/${cls}`, "x", { qos: 1 });
    await hq.publishAsync("swath/1/cmac/hq/state", "x", { qos: 1 });
    await until("what HQ says", () => heard.length === 3);
    expect(heard).toEqual(["ack", "cmd", "hq"]);
    expect(uplink.status()).toMatchObject({ connected: true, counters: { rejected: 0 } });
    await uplink.stop({ final: "{}" });
  });

  it("is nobody without a certificate, with one of another authority, or in plain text", async () => {
    expect(typeof (await come(""))).toBe("string");
    const other = (name: string) => readFileSync(join(dir, "stranger/units/dz-014", name), "utf8");
    expect(typeof (await come("", { cert: other("unit.crt"), key: other("unit.key") }))).toBe("string");
    expect(typeof (await come("", { protocol: "mqtt", ca: undefined as never }))).toBe("string");
    expect(typeof (await come("", { username: "hq", password: "hq" }))).toBe("string");
  });

  it("does not let a unit believe a broker of another name or another authority", async () => {
    expect(await come("units/dz-014", { host: "127.0.0.1" })).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    const ca = readFileSync(join(dir, "stranger/ca/ca.crt"), "utf8");
    expect(await come("units/dz-014", { ca })).toMatch(/CERT|SELF_SIGNED|UNABLE/);
  });
});

describe("what each may say and hear", () => {
  it("a unit writes its own classes and nothing else: no ack, no cmd, nothing of another, nothing of HQ's", async () => {
    const unit = await letIn("units/dz-014");
    for (const cls of ["state", "desc", "live", "event", "log", "bulk", "health", "alerts", "rsp"])
      expect([0, 0x10], cls).toContain(await say(unit, `swath/1/cmac/dz-014/${cls}`));
    const forbidden = [
      ...["dz-014/ack", "dz-014/cmd", "dz-015/log", "dz-015/state", "dz-015/ack", "hq/state", "dz-014/other"],
      ...["../../other/1/dz-014/log"],
    ];
    for (const topic of forbidden) expect(await say(unit, `swath/1/cmac/${topic}`), topic).toBe(0x87);
  });

  it("a unit hears its own ack and cmd and HQ's state, and nothing of another", async () => {
    const unit = await letIn("units/dz-014");
    const topics: string[] = [];
    unit.on("message", (topic) => topics.push(topic));
    await unit.subscribeAsync("swath/#", { qos: 1 }).catch(() => undefined);
    const hq = await letIn("hq", { clientId: "console" }, hqPort);
    const other = await letIn("units/dz-015");
    await say(other, "swath/1/cmac/dz-015/log");
    for (const topic of ["dz-015/cmd", "dz-015/ack", "dz-014/cmd", "dz-014/ack", "hq/state"])
      await say(hq, `swath/1/cmac/${topic}`);
    await until("its own", () => topics.includes("swath/1/cmac/hq/state"));
    expect(topics.sort()).toEqual(["swath/1/cmac/dz-014/ack", "swath/1/cmac/dz-014/cmd", "swath/1/cmac/hq/state"]);
  });

  it("a client id that is not the name in the certificate is not taken: the name stands, and takes the unit's place", async () => {
    const first = await letIn("units/dz-014", { clientId: "dz-014" });
    const victim = await letIn("units/dz-015", { clientId: "dz-015" });
    let lost = false;
    first.once("close", () => {
      lost = true;
    });
    await letIn("units/dz-014", { clientId: "dz-015" });
    await until("the first of the same name to be gone", () => lost);
    expect(victim.connected).toBe(true);
  });

  it("several of HQ come under one name with client ids of their own; the maintainer sees no position", async () => {
    const a = await letIn("hq", { clientId: "ingester-1" }, hqPort);
    const b = await letIn("hq", { clientId: "ingester-2" }, hqPort);
    expect(await say(a, "swath/1/cmac/dz-014/ack")).not.toBe(0x87);
    expect([a.connected, b.connected]).toEqual([true, true]);
    expect(await say(a, "swath/1/cmac/dz-014/log")).toBe(0x87);
    const maintainer = await letIn("maintainer");
    const topics: string[] = [];
    maintainer.on("message", (topic) => topics.push(topic));
    await maintainer.subscribeAsync("swath/#", { qos: 1 }).catch(() => undefined);
    const unit = await letIn("units/dz-014");
    for (const cls of ["live", "log", "rsp", "alerts"]) await say(unit, `swath/1/cmac/dz-014/${cls}`);
    await until("the alarms", () => topics.includes("swath/1/cmac/dz-014/alerts"));
    expect(topics.filter((t) => /live|log|rsp/.test(t))).toEqual([]);
    expect(await say(maintainer, "swath/1/cmac/dz-014/cmd")).toBe(0x87);
  });
});

describe("scripts/provision", () => {
  it("never overwrites what exists, refuses reserved and impossible names, and renews with the same key", () => {
    const before = ["ca/ca.key", "hq/signing.key", "units/dz-014/unit.key", "units/dz-014/unit.crt"].map(read);
    expect(refusal("init", fleet, "cmac")).toContain("is there already; nothing was changed");
    expect(refusal("broker", fleet, "localhost")).toContain("is there already");
    expect(refusal("unit", fleet, "dz-014")).toContain("is there already");
    expect(refusal("unit", fleet, "hq")).toContain("reserved");
    expect(refusal("unit", fleet, "../x")).toContain("expected 1 to 32");
    expect(refusal("unit", join(dir, "nothing"), "u")).toContain("no fleet");
    provision("renew", fleet, "dz-014");
    const after = ["ca/ca.key", "hq/signing.key", "units/dz-014/unit.key", "units/dz-014/unit.crt"].map(read);
    expect(after.slice(0, 3)).toEqual(before.slice(0, 3));
    expect(after[3]).not.toBe(before[3]);
    expect(statSync(join(fleet, "units/dz-014/unit.key")).mode & 0o077).toBe(0);
  });

  it("lists what ends when, and says by its exit code that something must be renewed", () => {
    expect(provision("list", fleet)).toMatch(/^\d{4}-\d\d-\d\d dz-014 units\/dz-014\/unit.crt$/m);
    execFileSync(script, ["renew", fleet, "dz-015"], { env: { ...process.env, SWATH_CERT_DAYS: "10" }, stdio: "pipe" });
    let listed = "";
    try {
      provision("list", fleet);
    } catch (e) {
      listed = String((e as { stdout: Buffer }).stdout);
    }
    expect(listed.split("\n")[0]).toMatch(/dz-015 RENEW/);
  });
});
