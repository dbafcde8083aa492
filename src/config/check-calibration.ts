import type { ChainSpec } from "../dsp/chain.ts";
import { type ChannelCalibration, calibrationSchema, channelCalibrationSchema } from "./calibration.ts";
import { type Checking, complain, goodAt, namesAt } from "./checking.ts";
import type { LoadedChannel, LoadedPart } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { sourceWords } from "./source-words.ts";

/** What scale and offset written with a few digits may differ from the points, in m. */
const ROUNDING_M = 0.002;

const channelPath = (column: string) => ["calibration", "channels", column];

/** What the calibration of a channel does to its values: the last filter but its deadband. */
export function calibrationStages(c: Checking, column: string): ChainSpec[] {
  if (c.without?.includes(column)) return [];
  const found = goodAt(c, channelCalibrationSchema, channelPath(column));
  return found === undefined ? [] : stagesOf(found);
}

function stagesOf(found: ChannelCalibration): ChainSpec[] {
  if (found.kind === "depth") return [{ calibrate: { scale: found.scale, offset: found.offset } }];
  if (found.kind === "tilt") return [{ offset: { value: -found.offsetDeg } }];
  return found.scale === undefined ? [] : [{ calibrate: { scale: found.scale } }];
}

/** The option of a part that says how many pulses make a turn, by path and figure; undefined where it counts none. */
export function pulsesOption(
  part: LoadedPart,
  key: string,
): { readonly path: readonly string[]; readonly pulses: number } | undefined {
  const inner = part.device.kind === "board" ? ["pulses", key, "pulsesPerRevolution"] : ["pulsesPerRevolution"];
  let at: unknown = part.options;
  for (const step of inner)
    at = typeof at === "object" && at !== null ? Object.entries(at).find(([name]) => name === step)?.[1] : undefined;
  return typeof at === "number" ? { path: ["parts", part.name, "options", ...inner], pulses: at } : undefined;
}

/** Whether each calibration is of this machine, and of what its channel comes from today. */
export function checkCalibration(
  c: Checking,
  channels: readonly LoadedChannel[],
  parts: ReadonlyMap<string, LoadedPart>,
): void {
  const machine = goodAt(c, calibrationSchema.shape.leverArm.unwrap().shape.machine, ["machine"]);
  const onMachine = (found: { readonly machine: string }, path: string[]) => {
    if (machine === undefined || found.machine === machine) return;
    const text = `it was measured on machine ${found.machine}, and this is ${machine}: calibrate this machine, or remove it`;
    complain(c, "config/conflict", [...path, "machine"], text);
  };
  const leverArm = goodAt(c, calibrationSchema.shape.leverArm.unwrap(), ["calibration", "leverArm"]);
  if (leverArm !== undefined && !c.without?.includes("leverArm")) onMachine(leverArm, ["calibration", "leverArm"]);
  const names = namesAt(c, ["channels"]);
  for (const column of namesAt(c, ["calibration", "channels"])) {
    const path = channelPath(column);
    const found = goodAt(c, channelCalibrationSchema, path);
    if (found === undefined || c.without?.includes(column)) continue;
    onMachine(found, path);
    if (!names.includes(column)) {
      const hint = suggest(column, names, "channels of this file");
      complain(c, "config/conflict", path, `there is no channel "${column}"; ${hint}`);
    }
    const channel = channels.find((ch) => ch.column === column);
    if (channel !== undefined) checkChannelCalibration(c, found, channel, parts);
  }
}

function checkChannelCalibration(
  c: Checking,
  found: ChannelCalibration,
  channel: LoadedChannel,
  parts: ReadonlyMap<string, LoadedPart>,
): void {
  const { column, spec, standIns } = channel;
  const path = channelPath(column);
  const all = [channel, ...standIns];
  const measured = all.find((s) => sourceWords(s) === found.source);
  if (measured === undefined) {
    const now = all.map(sourceWords).join(", ");
    const text = `it was measured with ${found.source}, and the channel comes from ${now}: calibrate again, or remove it`;
    complain(c, "config/conflict", [...path, "source"], text);
    return;
  }
  const unit = { depth: "m", tilt: "deg", rotor: "rpm" }[found.kind];
  if (spec.unit !== unit)
    complain(c, "config/conflict", path, `${column} is in ${spec.unit}, a ${found.kind} is in ${unit}`);
  if (standIns.length > 0 && stagesOf(found).length > 0)
    complain(c, "config/conflict", path, "the channel has several sources, and this was measured with one of them");
  if (found.kind === "depth") {
    const { scale, offset, points, residualM = 0 } = found;
    const worst = Math.max(...points.map(([said, depthM]) => Math.abs(scale * said + offset - depthM)));
    if (worst > residualM + ROUNDING_M)
      complain(
        c,
        "config/conflict",
        path,
        `its points lie up to ${Number(worst.toPrecision(3))} m off scale × reading + offset, and ${residualM === 0 ? "no residualM is told" : `residualM says ${residualM}`}`,
      );
  }
  if (found.kind !== "rotor" || found.pulsesPerRevolution === undefined) return;
  const part = parts.get(measured.part);
  const option = part && pulsesOption(part, measured.key);
  if (option !== undefined && option.pulses !== found.pulsesPerRevolution) {
    const text = `${option.path.join(".")} is ${option.pulses}: one of the two is wrong`;
    complain(c, "config/conflict", [...path, "pulsesPerRevolution"], text);
  }
}
