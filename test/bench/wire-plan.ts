import type { Descriptor, DraftOf } from "../../src/model/record.ts";
import type { UNITS } from "../../src/model/units.ts";

/** One channel of the plan: its step, where it lies, how far it wanders in a minute and how much it shakes at 100 Hz. */
interface Planned {
  readonly name: string;
  readonly unit: keyof typeof UNITS;
  readonly step: number;
  readonly level: number;
  readonly wander: number;
  readonly shake: number;
}

const p = (
  name: string,
  unit: keyof typeof UNITS,
  step: number,
  level: number,
  wander: number,
  shake: number,
): Planned => ({
  ...{ name, unit, step, level },
  ...{ wander, shake },
});

/** 25 channels of a clearance machine at work, with the steps of their usual sources. */
const CHANNELS: readonly Planned[] = [
  p("ambient_temp", "Cel", 0.01, 31, 0.05, 0.02),
  p("battery_voltage", "V", 0.05, 27.6, 0.1, 0.05),
  p("boost_pressure", "kPa", 2, 120, 20, 1),
  p("cabin_humidity", "%", 0.01, 48, 0.1, 0.03),
  p("coolant_temp", "Cel", 1, 84, 1, 0),
  p("engine_load", "%", 1, 64, 12, 1.5),
  p("engine_speed", "rpm", 0.125, 1800, 40, 2),
  p("fuel_level", "%", 0.4, 63, 0.1, 0.1),
  p("fuel_rate", "L/h", 0.05, 41, 4, 0.3),
  p("hydraulic_pressure_a", "kPa", 10, 18_000, 3_000, 150),
  p("hydraulic_pressure_b", "kPa", 10, 17_000, 3_000, 150),
  p("hydraulic_pressure_c", "kPa", 10, 4_000, 200, 20),
  p("hydraulic_temp", "Cel", 0.1, 61, 0.3, 0.05),
  p("oil_pressure", "kPa", 4, 420, 8, 3),
  p("oil_temp", "Cel", 0.03125, 92, 0.3, 0.02),
  p("pitch", "deg", 0.01, 2.1, 1.5, 0.08),
  p("roll", "deg", 0.01, -1.2, 1.2, 0.08),
  p("rotor_speed", "rpm", 0.1, 212, 6, 0.6),
  p("shock_x", "m/s2", 0.49, 0, 0.5, 9),
  p("shock_y", "m/s2", 0.49, 0, 0.5, 8),
  p("shock_z", "m/s2", 0.49, 9.8, 0.5, 12),
  p("tool_depth", "m", 0.001, 0.21, 0.02, 0.002),
  p("track_speed", "m/s", 0.01, 0.15, 0.03, 0.02),
  p("transmission_temp", "Cel", 0.1, 78, 0.3, 0.02),
  p("yaw_rate", "deg/s", 0.01, 0.1, 0.5, 0.15),
];
const STATS = ["mean", "min", "max"] as const;
/** Seven states that change now and then. */
const STATES = ["engaged", "ignition", "key", "lamp", "mode", "rotor_on", "tool_down"] as const;

export const FULL_PLAN_DESC = "00112233445566aa";

const channel = (of: Partial<Descriptor["channels"][string]> & { columns: string[] }) => ({
  label: "a channel",
  unit: "1" as const,
  range: [-100_000, 100_000] as [number, number],
  resolution: 1,
  source: "part.channel",
  table: "telemetry" as const,
  filters: [],
  ...of,
});

/** The descriptor of the full plan: 25 channels × mean, min, max, seven states, and a position. */
export const FULL_PLAN: Descriptor = {
  machine: "machine-1",
  unit: "unit-1",
  config: FULL_PLAN_DESC,
  quality: { missing: 8 },
  channels: {
    ...Object.fromEntries(
      CHANNELS.map((c) => [
        c.name,
        channel({ unit: c.unit, resolution: c.step, columns: STATS.map((s) => `${c.name}.${s}`) }),
      ]),
    ),
    ...Object.fromEntries(STATES.map((s) => [s, channel({ columns: [s] })])),
    lat: channel({ unit: "deg", resolution: 1e-7, table: "track", columns: ["lat"] }),
    lon: channel({ unit: "deg", resolution: 1e-7, table: "track", columns: ["lon"] }),
    alt: channel({ unit: "m", resolution: 0.01, table: "track", columns: ["alt"] }),
    speed: channel({ unit: "m/s", resolution: 0.01, table: "track", columns: ["speed"] }),
    course: channel({ unit: "deg", resolution: 0.1, table: "track", columns: ["course"] }),
  },
};

