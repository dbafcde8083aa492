import { el, setText } from "./dom.ts";
import { brief, unitLabel } from "./format.ts";
import type { Row } from "./store.ts";
import uPlot from "./vendor/uplot.js";
import type { ChartView, RulesView } from "./view.ts";

export interface Charts {
  /** Draws the rows; `staleMs` is how long ago the newest of them was heard. */
  draw(rows: readonly Row[], staleMs: number): void;
}

const SPAN_S = 180;
const HEIGHT_PX = 128;
/** Rows further apart than this, in ms, are not joined by a line. */
const GAP_MS = 3_500;
/** A line goes on to the right edge until the unit has been silent for this long, in ms. */
const FRESH_MS = 3_000;

/** Depth is drawn downwards and in cm, as people speak of it. */
const DEPTH = "tool_depth";

function scaleOf(chart: ChartView): { readonly factor: number; readonly unit: string } {
  return chart.channel === DEPTH && chart.unit === "m"
    ? { factor: 100, unit: "cm" }
    : { factor: 1, unit: unitLabel(chart.unit) };
}

interface Drawn {
  readonly plot: uPlot;
  readonly value: HTMLElement;
  readonly card: HTMLElement;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Draws one small chart a channel, all over the same three minutes. A level is a dashed line (a target, a limit). */
export function createCharts(box: HTMLElement, charts: readonly ChartView[], rules: RulesView): Charts {
  box.replaceChildren();
  const drawn = charts.map((chart) => createChart(box, chart, rules));
  const resize = new ResizeObserver(() => {
    for (const { plot, card } of drawn) {
      const width = Math.floor(card.clientWidth);
      if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT_PX });
    }
  });
  for (const { card } of drawn) resize.observe(card);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const { plot } of drawn) plot.redraw(false, true);
  });

  return {
    draw(rows, staleMs) {
      const newest = rows.at(-1)?.[0] ?? 0;
      const shiftS = staleMs > FRESH_MS ? staleMs / 1000 : 0;
      drawn.forEach(({ plot, value }, i) => {
        const { factor } = scaleOf(charts[i]!);
        const value3 = (row: Row, at: number) => {
          const v = row[at + 3 * i];
          return typeof v === "number" ? v * factor : null;
        };
        const xs: number[] = [];
        const line: (number | null)[] = [];
        const low: (number | null)[] = [];
        const high: (number | null)[] = [];
        let before: number | undefined;
        for (const row of rows) {
          const s = (row[0] - newest) / 1000 - shiftS;
          if (s < -SPAN_S - 2) continue;
          if (before !== undefined && row[0] - before > GAP_MS) {
            xs.push(s - 0.001);
            line.push(null);
            low.push(null);
            high.push(null);
          }
          before = row[0];
          xs.push(s);
          line.push(value3(row, 1));
          low.push(value3(row, 2));
          high.push(value3(row, 3));
        }
        plot.setData([xs, line, low, high]);
        const latest = rows.at(-1);
        setText(value, brief(latest && value3(latest, 1)));
      });
    },
  };
}

/** The level worth a dashed line in a chart; undefined where there is none. */
function levelOf(chart: ChartView, rules: RulesView): number | undefined {
  if (chart.channel === DEPTH) return rules.targetDepthM * scaleOf(chart).factor;
  if (chart.channel === "shock") return rules.shockLineMps2;
  return undefined;
}

function createChart(box: HTMLElement, chart: ChartView, rules: RulesView): Drawn {
  const scale = scaleOf(chart);
  const level = levelOf(chart, rules);
  const figure = el("figure", "card chart");
  const caption = el("figcaption");
  const value = el("b", "", "–");
  caption.append(el("span", "", chart.label), value, el("small", "", scale.unit));
  const plotBox = el("div", "plot");
  figure.append(caption, plotBox);
  box.append(figure);
  const axis = (): uPlot.Axis => ({
    stroke: () => colour("ink-2"),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: () => colour("rule"), width: 1 },
    ticks: { show: false },
  });
  const plot = new uPlot(
    {
      width: Math.max(120, Math.floor(plotBox.clientWidth)),
      height: HEIGHT_PX,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => [-SPAN_S, 0] },
        y: { dir: chart.channel === DEPTH ? -1 : 1, range: (_, min, max) => rangeOf(min, max, level) },
      },
      axes: [
        {
          ...axis(),
          size: 26,
          gap: 6,
          splits: () => [-180, -120, -60, 0],
          values: (_, splits) => splits.map((s) => (s === 0 ? "now" : `\u2212${-s / 60} min`)),
        },
        { ...axis(), size: 46, gap: 4, space: 26, values: (_, splits) => splits.map((v) => axisLabel(v)) },
      ],
      bands: [{ series: [3, 2], fill: () => colour("line-band") }],
      series: [
        {},
        { stroke: () => colour("line"), width: 1.75, points: { show: false } },
        { stroke: "transparent", width: 0, points: { show: false } },
        { stroke: "transparent", width: 0, points: { show: false } },
      ],
      hooks: { draw: level === undefined ? [] : [(u) => drawLevel(u, level)] },
    },
    [[], [], [], []],
    plotBox,
  );
  return { plot, value, card: plotBox };
}

/** Zero stays in sight for what is far from it only when it is near the values anyway. */
function rangeOf(min: number | null, max: number | null, level: number | undefined): [number, number] {
  let low = min ?? 0;
  let high = max ?? 1;
  if (level !== undefined) {
    low = Math.min(low, 0);
    high = Math.max(high, level * 1.15);
  }
  const span = Math.max(high - low, Math.abs(high) * 0.1, 1e-6);
  const padded = low - span * 0.08;
  return [low >= 0 && (padded < 0 || low < span) ? 0 : padded, high + span * 0.1];
}

function axisLabel(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 2 }).replace(/,/g, "\u202f").replace("-", "\u2212");
}

function drawLevel(u: uPlot, level: number): void {
  const y = Math.round(u.valToPos(level, "y", true));
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = colour("level");
  ctx.lineWidth = 1.25 * (window.devicePixelRatio || 1);
  ctx.setLineDash([6, 5]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}
