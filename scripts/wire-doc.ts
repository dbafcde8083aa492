import { z } from "zod";
import { ALERTS } from "../src/model/alerts.ts";
import {
  ackText,
  alertsMessage,
  cmdText,
  hqStateMessage,
  laneWatermark,
  rspMessage,
  signedText,
} from "../src/model/downlink.ts";
import { QUALITY } from "../src/model/quality.ts";
import {
  descMessage,
  descriptorBody,
  descriptorChannel,
  healthMessage,
  liveMessage,
  RECORDS,
  sourceHealth,
  stateMessage,
} from "../src/model/record.ts";
import { TOPIC_CLASSES } from "../src/model/topics.ts";
import { UNITS } from "../src/model/units.ts";
import { keepFile } from "./keep-file.ts";

type Json = Record<string, unknown>;

const object = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});

/** A JSON Schema type in a few words. */
function words(schema: Json): string {
  if ("const" in schema) return `\`${JSON.stringify(schema["const"])}\``;
  if (Array.isArray(schema["enum"])) return schema["enum"].map((v) => `\`${String(v)}\``).join(" ");
  if (Array.isArray(schema["anyOf"])) return schema["anyOf"].map((s) => words(object(s))).join(" or ");
  if (Array.isArray(schema["prefixItems"])) return `[${schema["prefixItems"].map((s) => words(object(s))).join(", ")}]`;
  if (schema["type"] === "array") return `list of ${words(object(schema["items"]))}`;
  const inner = object(schema["additionalProperties"]);
  if (schema["type"] === "object" && Object.keys(inner).length > 0) return `map of ${words(inner)}`;
  if (schema["format"] === "date-time") return "UTC time, ISO 8601, ms";
  return String(schema["type"] ?? "any");
}

/** One table: the fields of a message with type and meaning; a field in italics may be absent. */
function fields(schema: z.ZodType): string[] {
  const json = object(z.toJSONSchema(schema, { reused: "inline" }));
  const required = Array.isArray(json["required"]) ? json["required"] : [];
  const rows = Object.entries(object(json["properties"])).map(([name, value]) => {
    const field = object(value);
    const about = typeof field["description"] === "string" ? field["description"] : "";
    return `| ${required.includes(name) ? `\`${name}\`` : `*\`${name}\`*`} | ${words(field)} | ${about} |`;
  });
  return ["| field | type | meaning |", "|---|---|---|", ...rows, ""];
}

/** `docs/wire.md`: topics, records and messages, from the schemas by which both ends check them. */
export function wirePage(): string {
  const topics = Object.entries(TOPIC_CLASSES).map(
    ([name, c]) =>
      `| \`${name}\` | ${c.direction} | ${c.qos} | ${c.retain ? "yes" : "no"} | ${c.expiryS === undefined ? "" : `${c.expiryS} s`} | ${c.about} |`,
  );
  return [
    "# The wire",
    "",
    "<!-- Generated from src/model by scripts/wire-doc.ts. Change the schemas, not this page. -->",
    "",
    "All payloads are JSON. A field in *italics* may be absent. A value that does not exist is `null`, never 0.",
    "",
    "## Topics",
    "",
    "`swath/1/<org>/<unit>/<class>`, always five levels of `a-z`, `0-9` and `-`. The unit `hq` is HQ itself.",
    "",
    "| class | direction | QoS | retained | expires (MQTT 5) | content |",
    "|---|---|---|---|---|---|",
    ...topics,
    "",
    "`live`, `event`, `log` and `bulk` may hold positions; `state`, `desc`, `health` and `alerts` never do.",
    "",
    "## Records",
    "",
    "Messages of the classes `event`, `log` and `bulk` are records: durable on the unit before they are sent, sent again until the broker has acknowledged them.",
    "The key is `(unit, spool, lane, seq)`; a record may arrive more than once, so store it by its key.",
    "",
    ...Object.entries(RECORDS).flatMap(([kind, schema]) => [
      `### ${kind}`,
      "",
      String(schema.description ?? ""),
      "",
      ...fields(schema),
    ]),
    "### The descriptor's body",
    "",
    ...fields(descriptorBody),
    "Each channel:",
    "",
    ...fields(descriptorChannel),
    "## Messages beside the lanes",
    "",
    ...[
      ["state", stateMessage] as const,
      ["desc", descMessage] as const,
      ["live", liveMessage] as const,
      ["health", healthMessage] as const,
      ["alerts", alertsMessage] as const,
      ["rsp", rspMessage] as const,
      ["hq/state", hqStateMessage] as const,
    ].flatMap(([name, schema]) => [`### ${name}`, "", ...fields(schema)]),
    "The alarms that a unit raises by itself (`alerts`); a limit has the name of its detector:",
    "",
    "| name | severity | means | do |",
    "|---|---|---|---|",
    ...Object.entries(ALERTS).map(([name, a]) => `| \`${name}\` | ${a.severity} | ${a.text} | ${a.todo} |`),
    "",
    "Each source in `health`:",
    "",
    ...fields(sourceHealth),
    "## Messages down to a unit",
    "",
    String(signedText.description ?? ""),
    "",
    ...[
      ["ack and cmd", signedText] as const,
      ["text of ack", ackText] as const,
      ["each lane of ack", laneWatermark] as const,
      ["text of cmd", cmdText] as const,
    ].flatMap(([name, schema]) => [`### ${name}`, "", ...fields(schema)]),
    "## Quality bits",
    "",
    "0 is good. A value is of no use in a statistic while `missing` or `suspect` is set.",
    "",
    "| bit | name |",
    "|---|---|",
    ...Object.entries(QUALITY).map(([name, bit]) => `| ${bit} | \`${name}\` |`),
    "",
    "## Units",
    "",
    "| code | quantity |",
    "|---|---|",
    ...Object.entries(UNITS).map(([code, { quantity }]) => `| \`${code}\` | ${quantity} |`),
    "",
  ].join("\n");
}

keepFile(import.meta.url, "docs/wire.md", wirePage);
