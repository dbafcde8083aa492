import { z } from "zod";
import { families, filters } from "../src/dsp/catalogue.ts";
import { type Chain, createChain } from "../src/dsp/chain.ts";
import { derivationList } from "../src/dsp/derive/catalogue.ts";
import type { FilterDef } from "../src/dsp/filter.ts";
import type { Signal } from "../src/dsp/signal.ts";
import { createBlock } from "../src/model/block.ts";
import { UNUSABLE } from "../src/model/quality.ts";
import { derivedSection } from "./derived-section.ts";
import { filterExamples } from "./filter-examples.ts";
import { keepFile } from "./keep-file.ts";
import { plotText } from "./text-plot.ts";

type Json = Record<string, unknown>;
const object = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});

const RATE_HZ = 100;
/** Filters whose output depends on the input by weights alone: they have a frequency response. */
const LINEAR = [
  "low_pass",
  "high_pass",
  "band_pass",
  "notch",
  "savitzky_golay",
  "exponential",
  "exponential_moving_average",
  "sliding_window_moving_average",
];

function exampleChain(name: string, capacity: number): { chain: Chain; input: Signal } {
  const { params, unit = "m/s2" } = filterExamples[name]!;
  const regular: Signal = { unit, rateHz: RATE_HZ, range: [-20, 20], capacity };
  const { rateHz: _rate, ...irregular } = regular;
  const input = name === "debounce" ? irregular : regular;
  return { chain: createChain([{ [name]: params }], input), input };
}

/** A step, a spike and a ramp; for what looks at vibration a swelling sine, for counters a saw, for thermistors a sweep. */
function exampleInput(name: string): [number, number][] {
  const vibration = families.find((f) => f.title === "Vibration")!.filters.some((f) => f.name === name);
  return Array.from({ length: 160 }, (_, i) => {
    const ms = i * 10;
    if (name === "to_ntc_temperature") return [ms, 10_000 * Math.exp((i - 80) / 40)];
    if (name === "to_ntc_resistance") return [ms, i - 40];
    if (name === "counter") return [ms, Math.floor(i / 8) % 4];
    if (name === "debounce") return [ms + 12 * Math.floor(i / 8), Math.sin(i / 12)];
    if (name === "timeout") return [ms + (i >= 80 ? 400 : 0), Math.sin(i / 12)];
    if (vibration) return [ms, (i / 80) * Math.sin((2 * Math.PI * 12 * i) / RATE_HZ) + (i === 120 ? 3 : 0)];
    const step = i < 24 ? 0 : i < 96 ? 1 : i < 128 ? 1 - (1.5 * (i - 96)) / 32 : -0.5;
    return [ms, step + 0.06 * Math.sin(i * 2.4) + (i === 60 ? 1.2 : 0)];
  });
}

function timePlot(name: string): string[] {
  const { chain, input } = exampleChain(name, 160);
  const points = exampleInput(name);
  const block = createBlock(points.length);
  points.forEach(([t, x], i) => {
    block.t[i] = t;
    block.x[i] = x;
  });
  block.n = points.length;
  const out = chain.process(block);
  const usable: [number, number][] = [];
  const marked: [number, number][] = [];
  for (let i = 0; i < out.n; i++) ((out.q[i]! & UNUSABLE) === 0 ? usable : marked).push([out.t[i]!, out.x[i]!]);
  const same = chain.output.unit === input.unit && name !== "integrator";
  return plotText(
    [...(same ? [{ points, mark: "." }] : []), { points: usable, mark: "#" }, { points: marked, mark: "?" }],
    {
      x: "ms",
      y: `${chain.output.unit}   ${same ? ". in  " : ""}# out${marked.length > 0 ? "  ? out, marked suspect" : ""}`,
    },
  );
}

function frequencyPlot(name: string): string[] {
  const { chain } = exampleChain(name, 4096);
  // The impulse comes once the filter has settled on zero.
  const block = createBlock(4096);
  block.n = 4096;
  for (let i = 0; i < 4096; i++) block.t[i] = (i * 1000) / RATE_HZ;
  block.x[1024] = 1;
  const out = chain.process(block);
  const points = Array.from({ length: 64 }, (_, i): [number, number] => {
    const hz = 0.5 * 98 ** (i / 63);
    let re = 0;
    let im = 0;
    for (let k = 0; k < out.n; k++) {
      const angle = (2 * Math.PI * hz * k) / RATE_HZ;
      re += out.x[k]! * Math.cos(angle);
      im -= out.x[k]! * Math.sin(angle);
    }
    return [hz, Math.max(-60, 20 * Math.log10(Math.hypot(re, im)))];
  });
  return plotText([{ points, mark: "#" }], { x: "Hz", y: `dB at ${RATE_HZ} samples a second` }, true);
}

