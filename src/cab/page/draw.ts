import { made, one, refill, say } from "./dom.ts";
import { ABSENT, ago, fixed, span, timeOfDay } from "./figures.ts";
import { languageCode, word } from "./language.ts";
import { sendMark } from "./marks.ts";
import type { CabView, Gauge, SourceView } from "./view.ts";

/** A shape beside every lamp's colour. */
const SHAPES = {
  ...{ ok: "✓", degraded: "▲", no_fix: "◎", trial: "◆", fault: "✕", lost: "✕" },
  ...{ reading: "…", accepted: "✓", refused: "▲", switching_off: "⏻" },
} as const;
const STATE_SHAPES = { running: "✓", starting: "…", degraded: "▲", absent: "✕", failed: "✕" } as const;

function gauge(name: "depth" | "speed" | "rotor", g: Gauge, factor: number, decimals: number): HTMLElement {
  const tile = made("div", "", "gauge");
  const bad = g.verdict === "low" || g.verdict === "high";
  const isBad = bad && word(`${name}.${g.verdict}`) !== word(`${name}.good`);
  tile.dataset["verdict"] = g.verdict === "none" ? "none" : isBad ? "bad" : "good";
  const shown = (value: number | null) => fixed(value === null ? null : value * factor, decimals);
  const top = made("p", "", "name");
  const target = g.target === null ? "" : `${word("target")} ${Number((g.target * factor).toFixed(2))}`;
  top.append(made("span", word(name)), made("span", target));
  const figure = made("p", shown(g.value), "figure");
  figure.append(" ", made("small", word(`${name}.unit`)));
  const shape = isBad ? "▲ " : "✓ ";
  tile.append(top, figure, made("p", g.verdict === "none" ? "" : shape + word(`${name}.${g.verdict}`), "verdict"));
  return tile;
}

function fact(title: string, tone: "ok" | "warn" | "bad", lines: readonly string[]): HTMLElement {
  const tile = made("div", "", "fact");
  tile.dataset["tone"] = tone;
  tile.append(made("span", title), ...lines.map((line, i) => made(i === 0 ? "b" : "span", line)));
  return tile;
}

const needsLook = (source: SourceView) => source.state !== "running" && source.state !== "starting";

function facts(view: CabView): HTMLElement[] {
  const { gnss, clock, hq, sources } = view;
  const fixOk = gnss.fix !== "no_fix" && gnss.fix !== "silent";
  const satellites = gnss.satellites === null ? [] : [`${gnss.satellites} ${word("satellites")}`];
  const lost = sources.filter(needsLook).length;
  const last = hq.lastAckS === null ? word("hq.never") : `${word("hq.last")} ${ago(hq.lastAckS)}`;
  return [
    fact(word("position"), fixOk ? "ok" : "bad", [word(`gnss.${gnss.fix}`), ...satellites]),
    fact(word("clock"), clock.trust === "none" ? "warn" : "ok", [timeOfDay(clock.utcMs), word(`clock.${clock.trust}`)]),
    fact(word("hq"), hq.spool === "failed" ? "bad" : hq.connected ? "ok" : "warn", [
      hq.spool === "ok" ? word(hq.connected ? "hq.connected" : "hq.apart") : word(`spool.${hq.spool}`),
      `${hq.unsent} ${word("hq.unsent")}`,
      last,
    ]),
    fact(word("sensors"), lost > 0 ? "bad" : "ok", [
      lost > 0 ? `✕ ${lost} ${word("sensors.bad")}` : `✓ ${word("sensors.good")}`,
      view.sampler === "running" ? `${sources.length - lost}/${sources.length}` : word(`sampler.${view.sampler}`),
    ]),
  ];
}

function sensor(source: SourceView): HTMLElement {
  const line = made("li", "");
  line.append(
    made("span", STATE_SHAPES[source.state]),
    made("b", source.name),
    made("b", word(`state.${source.state}`)),
  );
  line.append(made("span", needsLook(source) ? word(`do.${source.state}`) : source.part));
  return line;
}

