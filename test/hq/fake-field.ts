/** One second of the fake machine: window statistics and the newest fix. */
export interface FieldRow {
  readonly mono: number;
  readonly telemetry: Record<string, number | null>;
  readonly track: Record<string, number | null>;
  /** Peak of a rock strike in this second, in m/s². */
  readonly strike: number | undefined;
}

const ORIGIN = { lat: 13.102431, lon: 103.198217 };
const LANE_M = 46;
const LANE_STEP_M = 1.8;
const TURN_M = 7;

/** A small generator of random numbers in [0, 1), the same for the same seed. */
function mulberry(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A machine that tills lanes to and fro, raising the tool to turn, with rocks now and then. */
export function createFakeField(seed: number): { step(mono: number): FieldRow } {
  const random = mulberry(seed);
  const bell = () => random() + random() + random() - 1.5;
  let lane = 0;
  let along = -6;
  let depth = -0.25;
  let rotor = 0;
  let driftEast = 0;
  let driftNorth = 0;
  let side = 0;

  return {
    step(mono) {
      const inLane = along >= 0 && along <= LANE_M;
      const forward = lane % 2 === 0 ? 1 : -1;
      const hard = Math.sin(lane * 1.7 + along / 9) > 0.93;
      const wanted = inLane ? (hard ? 0.15 : 0.212) : -0.25;
      depth += (wanted - depth) * 0.45 + bell() * 0.004;
      rotor += ((inLane ? (hard ? 176 : 203) : 214) - rotor) * 0.5 + bell() * 2;
      const speed = inLane ? (hard ? 0.11 : 0.16) + bell() * 0.01 : 0.9;
      along += speed * (inLane ? 1 : 1);
      if (along > LANE_M + TURN_M) {
        lane++;
        along = -TURN_M;
      }
      const target = lane * LANE_STEP_M;
      side += Math.max(-0.7, Math.min(0.7, target - side));
      driftEast += bell() * 0.02 - driftEast * 0.05;
      driftNorth += bell() * 0.02 - driftNorth * 0.05;
      const north = (forward > 0 ? along : LANE_M - along) + driftNorth;
      const east = side + driftEast + Math.sin(along / 11) * 0.12;
      const heading = ((forward > 0 ? 8 : 188) + bell() * 2 + 360) % 360;
      const turn = (8 * Math.PI) / 180;
      const y = north * Math.cos(turn) - east * Math.sin(turn);
      const x = north * Math.sin(turn) + east * Math.cos(turn);
      const strike = inLane && random() < 0.012 ? 280 + random() * random() * 900 : undefined;
      const rough = inLane ? 46 + random() * 60 : 8 + random() * 6;
      const engine = (inLane ? 1815 : 1560) + bell() * 18 - (hard ? 70 : 0);

      const stat = (mean: number, spread: number) => ({
        mean,
        min: mean - spread * (0.6 + random() * 0.4),
        max: mean + spread * (0.6 + random() * 0.4),
      });
      const telemetry: Record<string, number | null> = {};
      const put = (name: string, values: Record<string, number>) => {
        for (const [key, value] of Object.entries(values)) telemetry[`${name}.${key}`] = Math.round(value * 1e4) / 1e4;
      };
      put("rotor_speed", stat(rotor, inLane ? 9 : 3));
      put("tool_depth", stat(depth, 0.012));
      put("engine_speed", stat(engine, 24));
      put("hyd_pressure", stat(inLane ? 18_400 + bell() * 900 : 6_200 + bell() * 200, 700));
      put("supply_voltage", stat(27.6 + bell() * 0.05, 0.08));
      put("supply_current", stat(2.3 + bell() * 0.06, 0.2));
      put("shock_x", { ...stat(0, rough * 0.7), rms: rough * 0.2 });
      put("shock_y", { ...stat(0, rough * 0.5), rms: rough * 0.15 });
      const z = stat(9.8, rough);
      put("shock_z", { ...z, max: Math.max(z.max, strike ?? 0), rms: rough * 0.3 });
      return {
        mono,
        telemetry,
        track: {
          lat: ORIGIN.lat + y / 111_320,
          lon: ORIGIN.lon + x / (111_320 * Math.cos((ORIGIN.lat * Math.PI) / 180)),
          alt: 14.2 + bell() * 0.03,
          speed,
          course: heading,
          heading,
          fixMode: 3,
          fixQuality: 4,
          satellites: 17,
          hdop: 0.7,
        },
        strike,
      };
    },
  };
}