const decimalsOf = (step: number) => Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
const onStep = (value: number, step: number) => Number((Math.round(value / step) * step).toFixed(decimalsOf(step)));

/** The draws of one seed: uniform and normal. */
function random(seed: number) {
  let s = seed >>> 0 || 1;
  const uniform = () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

/**
 * `records` pairs of a telemetry and a track record of the full plan, ten rows at 1 Hz each, from samples at 100 Hz: a level
 * that wanders, noise, and every value on its channel's step.
 */
export function fullPlanRecords(
  records: number,
  seed = 1,
): { telemetry: DraftOf<"telemetry">; track: DraftOf<"track"> }[] {
  const { uniform, normal } = random(seed);
  const at = CHANNELS.map((c) => c.level);
  const states = STATES.map((_, i) => i % 2);
  let lat = 13.1234567;
  let lon = 103.7654321;
  let course = 90;
  return Array.from({ length: records }, (_, record) => {
    const c: Record<string, number[]> = {};
    const track: Record<string, number[]> = { lat: [], lon: [], alt: [], speed: [], course: [] };
    const push = (name: string, value: number) => {
      c[name] ??= [];
      c[name].push(value);
    };
    for (let row = 0; row < 10; row++) {
      CHANNELS.forEach((one, i) => {
        at[i] = at[i]! + (one.level - at[i]!) / 60 + (normal() * one.wander) / 8;
        let sum = 0;
        let min = Number.POSITIVE_INFINITY;
        let max = Number.NEGATIVE_INFINITY;
        for (let k = 0; k < 100; k++) {
          const sample = onStep(at[i]! + normal() * one.shake, one.step);
          sum += sample;
          min = Math.min(min, sample);
          max = Math.max(max, sample);
        }
        push(`${one.name}.mean`, Number((sum / 100).toFixed(decimalsOf(one.step))) + 0);
        push(`${one.name}.min`, min + 0);
        push(`${one.name}.max`, max + 0);
      });
      STATES.forEach((name, i) => {
        if (uniform() < 0.005) states[i] = 1 - states[i]!;
        push(name, states[i]!);
      });
      const speed = 0.15 + normal() * 0.01;
      course += normal() * 0.5;
      lat += (speed * Math.cos((course * Math.PI) / 180)) / 111_320;
      lon += (speed * Math.sin((course * Math.PI) / 180)) / 108_400;
      track["lat"]!.push(Number((lat + normal() * 1e-7).toFixed(7)));
      track["lon"]!.push(Number((lon + normal() * 1e-7).toFixed(7)));
      track["alt"]!.push(Number((24 + normal() * 0.02).toFixed(2)));
      track["speed"]!.push(Number(Math.abs(speed).toFixed(2)));
      track["course"]!.push(Number((((course % 360) + 360) % 360).toFixed(1)));
    }
    const mono = 5_123_400 + record * 10_000;
    const head = {
      v: 1 as const,
      boot: "4b3f6c1e-27bd-4c3e-9d2b-0f8a1c2d3e4f",
      mono,
      t: new Date(Date.UTC(2026, 10, 23, 7, 12) + mono).toISOString(),
      trust: "gnss" as const,
      unc: 20,
      desc: FULL_PLAN_DESC,
      n: 10,
    };
    return {
      telemetry: { ...head, kind: "telemetry", c, dt: 1000 },
      track: {
        ...head,
        mono: mono + 120,
        t: new Date(Date.parse(head.t) + 120).toISOString(),
        kind: "track",
        c: track,
        at: Array.from({ length: 10 }, (_, i) => i * 1000),
      },
    };
  });
}