function expectedOf(schema: Json): string {
  const options = [schema["anyOf"], schema["oneOf"]].find(Array.isArray);
  if (options !== undefined) return (options as unknown[]).map((o) => expectedOf(object(o))).join(" or ");
  if (Array.isArray(schema["enum"])) {
    const values = schema["enum"] as unknown[];
    return values.length > 12 ? "a unit" : values.map((v) => `\`${String(v)}\``).join(", ");
  }
  if ("const" in schema) return `\`${String(schema["const"])}\``;
  if (schema["type"] === "array") return `list of ${expectedOf(object(schema["items"]))}`;
  if (schema["type"] === "object")
    return `map of ${Object.keys(object(schema["properties"]))
      .map((k) => `\`${k}\``)
      .join(", ")}`;
  const bounds = [
    ["exclusiveMinimum", "above"],
    ["minimum", "from"],
    ["exclusiveMaximum", "below"],
    ["maximum", "to"],
  ].flatMap(([key, word]) => {
    const bound = schema[key!];
    return typeof bound === "number" && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? [`${word} ${bound}`] : [];
  });
  const type = { integer: "whole number", number: "number", string: "text", boolean: "`true` or `false`" };
  return [type[String(schema["type"]) as keyof typeof type] ?? "any", ...bounds].join(" ");
}

function paramRows(params: FilterDef["params"]): string[] {
  const json = object(z.toJSONSchema(params, { io: "input", unrepresentable: "any", reused: "inline" }));
  const required = Array.isArray(json["required"]) ? json["required"] : [];
  const rows = Object.entries(object(json["properties"])).map(([name, value]) => {
    const schema = object(value);
    const standard = required.includes(name)
      ? "required"
      : "default" in schema
        ? `\`${JSON.stringify(schema["default"])}\``
        : "";
    return `| \`${name}\` | ${expectedOf(schema)} | ${standard} |`;
  });
  return ["| parameter | expected | default |", "|---|---|---|", ...rows, ""];
}

function section(filter: FilterDef): string[] {
  const { name, short } = filter;
  const params = filterExamples[name]!.params;
  const example = JSON.stringify(params)
    .replace(/"(\w+)":/g, "$1: ")
    .replaceAll(",", ", ");
  const brief = short === undefined ? "" : ` \`${short}\` may be written without its name: \`- ${name}: …\`.`;
  const fence = (lines: string[]) => ["```text", ...lines, "```", ""];
  return [
    `### ${name}`,
    "",
    filter.summary,
    "",
    `    ${filter.equation}`,
    "",
    ...paramRows(filter.params),
    `*A marked sample:* ${filter.marked}${brief}`,
    "",
    `\`- ${name}: ${example}\``,
    "",
    ...fence(timePlot(name)),
    ...(LINEAR.includes(name) ? fence(frequencyPlot(name)) : []),
  ];
}

/** The reference of all filters, drawn by running them. */
export function filtersPage(): string {
  const contents = families.map(
    (f) => `- ${f.title}: ${f.filters.map(({ name }) => `[${name}](#${name})`).join(", ")}`,
  );
  const lines = [
    "# Filters",
    "",
    "Generated from `src/dsp/catalogue.ts` by `npm run docs`; the plots are drawn by running the filters themselves.",
    "",
    `A chain is a list under \`filters:\` of a channel; samples pass its ${Object.keys(filters).length} kinds of stages in the order written. Unit, rate and range are`,
    "worked out stage by stage when the configuration is read, so a low-pass above half the sample rate, bounds in another",
    "unit or a window longer than the ring are errors of the configuration. Names are ESPHome's where it has one.",
    "",
    "Quality travels with every sample. *Marked* below means missing (no value) or suspect (not believable). A stage never",
    "makes a marked sample good again and never deletes it for its mark; a row says what share of its samples was usable.",
    "After `decimate`, `throttle_average` or `deadband` a sample stands for several and carries their mean, extremes, mean",
    "square and count, so the statistics of a row are those of all samples. Filters that work on single values end that.",
    "",
    "Not here, and why: `lambda` (a configuration holds no program). What needs several inputs (a complementary filter for tilt,",
    "agreement between sensors, a difference) is a [channel made of others](#channels-made-of-others).",
    "",
    ...contents,
    `- [Channels made of others](#channels-made-of-others): ${derivationList.map(({ name }) => `[${name}](#${name})`).join(", ")}`,
    "",
    ...families.flatMap((family) => [`## ${family.title}`, "", ...family.filters.flatMap(section)]),
    ...derivedSection(paramRows),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

keepFile(import.meta.url, "docs/filters.md", filtersPage);
