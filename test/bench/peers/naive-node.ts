import { EventEmitter } from "node:events";
import mqtt from "mqtt";
import { ReadlineParser, SerialPort } from "serialport";

/** The end-to-end workload the obvious way: serialport, lines, events, mqtt.js. `naive-node.js LINE_TTY GNSS_TTY PORT` */
const [, , linePath = "", gnssPath = "", port = ""] = process.argv;
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId: "bench-node" });
const events = new EventEmitter();

function checks(line: string): boolean {
  const [body, told] = line.slice(1).split("*");
  let sum = 0;
  for (const c of body ?? "") sum ^= c.charCodeAt(0);
  return line.startsWith("$") && sum === Number.parseInt(told ?? "", 16);
}

function degrees(text = "", half = ""): number {
  const v = Number(text);
  const d = Math.floor(v / 100);
  const deg = d + (v - 100 * d) / 60;
  return half === "S" || half === "W" ? -deg : deg;
}

function lines(path: string): ReadlineParser {
  return new SerialPort({ path, baudRate: 115_200 }).pipe(new ReadlineParser({ delimiter: "\r\n" }));
}

let rmc: string[] | undefined;
lines(gnssPath).on("data", (line: string) => {
  if (!checks(line)) return;
  const f = line.split("*")[0]!.split(",");
  if (f[0]!.endsWith("RMC") && f[2] === "A") rmc = f;
  else if (f[0]!.endsWith("GGA") && rmc !== undefined && f[1] === rmc[1]) {
    const lat = degrees(rmc[3], rmc[4]);
    const lon = degrees(rmc[5], rmc[6]);
    events.emit("fix", {
      t: f[1],
      lat: Number(lat.toFixed(8)),
      lon: Number(lon.toFixed(8)),
      speed: Number((Number(rmc[7]) * 0.514444).toFixed(3)),
      alt: Number(f[9]),
      sats: Number(f[7]),
    });
  }
});

const window: number[] = [];
lines(linePath).on("data", (line: string) => {
  const x = Number.parseFloat(line);
  if (Number.isNaN(x)) return;
  window.push(x);
  if (window.length > 5) window.shift();
  events.emit("median", [...window].sort((a, b) => a - b)[window.length >> 1]);
});

const k = Math.tan((Math.PI * 100) / 1000);
const norm = 1 / (1 + Math.SQRT2 * k + k * k);
const b = [k * k * norm, 2 * k * k * norm, k * k * norm] as const;
const a = [2 * (k * k - 1) * norm, (1 - Math.SQRT2 * k + k * k) * norm] as const;
let state: [number, number] | undefined;
events.on("median", (x: number) => {
  state ??= [x * (1 - b[0]), x * (b[2] - a[1])];
  const y = b[0] * x + state[0];
  state = [b[1] * x - a[0] * y + state[1], b[2] * x - a[1] * y];
  events.emit("filtered", y);
});

let second: number[] = [];
events.on("filtered", (y: number) => {
  second.push(y);
  if (second.length < 1000) return;
  const n = second.length;
  events.emit("stats", {
    n,
    mean: second.reduce((s, v) => s + v, 0) / n,
    min: Math.min(...second),
    max: Math.max(...second),
    rms: Math.sqrt(second.reduce((s, v) => s + v * v, 0) / n),
  });
  second = [];
});

for (const name of ["fix", "stats"]) {
  events.on(name, (message: object) => client.publish(`bench/${name}`, JSON.stringify(message), { qos: 1 }));
}
