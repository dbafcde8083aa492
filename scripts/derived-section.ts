import { derivationList } from "../src/dsp/derive/catalogue.ts";
import type { DerivationDef } from "../src/dsp/derive/derivation.ts";
import { Join } from "../src/dsp/derive/join.ts";
import { createBlock } from "../src/model/block.ts";
import { UNUSABLE } from "../src/model/quality.ts";
import { derivedExamples } from "./derived-examples.ts";
import { plotText } from "./text-plot.ts";

const STEP_MS = 10;
const SAMPLES = 160;

/** Runs a derivation over inputs sampled together, each a function of time in s. */
function run(def: DerivationDef, inputs: readonly ((tS: number) => number)[], samples: number) {
  const example = derivedExamples[def.name]!;
  const params = def.params.parse(example.params);
  const roles = def.inputs(params);
  const plan = def.plan(
    params,
    roles.map(({ channel }, i) => {
      const { unit, range } = example.inputs[i]!;
      return { name: channel, unit, range, resolution: 0.01, capacity: 1, rateHz: 1000 / STEP_MS };
    }),
  );
  if (!plan.ok) throw new Error(`${def.name}: ${plan.message}`);
  const derivation = plan.create();
  const usable: [number, number][] = [];
  const marked: [number, number][] = [];
  const into = createBlock(256);
  const join = new Join(
    roles.map(() => ({ maxAgeMs: 500, holds: false })),
    (aligned) => {
      derivation.process(aligned, into);
      for (let i = 0; i < into.n; i++) ((into.q[i]! & UNUSABLE) === 0 ? usable : marked).push([into.t[i]!, into.x[i]!]);
    },
  );
  const block = createBlock(1);
  block.n = 1;
  for (let i = 0; i < samples; i++)
    for (let k = inputs.length - 1; k >= 0; k--) {
      block.t[0] = i * STEP_MS;
      block.x[0] = inputs[k]!((i * STEP_MS) / 1000);
      join.accept(k, block);
    }
  return { usable, marked, unit: plan.spec.unit };
}

function timePlot(def: DerivationDef): string[] {
  const example = derivedExamples[def.name]!;
  const { usable, marked, unit } = run(
    def,
    example.inputs.map((i) => i.at),
    SAMPLES,
  );
  const dots = "·:'.,";
  const same = example.inputs.map((i) => i.unit === unit);
  const ins = example.inputs.flatMap((input, k) => {
    if (!same[k]) return [];
    const points = Array.from({ length: SAMPLES }, (_, i): [number, number] => [
      i * STEP_MS,
      input.at((i * STEP_MS) / 1000),
    ]);
    return [{ points, mark: dots[k % dots.length]! }];
  });
  return plotText(
    [...ins, { points: usable, mark: "#" }, { points: marked.filter(([, x]) => x * 0 === 0), mark: "?" }],
    {
      x: "ms",
      y: `${unit}   ${ins.map((s) => `${s.mark} in  `).join("")}# out${marked.length > 0 ? "  ? out, marked suspect" : ""}`,
    },
  );
}

/** Gain of one input with the others at 0, by frequency. */
function frequencyPlot(def: DerivationDef, of: number): string[] {
  const count = derivedExamples[def.name]!.inputs.length;
  const points = Array.from({ length: 48 }, (_, i): [number, number] => {
    const hz = 0.05 * 800 ** (i / 47);
    const n = Math.max(1500, Math.round((3 * 1000) / STEP_MS / hz));
    const inputs = Array.from({ length: count }, (_, k) =>
      k === of ? (tS: number) => Math.cos(2 * Math.PI * hz * tS) : () => 0,
    );
    const { usable } = run(def, inputs, n);
    let [re, im, sum] = [0, 0, 0];
    const tail = usable.slice(Math.floor(usable.length / 3));
    tail.forEach(([ms, x], j) => {
      const hann = 1 - Math.cos((2 * Math.PI * j) / tail.length);
      const angle = (2 * Math.PI * hz * ms) / 1000;
      re += hann * x * Math.cos(angle);
      im += hann * x * Math.sin(angle);
      sum += hann;
    });
    return [hz, Math.max(-60, 20 * Math.log10((2 * Math.hypot(re, im)) / sum))];
  });
  return plotText([{ points, mark: "#" }], { x: "Hz", y: `dB at ${1000 / STEP_MS} samples a second` }, true);
}

/** Channels made of others: every way, with its parameters, equation, example and plots. */
export function derivedSection(paramRows: (params: DerivationDef["params"]) => string[]): string[] {
  const fence = (lines: string[]) => ["```text", ...lines, "```", ""];
  const section = (def: DerivationDef) => [
    `### ${def.name}`,
    "",
    def.summary,
    "",
    `    ${def.equation}`,
    "",
    ...paramRows(def.params),
    `*A marked input:* ${def.marked}`,
    "",
    `\`from: { ${def.name}: ${JSON.stringify(derivedExamples[def.name]!.params)
      .replace(/"(\w+)":/g, "$1: ")
      .replace(/"(\w+)"/g, "$1")
      .replaceAll(",", ", ")} }\``,
    "",
    ...fence(timePlot(def)),
    ...(def.name === "complementary"
      ? [
          "The gain of the angle, then that of the rate (degrees for each degree a second):",
          "",
          ...fence(frequencyPlot(def, 1)),
          ...fence(frequencyPlot(def, 0)),
        ]
      : []),
  ];
  return [
    "## Channels made of others",
    "",
    "The `from` of a channel may name, in place of a part's channel, one way to make it of other channels of the file:",
    "`from: { difference: { a: rotor_pickup, b: rotor_can } }`. Inputs are taken behind their filters; a made channel may be an input",
    "again. It has a ring, filters, statistics and detectors like any other. Units are checked when the configuration is read, and a",
    "channel that is made of itself is refused.",
    "",
    "There is one value for each sample of the first input named, at that instant. The others are brought to it **in event time**: along a",
    "straight line between their samples before and after; where nothing came after within 100 ms, or before the row is closed,",
    "the sample before holds. An input older than `maxAgeMs` is stale, ten times as old missing. One that comes only on change",
    "(behind `deadband` or `delta`) holds. How bytes were cut and which bus was read first changes nothing.",
    "",
    ...derivationList.flatMap(section),
  ];
}