function shift(view: CabView): HTMLElement[] {
  const s = view.shift;
  const share = (value: number | null) => (value === null ? ABSENT : `${Math.round(value * 100)} %`);
  const metres = (value: number | null, unit: string) => (value === null ? ABSENT : `${fixed(value, 0)} ${unit}`);
  const rows: [string, string][] = [
    ["shift.on", span(s.onS)],
    ["shift.working", span(s.workingS)],
    ["shift.idle", span(s.idleS)],
    ["shift.unknown", span(s.unknownS)],
    ["shift.way", metres(s.wayM, "m")],
    ["shift.processed", metres(s.processedM2, "m²")],
    ["shift.depth", s.meanDepthM === null ? ABSENT : `${fixed(s.meanDepthM * 100, 0)} ${word("depth.unit")}`],
    ["shift.at_depth", share(s.atDepth)],
    ["shift.candidates", String(s.candidates)],
  ];
  return rows.map(([key, text]) => {
    const pair = made("div", "");
    pair.append(made("dt", word(key)), made("dd", text));
    return pair;
  });
}

/** A sentence of the unit's own under a word; it is English in every language. */
function said(key: string, text: string | undefined): HTMLElement[] {
  if (text === undefined) return [];
  const line = made("p", `${word(key)}: `, "note");
  const own = made("span", text);
  own.lang = "en";
  line.append(own);
  return [line];
}

/** Whether a stick may be taken off, and what became of what it asked for. */
function stick({ stick: s }: CabView): HTMLElement[] {
  if (s === null) return [];
  return [
    made("h3", word("stick")),
    made("p", word(`stick.${s.state}`)),
    ...(s.said === "" ? [] : said("stick.said", s.said)),
  ];
}

/** Which configuration runs, and what became of the newest. */
function bundle({ bundle: b }: CabView): HTMLElement[] {
  if (b === null) return [];
  return [
    made("h3", word("bundle")),
    made("p", `${b.serial} · ${word(b.trial ? "bundle.trial" : "bundle.kept")}`),
    ...said("bundle.refused", b.refused),
    ...said("bundle.last", b.last),
    ...said("bundle.rehearsal", b.rehearsal),
  ];
}

/** Asks whether a shock was a detonation; either answer is one press, for it is asked only then. */
function drawQuestion(view: CabView): void {
  const box = one("question");
  box.hidden = view.question === null;
  if (view.question === null) return;
  const minutes = Math.floor(view.question.agoS / 60);
  refill(box, [languageCode(), minutes], () => {
    const answer = (kind: "detonation" | "no_detonation") => {
      const button = made("button", word(`mark.${kind}`));
      button.dataset["kind"] = kind;
      button.addEventListener("click", () => void sendMark(kind));
      return button;
    };
    const asked = `${word("question")} (${minutes === 0 ? "< 1 min" : `${minutes} min`} ${word("ago")})`;
    return [made("p", asked), answer("detonation"), answer("no_detonation")];
  });
}

/** Draws all that the unit said. */
export function draw(view: CabView): void {
  const language = languageCode();
  document.body.dataset["lamp"] = view.lamp;
  say(one("lamp-shape"), SHAPES[view.lamp]);
  say(one("lamp"), word(`lamp.${view.lamp}`));
  say(one("machine"), view.name + (view.simulated ? ` · ${word("simulated")}` : ""));
  say(one("work"), word(`work.${view.work}`));
  say(one("time"), timeOfDay(view.clock.utcMs));
  drawQuestion(view);
  refill(one("gauges"), [language, view.depth, view.speed, view.rotor], () => [
    gauge("depth", view.depth, 100, 1),
    gauge("speed", view.speed, 3.6, 2),
    gauge("rotor", view.rotor, 1, 0),
  ]);
  refill(one("facts"), [language, view.gnss, view.clock, view.hq, view.sources, view.sampler], () => facts(view));
  refill(one("sensors"), [language, view.sources], () => view.sources.map(sensor));
  refill(one("bundle"), [language, view.bundle], () => bundle(view));
  refill(one("stick"), [language, view.stick], () => stick(view));
  refill(one("shift"), [language, view.shift], () => shift(view));
  refill(one("last-marks"), [language, view.marks], () =>
    view.marks.length === 0
      ? [made("li", word("mark.none"))]
      : view.marks.map((mark) => made("li", `${word(`mark.${mark.kind}`)} · ${ago(mark.agoS)}`)),
  );
}

/** Draws that the unit does not answer: what is on the screen is old. */
export function drawLost(): void {
  document.body.dataset["lamp"] = "lost";
  say(one("lamp-shape"), SHAPES.lost);
  say(one("lamp"), word("lamp.lost"));
}
