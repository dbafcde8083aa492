import { spawn } from "node:child_process";
import { mkdtempSync, openSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { catalogue } from "../../devices/index.ts";
import { loadConfig } from "../config/load.ts";
import { startDemoHq } from "../hq/demo.ts";
import { type DemoDatabase, startDemoDatabase } from "../hq/demo-database.ts";
import { EXIT_USAGE } from "./exit-codes.ts";
import { PACKAGE_ROOT } from "./version.ts";

const LINE_MS = 5000;
const PAGE_PORT = 8080;
const CAB_PORT = 8088;
const STOP_MS = 1500;

const USAGE = `usage: swath demo [--port N] [--speed N] [--key-off S [--key-on S]]

Runs a simulated machine, a broker, a subscriber that stands for HQ, and a page.
  --port N    port of the page (default ${PAGE_PORT}; another free one where that is taken; 0: any)
  --speed N   how many times faster than real time the machine works (0.1 to 100)
  --key-off S the key is turned off after S seconds of the machine's time, --key-on S: and on again
`;

interface Options {
  readonly port: number;
  readonly speed: number | undefined;
  readonly keyOff: number | undefined;
  readonly keyOn: number | undefined;
}

function options(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string" },
        speed: { type: "string" },
        "key-off": { type: "string" },
        "key-on": { type: "string" },
      },
    });
    const seconds = (text: string | undefined) => (text === undefined ? undefined : Number(text));
    const keyOff = seconds(values["key-off"]);
    const keyOn = seconds(values["key-on"]);
    const keyOk = [keyOff, keyOn].every((s) => s === undefined || (s >= 0 && s <= 86_400));
    if (!keyOk || (keyOn !== undefined && !(keyOn > (keyOff ?? Number.NaN)))) return undefined;
    const port = Number(values.port ?? PAGE_PORT);
    const speed = values.speed === undefined ? undefined : Number(values.speed);
    const portOk = Number.isInteger(port) && port >= 0 && port < 65_536;
    return portOk && (speed === undefined || (speed >= 0.1 && speed <= 100))
      ? { port, speed, keyOff, keyOn }
      : undefined;
  } catch {
    return undefined;
  }
}

/** The port asked for, or any other free one where that is taken. */
function freePort(wanted: number): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once("error", (e) => (wanted === 0 ? failed(e) : done(freePort(0))));
    server.listen(wanted, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address !== null ? address.port : wanted));
    });
  });
}

/** How fast, and a key at a port expander when it is to be turned. */
function simulationLines({ speed, keyOff, keyOn }: Options): string[] {
  const own = [
    ...(speed === undefined ? [] : [`speed: ${speed}`]),
    ...(keyOff === undefined ? [] : [`keyOffAtS: ${keyOff}`]),
    ...(keyOn === undefined ? [] : [`keyOnAtS: ${keyOn}`]),
  ];
  const key = [
    "parts: { switches: { part: mcp23017, bus: i2c1, address: 0x20 } }",
    "channels: { ignition: { from: switches.gpa0, stats: [last] } }",
    "power: { ignition: { channel: ignition, holdUpMs: 60000 } }",
  ];
  return [...(own.length === 0 ? [] : [`simulation: { ${own.join(", ")} }`]), ...(keyOff === undefined ? [] : key)];
}

/** `swath demo`, the main job of a first look: ends on Ctrl-C within 2 s. */
export async function demo(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  const chosen = options(args);
  if (chosen === undefined) {
    out.write(USAGE);
    return EXIT_USAGE;
  }
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "swath-demo-")));
  const demoFile = join(PACKAGE_ROOT, "config", "demo.yaml");
  const { machine, profile, identity } = loadConfig(demoFile, { catalogue });
  const page = {
    rules: {
      ...(profile?.toolWidthM === undefined ? {} : { toolWidthM: profile.toolWidthM }),
      ...(profile?.targetDepthM === undefined ? {} : { targetDepthM: profile.targetDepthM }),
    },
    ...(profile === undefined ? {} : { machineNames: { [machine]: profile.name } }),
  };
  const hq = await startDemoHq({ ...page, pagePort: chosen.port }).catch(() => startDemoHq(page));
  const cabPort = await freePort(chosen.port === 0 ? 0 : CAB_PORT);
  // The unit is started as on a machine: with a unit file, here one that extends the demo's by what this run decides.
  const file = join(dir, "unit.yaml");
  writeFileSync(
    file,
    [
      `extends: ${JSON.stringify(relative(dir, demoFile))}`,
      `broker: { url: ${JSON.stringify(hq.brokerUrl)} }`,
      `spool: { dir: ${JSON.stringify(join(dir, "spool"))} }`,
      `cab: { port: ${cabPort}, language: en }`,
      ...simulationLines(chosen),
      "",
    ].join("\n"),
  );
  const unitLog = join(dir, "unit.log");
  const fd = openSync(unitLog, "a");
  const unit = spawn(process.execPath, [join(import.meta.dirname, "main.js"), "run", "--config", file], {
    // A group of its own, so that Ctrl-C reaches it once and through us.
    detached: true,
    stdio: ["ignore", fd, fd],
  });
  out.write(
    `Swath: a simulated clearance machine at work${chosen.speed === undefined ? "" : `, ${chosen.speed} times as fast`}\n` +
      `  page    ${hq.pageUrl}   (HQ)\n  cab     http://127.0.0.1:${cabPort}/   (the operator's page)\n  broker  ${hq.brokerUrl}   (mosquitto_sub -t 'swath/#' -v)\n  log     ${unitLog}\n` +
      "Ctrl-C ends it.\n\n",
  );

  // Once the unit is at work: the embedded database takes seconds to load, in a thread of its own.
  const entry = join(import.meta.dirname, "..", "hq", "demo-database.js");
  let database: DemoDatabase | undefined;

  return new Promise((done) => {
    let ending = false;
    const line = setInterval(() => {
      const s = hq.summary();
      const rate = `${s.records} records, ${s.missing} missing, ${(s.bytes / 1e6).toFixed(2)} MB`;
      if (s.records > 0) database ??= startDemoDatabase({ entry, brokerUrl: hq.brokerUrl, org: identity.org });
      const held = database?.records();
      const stored = held === undefined ? "" : `, ${held} in the database`;
      out.write(
        `${new Date().toLocaleTimeString("en-GB")}  unit ${s.lastStateWord}  ${s.messages} messages  ${rate}${stored}\n`,
      );
    }, LINE_MS);

    async function end(code: number): Promise<void> {
      if (ending) return;
      ending = true;
      clearInterval(line);
      await database?.close();
      if (unit.exitCode === null && unit.signalCode === null) {
        const gone = new Promise((exited) => unit.once("exit", exited));
        unit.kill("SIGTERM");
        const insist = setTimeout(() => unit.kill("SIGKILL"), STOP_MS);
        await gone;
        clearTimeout(insist);
      }
      await hq.close();
      if (code === 0) rmSync(dir, { recursive: true, force: true });
      out.write(code === 0 ? "Ended.\n" : `The unit ended by itself; its log is ${unitLog}\n`);
      done(code);
    }
    process.on("SIGINT", () => void end(0));
    process.on("SIGTERM", () => void end(0));
    unit.once("exit", () => void end(1));
  });
}
