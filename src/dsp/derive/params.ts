import { z } from "zod";
import type { DerivedInput } from "./derivation.ts";

/** A channel of the same file, by its name. */
export const channelRef = (about: string) =>
  z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,47}$/, "the name of a channel of this file")
    .describe(about);

/** From which age on another input than the first is stale. */
export const maxAge = {
  maxAgeMs: z
    .number()
    .positive()
    .optional()
    .describe(
      "an input older than this is stale, ten times as old missing; default: three of its periods, at least 500",
    ),
};

/** Why inputs cannot be compared, or undefined: they must be in one unit. */
export function otherUnit(inputs: readonly DerivedInput[]): { index: number; message: string } | undefined {
  const first = inputs[0]!;
  const index = inputs.findIndex((i) => i.unit !== first.unit);
  if (index < 0) return undefined;
  const other = inputs[index]!;
  return { index, message: `${other.name} is in ${other.unit}, but ${first.name} in ${first.unit}` };
}

/** The coarsest step among inputs. */
export const coarsest = (inputs: readonly DerivedInput[]) => Math.max(...inputs.map((i) => i.resolution));
