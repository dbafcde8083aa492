import type { Lane } from "../../src/model/record.ts";

/** Messages by hand, for tests that want to know every number in them. */
export const BOOT = "boot-aaaa";
export const SPOOL = "spool-aaaa";
export const HASH = "00112233445566aa";

export function encode(body: unknown): Uint8Array {
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}

export function topic(cls: string, unit = "u1"): string {
  return `swath/1/cmac/${unit}/${cls}`;
}

const head = (seq: number, mono: number) => ({ v: 1, seq, spool: SPOOL, boot: BOOT, mono, trust: "none" });

export function descriptorRecord(seq: number, labels: Record<string, string> = {}) {
  const channel = (name: string, unit: string, table: string, columns: string[]) => ({
    label: labels[name] ?? name,
    unit,
    range: [-1000, 1000],
    resolution: 0.01,
    source: "adc.a0",
    table,
    columns,
    filters: [],
  });
  const stats = (name: string) => ["mean", "min", "max"].map((stat) => `${name}.${stat}`);
  return {
    ...head(seq, 0),
    kind: "desc",
    hash: HASH,
    body: {
      machine: "m1",
      unit: "u1",
      config: HASH,
      quality: { missing: 8 },
      channels: {
        rotor_speed: channel("rotor_speed", "rpm", "telemetry", stats("rotor_speed")),
        tool_depth: channel("tool_depth", "m", "telemetry", stats("tool_depth")),
        shock_z: channel("shock_z", "m/s2", "telemetry", ["shock_z.min", "shock_z.max", "shock_z.rms"]),
        lat: channel("lat", "deg", "track", ["lat"]),
        lon: channel("lon", "deg", "track", ["lon"]),
      },
    },
  };
}

/** One row a second from `mono` on, with the tool at work. */
export function telemetryRecord(seq: number, mono: number, rows: { rotor?: number; depth?: number; shock?: number }[]) {
  return {
    ...head(seq, mono),
    kind: "telemetry",
    desc: HASH,
    n: rows.length,
    dt: 1000,
    c: {
      "rotor_speed.mean": rows.map((row) => row.rotor ?? 200),
      "tool_depth.mean": rows.map((row) => row.depth ?? 0.2),
      "shock_z.max": rows.map((row) => row.shock ?? 20),
      "shock_z.min": rows.map(() => -20),
    },
  };
}

export function trackRecord(seq: number, mono: number, places: readonly (readonly [lat: number, lon: number])[]) {
  return {
    ...head(seq, mono),
    kind: "track",
    desc: HASH,
    n: places.length,
    at: places.map((_, i) => i * 1000),
    c: { lat: places.map(([lat]) => lat), lon: places.map(([, lon]) => lon) },
  };
}

export function gapRecord(seq: number, from: number, to: number) {
  return { ...head(seq, 0), kind: "gap", from, to, reason: "thinned" };
}

export function eventRecord(seq: number, mono: number, name = "limit_crossed") {
  return { ...head(seq, mono), kind: "event", name, severity: "warning", detail: { peak: 300 } };
}

export function liveMessage(mono: number, c: Record<string, number | null>) {
  return { v: 1, boot: BOOT, mono, trust: "none", desc: HASH, c };
}

export function stateMessage(state: string, boot = BOOT) {
  return {
    v: 1,
    state,
    boot,
    machine: "m1",
    software: "0.1.0",
    config: HASH,
    desc: HASH,
    spool: SPOOL,
    unsent: { event: 0, log: 3, bulk: 0 },
    trust: "none",
    sampler: "running",
    sources: { adc: "running" },
    mono: 1,
  };
}

/** A record as a message of a lane. */
export function onLane(lane: Lane, record: unknown): [topic: string, payload: Uint8Array] {
  return [topic(lane), encode(record)];
}
