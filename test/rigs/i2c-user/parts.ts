import { readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue } from "../../../devices/index.ts";
import type { I2cDevice } from "../../../src/device/define.ts";

/** A part of the catalogue at an address of its own on one bus, with what stands before its sensor. */
export interface PlacedPart {
  readonly device: I2cDevice;
  readonly address: number;
  readonly options: unknown;
  value(key: string, tMs: number): number;
}

/** Every I2C part of the catalogue on one bus, each channel at a third of its range with two counts of noise. The same in every process. */
export function placedParts(): PlacedPart[] {
  const taken = new Set<number>();
  const placed: PlacedPart[] = [];
  for (const device of Object.values(catalogue)) {
    if (device.kind !== "i2c") continue;
    const address = device.addresses.find((a) => !taken.has(a));
    if (address === undefined) continue; // the bus is full for this part
    taken.add(address);
    const golden = readFileSync(join(import.meta.dirname, "../../golden", `${device.part}.json`), "utf8");
    const { options } = JSON.parse(golden) as { options: unknown };
    const { channels } = device.plan(options);
    placed.push({
      device,
      address,
      options,
      value(key, tMs) {
        const channel = channels[key]!;
        const [low, high] = channel.range;
        const step = "scale" in channel ? Math.abs(channel.scale) : channel.resolution;
        return low + (high - low) / 3 + ((Math.floor(tMs / 1.7) % 3) - 1) * 2 * step;
      },
    });
  }
  return placed;
}
