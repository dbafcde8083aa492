import { z } from "zod";
import { defineDerivation, eachInstant } from "./derivation.ts";
import { channelRef, maxAge } from "./params.ts";

export const speedExcess = defineDerivation({
  name: "speed_excess",
  summary:
    "How much faster the machine goes than the depth of its tool allows: above 0 is too fast. Depth falls with speed, so a machine that hurries leaves ground unworked below.",
  equation: "y = speed − allowed(depth), along straight lines between the points, level beyond them",
  params: z.strictObject({
    speed: channelRef("ground speed; it leads"),
    depth: channelRef("depth of the tool below ground"),
    allowed: z
      .array(
        z.strictObject({
          depthM: z.number().min(-2).max(2).describe("depth in m"),
          mps: z.number().positive().max(20).describe("greatest speed there in m/s"),
        }),
      )
      .min(1)
      .max(16)
      .refine((all) => all.every((p, i) => i === 0 || p.depthM > all[i - 1]!.depthM), "expected depths that ascend")
      .describe("greatest speed by depth"),
    ...maxAge,
  }),
  roles: ({ speed, depth }) => [
    { key: "speed", channel: speed, quantities: ["speed"] },
    { key: "depth", channel: depth, quantities: ["length"] },
  ],
  plan({ allowed }, [speed]) {
    const depths = Float64Array.from(allowed, (p) => p.depthM);
    const speeds = Float64Array.from(allowed, (p) => p.mps);
    const last = depths.length - 1;
    return {
      spec: {
        unit: "m/s",
        range: [speed!.range[0] - Math.max(...speeds), speed!.range[1] - Math.min(...speeds)],
        resolution: speed!.resolution,
      },
      create: eachInstant((x, i, y) => {
        const depth = x[1]![i]!;
        let k = 0;
        while (k < last && depths[k + 1]! <= depth) k++;
        let limit = speeds[k]!;
        if (depth > depths[k]! && k < last)
          limit += ((speeds[k + 1]! - limit) * (depth - depths[k]!)) / (depths[k + 1]! - depths[k]!);
        y[i] = depth * 0 === 0 ? x[0]![i]! - limit : Number.NaN;
      }),
    };
  },
});
