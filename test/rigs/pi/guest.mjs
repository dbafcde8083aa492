// Runs on the emulated Pi as its first program: a broker, the unit as it is installed, and a subscriber that tells the console
// what arrives. Lines that begin with `PI` are read by test/pi/pi.test.ts, which changes the sensors from outside.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire("/opt/swath/package.json");
const mqtt = require("mqtt");
const i2c = require("i2c-bus");

const say = (what, body = {}) => console.log(`PI ${what} ${JSON.stringify(body)}`);
process.on("uncaughtException", (e) => {
  say("error", { message: String(e?.stack ?? e) });
  setInterval(() => undefined, 1000);
});

mkdirSync("/var/spool/swath", { recursive: true });
writeFileSync("/share/mosquitto.conf", "listener 1883 127.0.0.1\nallow_anonymous true\nuser root\n");
spawn("/usr/sbin/mosquitto", ["-c", "/share/mosquitto.conf"], { stdio: "ignore" });

/** Channel 0 of the multiplexer in front of the thermometer: closed, its plug is pulled. */
const bus = i2c.openSync(1);
const plug = (isIn) => bus.i2cWriteSync(0x70, 1, Buffer.from([isIn ? 1 : 0]));
plug(true);

const unit = spawn(process.execPath, ["/opt/swath/dist/src/cli/main.js", "run", "--config", "/share/unit.json"], {
  stdio: ["ignore", "pipe", "pipe"],
});
let log = "";
for (const out of [unit.stdout, unit.stderr]) out.on("data", (chunk) => (log = (log + chunk).slice(-20_000)));

let live;
let state;
const records = [];
const client = mqtt.connect("mqtt://127.0.0.1:1883", { reconnectPeriod: 200 });
client.on("error", () => undefined);
client.on("connect", () => client.subscribe("swath/1/test/pi/#", { qos: 1 }));
client.on("message", (topic, payload) => {
  const body = JSON.parse(payload.toString());
  const cls = topic.split("/").at(-1);
  if (cls === "live") live = body;
  else if (cls === "state") state = body;
  else if (cls === "log" || cls === "event") records.push({ cls, ...body });
});

async function until(what, check, timeoutMs = 600_000) {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const got = check();
    if (got !== undefined && got !== false) return got;
    if (performance.now() > endMs)
      throw new Error(
        `waited for ${what}; state ${JSON.stringify(state?.sources)}, live ${JSON.stringify(live)}\n${log}`,
      );
    await new Promise((done) => setTimeout(done, 20));
  }
}
const isGood = (column) => live?.c[column] !== undefined && live.c[column] !== null && !(live.q?.[column] & 0b1110);
const reads = (value) => until(`${value} °C`, () => isGood("temperature") && live.c.temperature === value);

const runs = (...names) => names.every((name) => state?.sources[name] === "running");
await until("every part to run", () => runs("temp", "clock", "ident"));
say("running", { sources: state.sources, software: state.software, bootMs: Math.round(performance.now()) });

await until("a clock and a serial number", () => isGood("utc") && isGood("serial"));
say("clock", { utc: live.c.utc, serial: live.c.serial });

say("step", { set: -12.5 });
await reads(-12.5);
say("step", { set: 40.25 });
await reads(40.25);

plug(false);
await until("the pulled plug", () => state?.sources.temp !== "running");
await until("no value", () => live.c.temperature === null || (live.q?.temperature ?? 0) !== 0);
say("pulled", { sources: state.sources, temperature: live.c.temperature, q: live.q?.temperature ?? 0 });
say("step", { set: 21.75 });
plug(true);
await until("the plug back in", () => runs("temp", "clock", "ident"));
await reads(21.75);
say("back", { sources: state.sources });

const samplers = () =>
  readdirSync("/proc").filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("sampler/main.js");
    } catch {
      return false;
    }
  });
const [sampler] = samplers();
const killedMs = performance.now();
process.kill(Number(sampler), "SIGKILL");
await until("another sampler", () => samplers().length === 1 && samplers()[0] !== sampler);
const seen = live.mono;
await until("values again", () => live.mono > seen && isGood("temperature"));
say("restarted", { backMs: Math.round(performance.now() - killedMs) });

const doctor = (() => {
  try {
    return execFileSync(process.execPath, [
      "/opt/swath/dist/src/cli/main.js",
      "doctor",
      "--config",
      "/share/unit.json",
      "--json",
    ]);
  } catch (e) {
    return e.stdout;
  }
})();
say("doctor", JSON.parse(doctor.toString()));

const gone = new Promise((done) => unit.once("exit", (code) => done(code)));
unit.kill("SIGTERM");
const code = await gone;
await new Promise((done) => client.publish("swath-test/mark", "", { qos: 1 }, done));
const count = (kind) => records.filter((r) => r.kind === kind).length;
say("done", { code, telemetry: count("telemetry"), events: count("event"), outages: count("outage") });
setInterval(() => undefined, 1000);
