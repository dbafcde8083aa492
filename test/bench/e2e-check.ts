import { readFileSync } from "node:fs";

/** One position as the feeder wrote it. */
interface Told {
  /** Monotonic, after its last byte. */
  readonly ns: number;
  readonly lat: number;
}

/** One message as it came. */
export interface Heard {
  readonly ns: number;
  readonly topic: string;
  readonly payload: string;
}

/** What came of what was fed between two instants. */
export interface Verdict {
  /** Positions fed, and how many of them never came. */
  readonly fixes: number;
  readonly lost: number;
  /** Positions whose first message was left out, because a newer one had taken its place. */
  readonly skippedFirst: number;
  /** What came and is not what was fed, in words. */
  readonly wrong: readonly string[];
  /** The feeder left bytes out in the span, because the tty was full. */
  readonly stalled: boolean;
  /** From the last byte of a position to its message, sorted. */
  readonly latencyMs: readonly number[];
  /** Seconds of statistics that were looked at. */
  readonly seconds: number;
}

const LON = 13 + 18.5084 / 60;
const NEAR_DEG = 1e-7;
const NS = 1e6;

export function heardIn(path: string): Heard[] {
  const lines = readFileSync(path, "utf8").split("\n");
  lines.pop(); // what follows the last whole line
  return lines.map((line) => {
    const [ns, topic, payload] = line.split("\t");
    return { ns: Number(ns), topic: topic ?? "", payload: payload ?? "" };
  });
}

function toldIn(path: string): { told: Map<string, Told>; skippedNs: number } {
  const told = new Map<string, Told>();
  let skippedNs = 0;
  for (const line of readFileSync(path, "utf8").trimEnd().split("\n")) {
    const [first, tod = "", minutes5] = line.split(" ");
    if (first === "skipped") skippedNs = Number(tod);
    else told.set(tod, { ns: Number(first), lat: 42 + Number(minutes5) / 1e5 / 60 });
  }
  return { told, skippedNs };
}

/** The time of day as the receiver sends it. */
function todOf(utcMs: number): string {
  return new Date(utcMs).toISOString().slice(11, 22).replaceAll(":", "");
}

interface Position {
  readonly tod: string;
  readonly lat: unknown;
  readonly lon: unknown;
}

type Columns = Readonly<Record<string, readonly (number | null)[]>>;

/** The positions in a message: one of a peer's fix or a live message, all of a track record. */
function positionsOf({ topic, payload }: Heard): Position[] {
  const body = JSON.parse(payload);
  if (topic.endsWith("/fix")) return [{ tod: body.t, lat: body.lat, lon: body.lon }];
  if (topic.endsWith("/live")) {
    const { utc, lat, lon } = body.c;
    return typeof utc === "number" ? [{ tod: todOf(utc), lat, lon }] : [];
  }
  if (topic.endsWith("/log") && body.kind === "track") {
    const { utc = [], lat = [], lon = [] } = body.c as Columns;
    return utc.flatMap((ms, i) => (ms === null ? [] : [{ tod: todOf(ms), lat: lat[i], lon: lon[i] }]));
  }
  return [];
}

interface Second {
  readonly ns: number;
  readonly n: unknown;
  readonly mean: unknown;
  readonly min: unknown;
  readonly max: unknown;
}

/** The statistics in a message, with the end of the second that they are of. */
function secondsOf({ topic, payload, ns }: Heard): Second[] {
  const body = JSON.parse(payload);
  if (topic.endsWith("/stats")) return [{ ns, ...body }];
  if (!topic.endsWith("/log") || body.kind !== "telemetry") return [];
  const {
    "level.mean": means = [],
    "level.min": least = [],
    "level.max": most = [],
    "level.count": counts = [],
  } = body.c as Columns;
  return means.map((mean, i) => ({
    ns: (body.mono + (i + 1) * body.dt) * NS,
    n: counts[i],
    mean,
    min: least[i],
    max: most[i],
  }));
}

/** Samples that a second may have too many or too few: times are known to some ms, more while the host is busy. */
const EDGE = 30;

/** The sine that is fed is 2000 ± 1000, and a low-pass ten times as high hardly changes it. */
function isRight({ n, mean, min, max }: Second): boolean {
  const near = (x: unknown, to: number, by: number) => typeof x === "number" && Math.abs(x - to) <= by;
  return near(n, 1000, EDGE) && near(mean, 2000, 5 + EDGE) && near(min, 1000, 40) && near(max, 3000, 40);
}

/** Every position that was fed in the span must have come on `kept`; latency is that of its first message on `first`. */
export function judge(options: {
  readonly feedLog: string;
  readonly heard: readonly Heard[];
  readonly fromNs: number;
  readonly toNs: number;
  /** Ends of topics. */
  readonly first: string;
  readonly kept: string;
}): Verdict {
  const { heard, fromNs, toNs } = options;
  const { told, skippedNs } = toldIn(options.feedLog);
  const wrong: string[] = [];
  const came = new Map([options.first, options.kept].map((end) => [end, new Map<string, number>()]));
  for (const message of heard) {
    for (const { tod, lat, lon } of positionsOf(message)) {
      const as = told.get(tod);
      const right =
        as !== undefined && Math.abs(Number(lat) - as.lat) < NEAR_DEG && Math.abs(Number(lon) - LON) < NEAR_DEG;
      if (!right) wrong.push(`${message.topic}: ${tod} at ${lat}, ${lon}`);
      const times = came.get(message.topic.slice(message.topic.lastIndexOf("/")));
      if (times !== undefined && !times.has(tod)) times.set(tod, message.ns);
    }
  }
  let seconds = 0;
  for (const second of heard.flatMap(secondsOf)) {
    // A peer's second may have begun 1 s before its message, and nobody's first second is whole.
    if (second.ns < fromNs + 1.2e9 || second.ns > toNs) continue;
    seconds++;
    if (!isRight(second)) wrong.push(`${second.n} samples, mean ${second.mean}, min ${second.min}, max ${second.max}`);
  }
  const fed = [...told].filter(([, { ns }]) => ns >= fromNs && ns < toNs);
  const latencyMs = fed
    .flatMap(([tod, { ns }]) => ((came.get(options.first)?.get(tod) ?? Number.NaN) - ns) / NS)
    .filter((ms) => !Number.isNaN(ms))
    .sort((a, b) => a - b);
  const missing = (end: string) => fed.filter(([tod]) => came.get(end)?.has(tod) !== true).length;
  return {
    fixes: fed.length,
    lost: missing(options.kept),
    skippedFirst: missing(options.first),
    wrong,
    stalled: skippedNs >= fromNs,
    latencyMs,
    seconds,
  };
}

export function quantile(sorted: readonly number[], of: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * of))] ?? Number.NaN;
}
