import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** A host as `ssh` takes it: nothing that it could read as an option, and nothing for a shell. */
const host = z.string().regex(/^(?!-)[A-Za-z0-9._@:-]{1,255}$/, "expected a host, such as swath@unit-07.local");

const unit = z
  .strictObject({
    config: z.string().min(1),
    folder: z.string().min(1).optional(),
    ssh: host.optional(),
    via: z.literal("hq").optional(),
  })
  .refine(
    ({ folder, ssh, via }) => [folder, ssh, via].filter((to) => to !== undefined).length === 1,
    "expected folder, ssh or via, one of the three",
  );

const fleet = z.strictObject({ units: z.array(unit).min(1).max(1000) });

/** Where one configuration goes: a folder (a mounted card or stick), or a unit that is reached over SSH or through HQ. */
export type Target =
  | { readonly config: string; readonly folder: string }
  | { readonly config: string; readonly ssh: string }
  | { readonly config: string; readonly via: "hq" };

/** The targets of a fleet file, the first one being the canary; paths start at the folder of the file. */
export function readFleet(file: string): Target[] {
  const parsed = fleet.safeParse(parse(readFileSync(file, "utf8"), { schema: "core" }));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${file}: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  const at = (path: string) => resolve(dirname(file), path);
  return parsed.data.units.map(({ config, folder, ssh, via }) => {
    if (via !== undefined) return { config: at(config), via };
    return ssh === undefined ? { config: at(config), folder: at(folder ?? "") } : { config: at(config), ssh };
  });
}
