import { connect, type MqttClient } from "mqtt";
import {
  type Descriptor,
  descMessage,
  descriptorBody,
  type HealthMessage,
  healthMessage,
  type Lane,
  type LiveMessage,
  liveMessage,
  type StateMessage,
  stateMessage,
  type WireRecord,
  wireRecord,
} from "../../src/model/record.ts";
import { type TopicClass, topicOf } from "../../src/model/topics.ts";
import { createFakeField, type FieldRow } from "./fake-field.ts";

export const FAKE_DESC = "0123456789abcdef";
const CONFIG = "fedcba9876543210";
const STATS = ["mean", "min", "max"];

function telemetryChannel(label: string, unit: string, range: [number, number], resolution: number, source: string) {
  return {
    label,
    unit,
    range,
    resolution,
    source,
    table: "telemetry",
    filters: ["median", "low_pass"],
    simulated: true,
  };
}

/** A descriptor like that of the demonstration. `labels` replaces labels by channel. */
export function fakeDescriptor(
  unit = "demo-01",
  labels: Record<string, string> = {},
  without: readonly string[] = [],
): Descriptor {
  const analog = {
    rotor_speed: telemetryChannel("Rotor speed", "rpm", [0, 600], 0.1, "analog"),
    tool_depth: telemetryChannel("Tool depth", "m", [-0.6, 0.6], 0.001, "analog"),
    engine_speed: telemetryChannel("Engine speed", "rpm", [0, 3500], 0.5, "analog"),
    hyd_pressure: telemetryChannel("Hydraulic pressure", "kPa", [0, 40_000], 10, "analog"),
    supply_voltage: telemetryChannel("Supply voltage", "V", [0, 36], 0.01, "power"),
    supply_current: telemetryChannel("Supply current", "A", [-20, 20], 0.01, "power"),
    shock_x: telemetryChannel("Shock, fore-aft", "m/s2", [-1961, 1961], 0.481, "shock"),
    shock_y: telemetryChannel("Shock, sideways", "m/s2", [-1961, 1961], 0.481, "shock"),
    shock_z: telemetryChannel("Shock, up-down", "m/s2", [-1961, 1961], 0.481, "shock"),
  };
  const track = {
    lat: ["Latitude", "deg", [-90, 90], 1e-7],
    lon: ["Longitude", "deg", [-180, 180], 1e-7],
    alt: ["Altitude", "m", [-500, 9000], 0.01],
    speed: ["Ground speed", "m/s", [0, 20], 0.001],
    course: ["Course over ground", "deg", [0, 360], 0.1],
    heading: ["Heading", "deg", [0, 360], 0.1],
    fixMode: ["Fix mode", "1", [1, 3], 1],
    fixQuality: ["Fix quality", "1", [0, 8], 1],
    satellites: ["Satellites in use", "1", [0, 60], 1],
    hdop: ["Horizontal dilution", "1", [0, 99], 0.01],
  } as const;
  const channels: Record<string, unknown> = {};
  for (const [name, channel] of Object.entries(analog)) {
    const columns = name.startsWith("shock") ? [...STATS, "rms"] : STATS;
    channels[name] = {
      ...channel,
      label: labels[name] ?? channel.label,
      columns: columns.map((stat) => `${name}.${stat}`),
    };
  }
  for (const [name, [label, code, range, resolution]] of Object.entries(track)) {
    channels[name] = {
      label: labels[name] ?? label,
      unit: code,
      range,
      resolution,
      source: "gnss",
      table: "track",
      columns: [name],
      filters: [],
      simulated: true,
    };
  }
  for (const name of without) delete channels[name];
  return descriptorBody.parse({
    machine: "d85ms-15-07",
    unit,
    config: CONFIG,
    quality: { clipped: 1, stale: 2, suspect: 4, missing: 8, simulated: 1024 },
    channels,
  });
}

export interface FakeUnitOptions {
  readonly url: string;
  readonly org?: string;
  readonly unit?: string;
  readonly labels?: Record<string, string>;
  /** Channels the unit does not have. */
  readonly without?: readonly string[];
  /** How many seconds of work lie behind the unit when it starts, sent as records at once. */
  readonly pastS?: number;
  /** Simulated seconds per real second. */
  readonly speed?: number;
}

export interface FakeUnit {
  readonly client: MqttClient;
  /** Publishes anything on one of the unit's topics. */
  send(cls: TopicClass, body: unknown): Promise<void>;
  /** Sends a record on a lane under the lane's next number. */
  record(lane: Lane, draft: Record<string, unknown>): Promise<number>;
  /** Uses up numbers of a lane without sending anything. */
  skip(lane: Lane, count: number): void;
  /** Stops the wheel of time; the session stays. */
  pause(): void;
  /** Ends the session without a word, so that the will speaks. */
  vanish(): void;
  close(): Promise<void>;
}

const BOOT = "boot-0000-fake";
const SPOOL = "spool-0000-fake";

