import type { KeyObject } from "node:crypto";
import { z } from "zod";
import {
  formatPublicKey,
  openMinisign,
  type PublicKey,
  parsePublicKey,
  publicKeyOf,
  signMinisign,
} from "../codec/minisign.ts";
import { topicLevel } from "../model/topics.ts";

/** Largest bundle that is read, in bytes; a real one has some 10 kB. */
export const BUNDLE_MAX_BYTES = 256 * 1024;
/** What the name of a bundle ends with. */
export const BUNDLE_SUFFIX = ".swath";
const UNTRUSTED = "swath configuration";

const safeName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,40}\.yaml$/, "a file name of a-z, 0-9 and - that ends with .yaml, without a folder");
const utc = z.iso.datetime({ precision: 3 });

/** The content of a bundle: the configuration of one unit on one machine. */
export const bundleSchema = z
  .strictObject({
    v: z.literal(1),
    kind: z.literal("swath-config"),
    org: topicLevel,
    unit: topicLevel,
    machine: topicLevel,
    /** The machine the unit leaves for good with this configuration, when it is given to another one. */
    movedFrom: topicLevel.optional(),
    serial: z.int().min(1),
    made: utc,
    expires: utc,
    config: z.string().regex(/^[0-9a-f]{16}$/),
    successor: z
      .string()
      .refine((line) => parsePublicKey(line) !== undefined, "expected a public key of minisign")
      .optional(),
    files: z
      .array(z.strictObject({ name: safeName, text: z.string().max(BUNDLE_MAX_BYTES) }))
      .min(1)
      .max(4)
      .refine((all) => new Set(all.map((f) => f.name)).size === all.length, "expected each file once"),
  })
  .describe("one signed configuration");
export type Bundle = z.infer<typeof bundleSchema>;

/** A bundle whose signature holds and whose form is right. */
export interface OpenedBundle {
  readonly bundle: Bundle;
  readonly keyId: string;
  readonly bytes: number;
}

/** The signed file of a bundle. Throws a RangeError when it would be larger than what a unit reads. */
export function sealBundle(bundle: Bundle, privateKey: KeyObject): Buffer {
  const text = `${JSON.stringify(bundleSchema.parse(bundle))}\n`;
  const comment = `unit ${bundle.unit} on ${bundle.machine}, serial ${bundle.serial}, until ${bundle.expires}`;
  const sealed = Buffer.from(signMinisign(text, comment, UNTRUSTED, privateKey));
  if (sealed.length > BUNDLE_MAX_BYTES)
    throw new RangeError(`the bundle has ${sealed.length} bytes, at most ${BUNDLE_MAX_BYTES} are read by a unit`);
  return sealed;
}

/** The bundle of a file, or why it is not believed: size, then signature, and only then what is in it. */
export function openBundle(file: Buffer, keys: readonly PublicKey[]): OpenedBundle | { readonly refused: string } {
  if (file.length > BUNDLE_MAX_BYTES)
    return { refused: `it has ${file.length} bytes, at most ${BUNDLE_MAX_BYTES} are read` };
  const opened = openMinisign(file, UNTRUSTED, keys);
  if ("refused" in opened) return opened;
  let value: unknown;
  try {
    value = JSON.parse(opened.text, (key, inner: unknown) => {
      // A schema does not see this key; it would change what the value is.
      if (key === "__proto__") throw new SyntaxError("a key of the name __proto__");
      return inner;
    });
  } catch (e) {
    return { refused: `what was signed is not JSON: ${e instanceof Error ? e.message : String(e)}` };
  }
  const parsed = bundleSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { refused: `its content is not that of a bundle: ${issue?.path.join(".")}: ${issue?.message}` };
  }
  return { bundle: parsed.data, keyId: opened.keyId, bytes: file.length };
}

/** A public key for the `successor` of a bundle, as it is written there. */
export function successorLine(key: KeyObject): string {
  return formatPublicKey(publicKeyOf(key));
}

/** What a unit compares a bundle with. */
export interface Binding {
  readonly org: string;
  readonly unit: string;
  readonly machine: string;
  /** Highest serial that was ever taken, 0 before the first. */
  readonly serial: number;
  /** UTC in ms since 1970 when it is trusted; else the latest instant that is known to be past. */
  readonly timeMs: number;
  readonly timeTrusted: boolean;
}

/** Why a bundle is not for this unit now, undefined when it is. */
export function misfit(
  { org, unit, machine, movedFrom, serial, made, expires }: Bundle,
  binding: Binding,
): string | undefined {
  if (org !== binding.org || unit !== binding.unit)
    return `it is for unit ${unit} of ${org}, but this is ${binding.unit} of ${binding.org}`;
  if (movedFrom !== undefined && movedFrom !== binding.machine)
    return `it moves the unit from machine ${movedFrom} to ${machine}, but this unit is on ${binding.machine}`;
  if (machine !== binding.machine && movedFrom === undefined)
    return `it is for machine ${machine}, but this unit is on ${binding.machine}; where the unit was taken to ${machine}, flash with --moved-from ${binding.machine}`;
  if (serial <= binding.serial)
    return `it is older than what was here: its serial is ${serial}, expected more than ${binding.serial}`;
  if (Date.parse(expires) <= Date.parse(made)) return `it expires (${expires}) before it was made (${made})`;
  if (Date.parse(expires) <= binding.timeMs) {
    const now = new Date(binding.timeMs).toISOString();
    return `it expired at ${expires}, and it is ${binding.timeTrusted ? "" : "at least "}${now}`;
  }
  return undefined;
}
