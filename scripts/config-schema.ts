import { z } from "zod";
import { catalogue } from "../devices/index.ts";
import { unitSchema } from "../src/config/schema.ts";
import { siteSchema } from "../src/config/site.ts";
import { filters } from "../src/dsp/catalogue.ts";
import { keepFile } from "./keep-file.ts";

type Json = Record<string, unknown>;

/**
 * `config/schema.json`: the JSON Schema by which editors complete and check unit files and profiles, with the options of
 * every part and the parameters of every filter. Nothing is required in it, because a file may leave to the profile it
 * extends, or to the unit that extends it, what it does not say itself; `swath check` knows the whole.
 */
export function configSchema(): string {
  const root = jsonOf(unitSchema);
  const properties = object(root["properties"]);
  const channel = object(object(properties["channels"])["additionalProperties"]);
  object(object(channel["properties"])["filters"])["items"] = { anyOf: Object.values(filters).map(stageSchema) };
  describePart(object(object(properties["parts"])["additionalProperties"]));
  describeDisplay(object(properties["display"]));
  const { $schema, title: _, description, ...rest } = root;
  const whole = {
    $schema,
    title: "Swath unit file or machine profile",
    description,
    ...rest,
    properties: {
      extends: { type: "string", description: "the profile this file builds on, as a path relative to this file" },
      ...properties,
      site: {
        anyOf: [{ type: "string", description: "the site file, as a path relative to this file" }, properties["site"]],
      },
    },
  };
  return `${JSON.stringify(whole, null, 1)}\n`;
}

/** `config/site-schema.json`: the same for site files. */
export function siteFileSchema(): string {
  const { $schema, ...rest } = jsonOf(siteSchema);
  return `${JSON.stringify({ $schema, title: "Swath site file", ...rest }, null, 1)}\n`;
}

/** What the zod schema accepts as input, without what it requires. */
function jsonOf(schema: z.ZodType): Json {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" });
  return object(withoutRequired(json));
}

function withoutRequired(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRequired);
  if (typeof value !== "object" || value === null) return value;
  const pairs = Object.entries(value).filter(([key, inner]) => key !== "required" || !Array.isArray(inner));
  return Object.fromEntries(pairs.map(([key, inner]) => [key, withoutRequired(inner)]));
}

/** One item of a chain: a map with the filter's name, and its parameters or the one that may stand alone. */
function stageSchema({ name, summary, params, short }: (typeof filters)[string]): Json {
  const { $schema: _, ...whole } = jsonOf(params);
  const alone = short === undefined ? undefined : object(whole["properties"])[short];
  const value = alone === undefined ? whole : { anyOf: [whole, alone] };
  return { type: "object", description: summary, properties: { [name]: value }, additionalProperties: false };
}

/** Adds what each part of the catalogue allows: its addresses and its options. */
function describePart(part: Json): void {
  const properties = object(part["properties"]);
  const devices = Object.values(catalogue).filter((device) => device.kind !== "display");
  properties["part"] = { ...object(properties["part"]), enum: devices.map((device) => device.part) };
  part["allOf"] = devices.map((device) => {
    const { $schema: _, ...options } = jsonOf(device.options);
    const address = device.kind === "i2c" ? { address: { enum: device.addresses } } : {};
    return {
      if: { properties: { part: { const: device.part } }, required: ["part"] },
      // biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema.
      then: { properties: { options, ...address } },
    };
  });
}

/** Adds which displays there are, and their addresses. */
function describeDisplay(display: Json): void {
  const properties = object(display["properties"]);
  const devices = Object.values(catalogue).filter((device) => device.kind === "display");
  properties["part"] = { ...object(properties["part"]), enum: devices.map((device) => device.part) };
  properties["address"] = { ...object(properties["address"]), enum: devices.flatMap((device) => device.addresses) };
}

function object(value: unknown): Json {
  if (typeof value !== "object" || value === null) throw new TypeError(`expected an object, got ${String(value)}`);
  return value as Json;
}

keepFile(import.meta.url, "config/schema.json", configSchema);
keepFile(import.meta.url, "config/site-schema.json", siteFileSchema);
