import { hashOf } from "../model/canonical.ts";
import type { ChannelSpec } from "../model/channel.ts";
import { QUALITY } from "../model/quality.ts";
import { type Descriptor, descriptorBody } from "../model/record.ts";
import type { ChannelCalibration, LeverArm } from "./calibration.ts";
import type { LoadedConfig } from "./loaded.ts";
import { sourceWords } from "./source-words.ts";

type Channel = Descriptor["channels"][string];

/**
 * What every column of this unit means, and the hash by which records name it: 16 hex digits of the SHA-256 over the
 * body as canonical JSON. The same configuration gives the same hash on every computer.
 */
export function buildDescriptor(loaded: LoadedConfig): { hash: string; body: Descriptor } {
  const channels: Record<string, Channel> = {};
  const describe = (
    spec: ChannelSpec,
    rest: Pick<Channel, "source" | "sources" | "table" | "columns" | "filters" | "calibration">,
  ): Channel => {
    const { label, unit, range, resolution, rateHz, codes } = spec;
    return {
      label,
      unit,
      range: [...range],
      resolution,
      ...(rateHz === undefined ? {} : { rateHz }),
      ...(codes === undefined ? {} : { codes: [...codes] }),
      ...rest,
      ...(loaded.simulation === undefined ? {} : { simulated: true }),
    };
  };
  const { leverArm, channels: calibrations = {} } = loaded.calibration ?? {};
  for (const { column, part, key, spec, columns, words, standIns } of loaded.channels) {
    const calibration = calibrations[column];
    channels[column] = describe(spec, {
      source: sourceWords({ part, key }),
      ...(standIns.length === 0 ? {} : { sources: [`${part}.${key}`, ...standIns.map((s) => `${s.part}.${s.key}`)] }),
      table: "telemetry",
      columns: [...columns],
      filters: [...words],
      ...(calibration === undefined ? {} : { calibration: calibrationOf(calibration) }),
    });
  }
  for (const { column, key, spec } of loaded.track?.columns ?? [])
    channels[column] = describe(spec, {
      source: `${loaded.track?.part}.${key}`,
      table: "track",
      columns: [column],
      filters: [],
    });
  const body = descriptorBody.parse({
    machine: loaded.machine,
    unit: loaded.identity.unit,
    config: loaded.hash,
    quality: { ...QUALITY },
    ...(leverArm === undefined ? {} : { leverArm: leverArmOf(leverArm) }),
    channels,
  });
  return { hash: hashOf(body), body };
}

function calibrationOf(found: ChannelCalibration): NonNullable<Channel["calibration"]> {
  const { kind, by, at, unit } = found;
  const uncertainty =
    found.kind === "depth" ? found.uncertaintyM : found.kind === "tilt" ? found.uncertaintyDeg : found.uncertainty;
  return { kind, by, at, unit, uncertainty };
}

/** The machine stands in the descriptor itself. */
function leverArmOf({ machine: _, ...rest }: LeverArm): NonNullable<Descriptor["leverArm"]> {
  return rest;
}