/** A unit as HQ sees it: a machine that tills lanes, with every message checked by the schemas before it is sent. */
export async function startFakeUnit(options: FakeUnitOptions): Promise<FakeUnit> {
  const id = { org: options.org ?? "cmac", unit: options.unit ?? "demo-01" };
  const speed = options.speed ?? 1;
  const field = createFakeField(7);
  const next: Record<Lane, number> = { event: 1, log: 1, bulk: 1 };
  const startedAt = Date.now() - ((options.pastS ?? 0) * 1000) / speed;
  let mono = 60_000;

  const envelope = (at: number) => ({
    v: 1,
    boot: BOOT,
    mono: at,
    t: new Date(startedAt + at - 60_000).toISOString(),
    trust: "gnss",
    unc: 20,
  });
  const stateOf = (state: StateMessage["state"]): StateMessage =>
    stateMessage.parse({
      v: 1,
      state,
      boot: BOOT,
      machine: "d85ms-15-07",
      software: "0.1.0",
      config: CONFIG,
      desc: FAKE_DESC,
      spool: SPOOL,
      unsent: { event: 0, log: 1, bulk: 0 },
      trust: "gnss",
      sampler: "running",
      sources: { gnss: "running", shock: "running", analog: "running", power: "running" },
      mono,
    });

  const client = connect(options.url, {
    clientId: id.unit,
    protocolVersion: 4,
    reconnectPeriod: 0,
    will: { topic: topicOf(id, "state"), payload: Buffer.from(JSON.stringify(stateOf("lost"))), qos: 1, retain: true },
  });
  client.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", reject);
  });

  async function send(cls: TopicClass, body: unknown): Promise<void> {
    const retain = cls === "state" || cls === "desc" || cls === "health";
    const payload = typeof body === "string" ? body : JSON.stringify(body);
    await client.publishAsync(topicOf(id, cls), payload, { qos: cls === "live" ? 0 : 1, retain });
  }
  async function record(lane: Lane, draft: Record<string, unknown>): Promise<number> {
    const seq = next[lane]++;
    const whole: WireRecord = wireRecord.parse({ ...envelope(mono), ...draft, seq, spool: SPOOL });
    await send(lane, whole);
    return seq;
  }

  const columnsOf = (rows: readonly FieldRow[], table: "telemetry" | "track") => {
    const c: Record<string, (number | null)[]> = {};
    for (const name of Object.keys(rows[0]![table])) c[name] = rows.map((row) => row[table][name] ?? null);
    return c;
  };
  const kept: FieldRow[] = [];

  async function flush(): Promise<void> {
    const rows = kept.splice(0, kept.length);
    if (rows.length === 0) return;
    const from = rows[0]!.mono;
    const common = { ...envelope(from), desc: FAKE_DESC, n: rows.length };
    await record("log", { ...common, kind: "telemetry", dt: 1000, c: columnsOf(rows, "telemetry") });
    await record("log", { ...common, kind: "track", at: rows.map((r) => r.mono - from), c: columnsOf(rows, "track") });
  }

  async function second(live: boolean): Promise<void> {
    mono += 1000;
    const row = field.step(mono);
    for (const name of options.without ?? []) {
      delete row.track[name];
      for (const column of Object.keys(row.telemetry)) if (column.startsWith(`${name}.`)) delete row.telemetry[column];
    }
    kept.push(row);
    if (row.strike !== undefined) {
      await record("event", {
        ...envelope(mono),
        kind: "event",
        name: row.strike > 900 ? "detonation_candidate" : "shock_over_limit",
        severity: row.strike > 900 ? "alarm" : "warning",
        source: "shock",
        detail: { peak: Math.round(row.strike), axis: "z" },
      });
    }
    if (live) {
      const { t, trust } = envelope(mono);
      const body: LiveMessage = liveMessage.parse({
        v: 1,
        boot: BOOT,
        mono,
        t,
        trust,
        desc: FAKE_DESC,
        c: { ...row.telemetry, ...row.track },
      });
      await send("live", body);
    }
    if (kept.length >= 10) await flush();
  }

  function health(): HealthMessage {
    return healthMessage.parse({
      v: 1,
      boot: BOOT,
      mono,
      uptimeS: mono / 1000,
      rssMb: { unit: 71, sampler: 58 },
      cpuTempCel: 54.2,
      undervoltage: false,
      diskFreeMb: 21_400,
      spool: { unsent: { event: 0, log: 1, bulk: 0 }, bytes: 48_200, state: "ok" },
      link: { connected: true, connects: 1, refused: 0, protocol: "3.1.1" },
      sampler: { restarts: 0, latenessP50Ms: 0.2, latenessMaxMs: 3.1, framesLost: 0, losses: {} },
      sources: {
        gnss: {
          state: "running",
          part: "nmea0183",
          verified: "sentences",
          lastSampleMono: mono - 120,
          counters: { checksum: 3 },
        },
        shock: { state: "running", part: "adxl375", verified: "id", lastSampleMono: mono - 20, counters: {} },
        analog: {
          state: "running",
          part: "ads1115",
          verified: "readback",
          lastSampleMono: mono - 8,
          counters: { nack: 1 },
        },
        power: { state: "running", part: "ina228", verified: "id", lastSampleMono: mono - 90, counters: {} },
      },
    });
  }

  await send("state", stateOf("online"));
  const body = fakeDescriptor(id.unit, options.labels, options.without);
  const desc = { ...envelope(mono), kind: "desc", hash: FAKE_DESC, body };
  await record("log", desc);
  await send("desc", descMessage.parse({ v: 1, kind: "desc", hash: FAKE_DESC, body }));
  for (let i = 0; i < (options.pastS ?? 0); i++) await second(false);
  await send("health", health());

  let busy = Promise.resolve();
  const timer = setInterval(() => {
    busy = busy.then(() => second(true)).catch(() => {});
    if (Math.round(mono / 1000) % 20 === 0) busy = busy.then(() => send("health", health())).catch(() => {});
  }, 1000 / speed);

  return {
    client,
    send,
    record,
    skip(lane, count) {
      next[lane] += count;
    },
    pause: () => clearInterval(timer),
    vanish() {
      clearInterval(timer);
      client.stream.destroy();
    },
    async close() {
      clearInterval(timer);
      await busy;
      if (client.connected) await send("state", stateOf("offline"));
      await client.endAsync();
    },
  };
}
