import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Fixed, so that the figures mean the same thing tomorrow; the newest line that runs on Node 20. */
const PACKAGES = ["node-red@4.1.8", "node-red-node-serialport@2.0.3"];

/** Installs Node-RED and its serial nodes in `folder`, unless they are there. */
export function installNodeRed(folder: string): void {
  if (existsSync(entryOf(folder))) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}");
  execFileSync("npm", ["install", "--no-audit", "--no-fund", ...PACKAGES], { cwd: folder, stdio: "ignore" });
}

function entryOf(folder: string): string {
  return join(folder, "node_modules/node-red/red.js");
}

const PARSE_NMEA = `
const line = msg.payload.trim();
const [body, told] = line.slice(1).split("*");
let sum = 0;
for (const c of body) sum ^= c.charCodeAt(0);
if (!line.startsWith("$") || sum !== parseInt(told, 16)) return null;
msg.fields = body.split(",");
return msg;`;

const JOIN_FIX = `
const f = msg.fields;
const rmc = context.get("rmc");
if (f[0].endsWith("RMC") && f[2] === "A") { context.set("rmc", f); return null; }
if (!f[0].endsWith("GGA") || !rmc || rmc[1] !== f[1]) return null;
const degrees = (text, half) => {
  const v = Number(text), d = Math.floor(v / 100), deg = d + (v - 100 * d) / 60;
  return half === "S" || half === "W" ? -deg : deg;
};
return { payload: { t: f[1], lat: Number(degrees(rmc[3], rmc[4]).toFixed(8)), lon: Number(degrees(rmc[5], rmc[6]).toFixed(8)),
  speed: Number((Number(rmc[7]) * 0.514444).toFixed(3)), alt: Number(f[9]), sats: Number(f[7]) } };`;

const MEDIAN = `
const x = parseFloat(msg.payload);
if (isNaN(x)) return null;
const w = context.get("w") || [];
w.push(x);
if (w.length > 5) w.shift();
context.set("w", w);
msg.payload = [...w].sort((a, b) => a - b)[w.length >> 1];
return msg;`;

const LOW_PASS = `
const k = Math.tan(Math.PI * 100 / 1000), norm = 1 / (1 + Math.SQRT2 * k + k * k);
const b0 = k * k * norm, b1 = 2 * b0, b2 = b0, a1 = 2 * (k * k - 1) * norm, a2 = (1 - Math.SQRT2 * k + k * k) * norm;
const x = msg.payload;
const [s1, s2] = context.get("s") || [x * (1 - b0), x * (b2 - a2)];
const y = b0 * x + s1;
context.set("s", [b1 * x - a1 * y + s2, b2 * x - a2 * y]);
msg.payload = y;
return msg;`;

const STATS = `
const ys = context.get("ys") || [];
ys.push(msg.payload);
if (ys.length < 1000) { context.set("ys", ys); return null; }
context.set("ys", []);
const n = ys.length;
return { payload: { n, mean: ys.reduce((s, v) => s + v, 0) / n, min: Math.min(...ys), max: Math.max(...ys),
  rms: Math.sqrt(ys.reduce((s, v) => s + v * v, 0) / n) } };`;

/** The end-to-end workload as a flow: two serial inputs, five function nodes, one MQTT output. */
export function nodeRedFlow(linePath: string, gnssPath: string, port: number): object[] {
  const serial = (id: string, path: string) => ({
    ...{ id, type: "serial-port", name: "", serialport: path, serialbaud: "115200", databits: 8, parity: "none" },
    ...{ stopbits: 1, waitfor: "", dtr: "none", rts: "none", cts: "none", dsr: "none", newline: "\\n", bin: "false" },
    ...{ out: "char", addchar: "", responsetimeout: "10000" },
  });
  const input = (id: string, of: string, to: string) => ({
    id,
    type: "serial in",
    z: "flow",
    serial: of,
    wires: [[to]],
  });
  const step = (id: string, func: string, to: string) => ({
    ...{ id, type: "function", z: "flow", name: "", func, outputs: 1, timeout: 0, noerr: 0 },
    ...{ initialize: "", finalize: "", libs: [], wires: [[to]] },
  });
  const output = (id: string) => ({
    ...{
      id,
      type: "mqtt out",
      z: "flow",
      topic: `bench/${id}`,
      qos: "1",
      retain: "false",
      broker: "broker",
      wires: [],
    },
  });
  return [
    { id: "flow", type: "tab", label: "bench" },
    serial("line_port", linePath),
    serial("gnss_port", gnssPath),
    {
      ...{ id: "broker", type: "mqtt-broker", broker: "127.0.0.1", port: String(port), clientid: "bench-node-red" },
      ...{ autoConnect: true, usetls: false, protocolVersion: "4", keepalive: "60", cleansession: true },
    },
    input("line", "line_port", "median"),
    step("median", MEDIAN, "low_pass"),
    step("low_pass", LOW_PASS, "second"),
    step("second", STATS, "stats"),
    output("stats"),
    input("gnss", "gnss_port", "nmea"),
    step("nmea", PARSE_NMEA, "join"),
    step("join", JOIN_FIX, "fix"),
    output("fix"),
  ];
}

/** What starts Node-RED on a flow, in a user folder of its own. */
export function nodeRedCommand(folder: string, userDir: string, flow: readonly object[], uiPort: number): string[] {
  mkdirSync(userDir, { recursive: true });
  writeFileSync(join(userDir, "flows.json"), JSON.stringify(flow));
  const settings = {
    ...{ uiPort, uiHost: "127.0.0.1", httpAdminRoot: false, credentialSecret: false, flowFile: "flows.json" },
    ...{ nodesDir: [join(folder, "node_modules/node-red-node-serialport")] },
    ...{ logging: { console: { level: "warn", metrics: false, audit: false } }, telemetry: { enabled: false } },
  };
  writeFileSync(join(userDir, "settings.js"), `module.exports = ${JSON.stringify(settings)};\n`);
  return [process.execPath, entryOf(folder), "-s", join(userDir, "settings.js"), "-u", userDir];
}
