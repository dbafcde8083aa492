import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { packageRoot } from "../web/static-files.ts";

/** The folder that holds package.json, config/ and dist/. */
export const PACKAGE_ROOT = packageRoot();

/** Name and version of this software, as `state` tells them. */
export function softwareVersion(): string {
  const { name, version } = z
    .object({ name: z.string(), version: z.string() })
    .parse(JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")));
  return `${name} ${version}`;
}
