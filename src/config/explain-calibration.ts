import type { ChannelCalibration } from "./calibration.ts";
import type { LoadedConfig } from "./loaded.ts";

const DAY_MS = 86_400_000;

/** What is calibrated, by whom, when and how well; what should be and is not; and what is too old at `nowMs` (UTC). */
export function calibrationLines(config: LoadedConfig, nowMs: number): string[] {
  const { channels = {}, leverArm, maxAgeDays = 365 } = config.calibration ?? {};
  const lines = Object.entries(channels).flatMap(([column, found]) => [
    `  ${column}: ${wordsOf(found)}`,
    ...provenance(config, found, nowMs, maxAgeDays),
  ]);
  if (leverArm !== undefined) {
    const { forwardM, rightM, upM, uncertaintyM } = leverArm;
    lines.push(
      `  lever arm: the antenna is ${forwardM} m in front, ${rightM} m to the right, ${upM} m above the middle of the tool, ± ${uncertaintyM} m`,
      ...provenance(config, leverArm, nowMs, maxAgeDays),
    );
  }
  const missing = wanted(config).filter(({ column }) => column === undefined || channels[column] === undefined);
  for (const { column, kind } of missing) {
    if (column === undefined && leverArm !== undefined) continue;
    const what = column === undefined ? "where the antenna is" : column;
    lines.push(`  NOT CALIBRATED (${kind}): ${what}`);
  }
  return lines.length === 0 ? [] : ["Calibration", ...lines, ""];
}

/** What a figure at HQ hangs on: depth, angles, the rotor's speed, and where the tool is seen from the antenna. */
function wanted(config: LoadedConfig): { column?: string; kind: string }[] {
  const has = (column: string) => config.channels.some((ch) => ch.column === column);
  const { depth = "tool_depth", rotor = "rotor_speed" } = config.cab ?? {};
  return [
    ...(has(depth) ? [{ column: depth, kind: "depth" }] : []),
    ...config.channels.filter(isAngle).map(({ column }) => ({ column, kind: "tilt" })),
    ...(has(rotor) ? [{ column: rotor, kind: "rotor" }] : []),
    ...(config.track === undefined ? [] : [{ kind: "lever arm" }]),
  ];
}

/** Whether a channel is an angle that hangs on how its sensor is mounted, in one axis. */
function isAngle({ derived, spec }: LoadedConfig["channels"][number]): boolean {
  return spec.unit === "deg" && (derived?.name === "pitch" || derived?.name === "roll");
}

function wordsOf(found: ChannelCalibration): string {
  if (found.kind === "depth") {
    const { scale, offset, residualM, repeatabilityM, uncertaintyM, points } = found;
    const straight =
      residualM === undefined
        ? "two heights, so nothing is known of its straightness"
        : `${mm(residualM)} off the line at worst`;
    const again = repeatabilityM === undefined ? "" : `, ${mm(repeatabilityM)} between readings of one height`;
    return `depth × ${short(scale)} ${offset < 0 ? "−" : "+"} ${short(Math.abs(offset))} m from ${points.length} readings, ${straight}${again}, ± ${mm(uncertaintyM)}`;
  }
  if (found.kind === "tilt")
    return `tilt, ${short(found.offsetDeg)}° taken off (measured on a slope of ${short(found.slopeDeg)}°), ± ${short(found.uncertaintyDeg)}°`;
  const how = found.method === "turns" ? "turned by hand" : "against a tachometer";
  const what =
    found.scale === undefined ? `${found.pulsesPerRevolution} pulses in one turn` : `speed × ${short(found.scale)}`;
  return `rotor, ${what}, ${how}, ± ${short(found.uncertainty * 100)} %`;
}

function provenance(
  { identity }: LoadedConfig,
  { by, at, unit }: { readonly by: string; readonly at: string; readonly unit: string },
  nowMs: number,
  maxAgeDays: number,
): string[] {
  const days = Math.floor((nowMs - Date.parse(at)) / DAY_MS);
  return [
    `    by ${by} on ${at.slice(0, 10)}`,
    ...(days > maxAgeDays ? [`    OLD: ${days} days ago, at most ${maxAgeDays} are asked for; calibrate again`] : []),
    ...(days < 0 ? ["    IN THE FUTURE: the clock of this computer or of that one was wrong"] : []),
    ...(unit === identity.unit
      ? []
      : [
          `    WITH ANOTHER UNIT, ${unit}: where the converter or the sensor was changed with it, check zero and calibrate again`,
        ]),
  ];
}

const mm = (m: number) => `${short(m * 1000)} mm`;
const short = (x: number) => String(Number(x.toPrecision(3)));
