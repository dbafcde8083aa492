import { hashOf } from "../model/canonical.ts";
import type { ChannelSpec } from "../model/channel.ts";
import { QUALITY } from "../model/quality.ts";
import { type Descriptor, descriptorBody } from "../model/record.ts";
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
    rest: Pick<Channel, "source" | "sources" | "table" | "columns" | "filters">,
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
  for (const { column, part, key, spec, columns, words, standIns } of loaded.channels)
    channels[column] = describe(spec, {
      source: sourceWords({ part, key }),
      ...(standIns.length === 0 ? {} : { sources: [`${part}.${key}`, ...standIns.map((s) => `${s.part}.${s.key}`)] }),
      table: "telemetry",
      columns: [...columns],
      filters: [...words],
    });
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
    channels,
  });
  return { hash: hashOf(body), body };
}
