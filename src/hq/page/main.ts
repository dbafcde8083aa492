import { drawChannels } from "./channels.ts";
import { type Charts, createCharts } from "./charts.ts";
import { byId, el, setText } from "./dom.ts";
import { createFigures, liveValue } from "./figures.ts";
import { duration } from "./format.ts";
import { drawHeader, drawNotice } from "./header.ts";
import { fillLegend } from "./legend.ts";
import { drawLink } from "./link.ts";
import { createFieldMap } from "./map.ts";
import { createStore, type UnitState } from "./store.ts";
import { drawEvents, drawLanes, drawSources } from "./tables.ts";
import type { RulesView, Tidings } from "./view.ts";
import { lastBearingDeg } from "./way.ts";

/** Older than this, in ms, what is shown as now is greyed. */
const STALE_MS = 3_000;

const store = createStore(() => performance.now());
const map = createFieldMap(byId<HTMLCanvasElement>("map"));
const figures = createFigures(byId("figures"));
const picker = byId<HTMLSelectElement>("pick-unit");
let charts: { readonly of: string; readonly drawn: Charts } | undefined;
let picked: string | undefined;
let wanted = false;

function redraw(): void {
  if (wanted) return;
  wanted = true;
  requestAnimationFrame(() => {
    wanted = false;
    draw();
  });
}

function draw(): void {
  drawNotice(store.silentMs(), store.broker(), store.units.size > 0);
  const rules = store.rules();
  const unit = store.units.get(picked ?? "") ?? store.units.values().next().value;
  if (unit === undefined || rules === undefined) return;
  drawPicker(unit);
  const nowMs = store.nowMs();
  const sinceMs = unit.live === undefined ? Number.POSITIVE_INFINITY : nowMs - unit.live.atMs;
  const stale = sinceMs > STALE_MS;
  document.body.classList.toggle("is-stale", stale);
  drawHeader(unit, rules, nowMs);
  figures.draw(unit, rules);
  drawField(unit, rules, stale);
  drawLines(unit, rules, sinceMs);
  drawSources(unit, nowMs);
  drawLanes(unit, nowMs);
  drawLink(unit, store.broker(), store.bad(), nowMs);
  drawEvents(unit, nowMs);
  drawChannels(unit, stale);
}

function drawPicker(unit: UnitState): void {
  byId("pick").hidden = store.units.size < 2;
  if (picker.options.length !== store.units.size) {
    picker.replaceChildren(
      ...[...store.units.values()].map((one) => {
        const option = el("option", "", `${one.org} / ${one.unit}`);
        option.value = one.key;
        return option;
      }),
    );
  }
  if (picker.value !== unit.key) picker.value = unit.key;
}

function drawField(unit: UnitState, rules: RulesView, stale: boolean): void {
  const roles = unit.descriptor?.roles;
  const lat = liveValue(unit, roles?.lat);
  const lon = liveValue(unit, roles?.lon);
  const last = unit.track.at(-1);
  const place =
    lat !== undefined && lon !== undefined
      ? { lat, lon }
      : last === undefined
        ? undefined
        : { lat: last[0], lon: last[1] };
  map.draw({
    track: unit.track,
    marks: unit.marks ?? [],
    machine: place && { ...place, headingDeg: liveValue(unit, roles?.heading) ?? lastBearingDeg(unit.track) ?? null },
    stale: stale || lat === undefined,
    rules,
  });
  setText(
    byId("map-note"),
    place === undefined
      ? "no position yet"
      : stale
        ? `last place, ${duration((store.nowMs() - (unit.live?.atMs ?? store.nowMs())) / 1000)} old`
        : `${place.lat.toFixed(6)}°, ${place.lon.toFixed(6)}°`,
  );
}

function drawLines(unit: UnitState, rules: RulesView, sinceMs: number): void {
  const views = unit.descriptor?.charts;
  if (views === undefined) return;
  const of = JSON.stringify([unit.key, views]);
  if (charts?.of !== of) charts = { of, drawn: createCharts(byId("charts"), views, rules) };
  charts.drawn.draw(unit.rows, Number.isFinite(sinceMs) ? sinceMs : 0);
}

function look(mode: "fit" | "follow"): void {
  map.look(mode);
  byId("map-fit").setAttribute("aria-pressed", String(mode === "fit"));
  byId("map-follow").setAttribute("aria-pressed", String(mode === "follow"));
}

byId("map-fit").addEventListener("click", () => look("fit"));
byId("map-follow").addEventListener("click", () => look("follow"));
picker.addEventListener("change", () => {
  picked = picker.value;
  redraw();
});

function listen(): void {
  const events = new EventSource("/events");
  events.addEventListener("message", (message: MessageEvent<string>) => {
    const tidings = JSON.parse(message.data) as Tidings;
    store.take(tidings);
    if (tidings.rules !== undefined) {
      fillLegend(byId("legend"), tidings.rules);
      byId("demo").hidden = !tidings.rules.demo;
    }
    redraw();
  });
  // The browser comes back by itself after a broken connection, but never after a refusal.
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5_000);
  });
}

listen();
setInterval(redraw, 500);
redraw();
