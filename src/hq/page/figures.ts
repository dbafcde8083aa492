import { el, setText } from "./dom.ts";
import { ABSENT, brief, fixed, fixWords } from "./format.ts";
import { advancePerTurnMm } from "./geometry.ts";
import type { Row, UnitState } from "./store.ts";
import type { RulesView } from "./view.ts";
import { workedWayM } from "./way.ts";

export interface Figures {
  draw(unit: UnitState, rules: RulesView): void;
}

interface Tile {
  readonly box: HTMLElement;
  readonly value: HTMLElement;
  readonly unit: HTMLElement;
  readonly icon: HTMLElement;
  readonly note: HTMLElement;
}

const LABELS = {
  depth: "Tool depth",
  tool: "Tool",
  rotor: "Rotor",
  speed: "Ground speed",
  engine: "Engine",
  fix: "Position fix",
  shock: "Shock, last minute",
} as const;
type TileName = keyof typeof LABELS;

/** Tiles whose figure is a word. */
const WORDY: ReadonlySet<TileName> = new Set(["tool", "fix"]);

/** The value of a column in the newest row; undefined when the column or the value is absent. */
export function liveValue(unit: UnitState, column: string | undefined): number | undefined {
  const c = unit.live?.c;
  if (c === undefined || column === undefined || !Object.hasOwn(c, column)) return undefined;
  return c[column] ?? undefined;
}

/** The big figures: what an eye looks for first. */
export function createFigures(box: HTMLElement): Figures {
  const tiles = Object.fromEntries(
    (Object.keys(LABELS) as TileName[]).map((name) => {
      const tile = createTile(name);
      box.append(tile.box);
      return [name, tile];
    }),
  ) as Record<TileName, Tile>;
  const gauge = el("div", "gauge");
  const fill = el("div", "gauge-fill");
  const target = el("div", "gauge-target");
  gauge.append(fill, target);
  tiles.depth.box.append(gauge);

  return {
    draw(unit, rules) {
      const roles = unit.descriptor?.roles;
      const rotor = liveValue(unit, roles?.rotor);
      const speed = liveValue(unit, roles?.speed);
      const depth = liveValue(unit, roles?.depth);
      showDepth(tiles.depth, depth, rotor, rules);
      const full = rules.targetDepthM * 1.5;
      fill.style.setProperty("--part", `${Math.min(1, Math.max(0, (depth ?? 0) / full)) * 100}%`);
      target.style.setProperty("--part", `${(rules.targetDepthM / full) * 100}%`);

      const kind = unit.track.at(-1)?.[2];
      const way = `${fixed(workedWayM(unit.track))} m worked`;
      const known = depth !== undefined && rotor !== undefined && kind !== undefined;
      show(tiles.tool, known ? (kind > 0 ? "Engaged" : "Not engaged") : ABSENT, "", unit.track.length > 0 ? way : "");
      const engaged = known && kind > 0;
      const advance = engaged && speed !== undefined ? advancePerTurnMm(speed, rotor) : undefined;
      show(tiles.rotor, fixed(rotor), "rpm", rotor === undefined ? "" : rotorNote(rotor, advance));
      show(tiles.speed, speed === undefined ? ABSENT : fixed(speed * 3.6, 2), "km/h", headingNote(unit));
      const engine = liveValue(unit, roles?.engine);
      show(tiles.engine, fixed(engine), "rpm", engine === undefined ? "" : engine < 50 ? "standing" : "running");
      const mode = liveValue(unit, roles?.fixMode);
      const quality = liveValue(unit, roles?.fixQuality);
      const satellites = liveValue(unit, roles?.satellites);
      const hdop = liveValue(unit, roles?.hdop);
      show(
        tiles.fix,
        fixWords(mode, quality),
        "",
        [
          satellites === undefined ? undefined : `${fixed(satellites)} satellites`,
          hdop === undefined ? undefined : `HDOP ${hdop.toFixed(1)}`,
        ]
          .filter((part) => part !== undefined)
          .join(" · "),
      );
      const peak = recentPeak(unit);
      const over = peak !== undefined && peak >= rules.shockLineMps2;
      show(
        tiles.shock,
        brief(peak),
        "m/s²",
        peak === undefined ? "" : `${(peak / 9.80665).toFixed(1)} g peak`,
        over ? "▲" : undefined,
        over ? "warn" : undefined,
      );
    },
  };
}

function createTile(name: TileName): Tile {
  const box = el("div", `card tile tile-${name}`);
  const line = el("p", WORDY.has(name) ? "big words" : "big");
  const value = el("b", "", ABSENT);
  const unit = el("span");
  line.append(value, unit);
  const noteLine = el("p", "note");
  const icon = el("i");
  icon.setAttribute("aria-hidden", "true");
  const note = el("span");
  noteLine.append(icon, note);
  box.append(el("h3", "", LABELS[name]), line, noteLine);
  return { box, value, unit, icon, note };
}

function show(tile: Tile, value: string, unit: string, note: string, icon = "", tone = ""): void {
  setText(tile.value, value);
  setText(tile.unit, value === ABSENT ? "" : unit);
  setText(tile.note, note);
  setText(tile.icon, icon);
  tile.box.dataset["tone"] = tone;
}

function showDepth(tile: Tile, depth: number | undefined, rotor: number | undefined, rules: RulesView): void {
  const goal = `target ${Math.round(rules.targetDepthM * 100)} cm`;
  const short = rules.targetDepthM - (depth ?? 0);
  const cm = depth === undefined ? ABSENT : fixed(Math.abs(depth) * 100, 1);
  if (depth === undefined) show(tile, cm, "cm", "");
  else if (depth < 0) show(tile, cm, "cm above ground", `raised · ${goal}`);
  else if (depth < 0.03) show(tile, cm, "cm", `at the surface · ${goal}`);
  else if (rotor !== undefined && rotor < 60) show(tile, cm, "cm", `rotor stands · ${goal}`);
  else if (short > 0.02) show(tile, cm, "cm", `${fixed(short * 100)} cm short of ${goal}`, "▲", "warn");
  else show(tile, cm, "cm", `on ${goal}`, "✓", "ok");
}

function rotorNote(rotor: number, advance: number | undefined): string {
  if (rotor < 20) return "standing";
  return advance === undefined ? "turning" : `${fixed(advance)} mm forward a turn`;
}

function headingNote(unit: UnitState): string {
  const heading = liveValue(unit, unit.descriptor?.roles.heading);
  if (heading === undefined) return liveValue(unit, unit.descriptor?.roles.speed) === undefined ? "" : "standing";
  const points = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"];
  return `towards ${String(Math.round(heading) % 360).padStart(3, "0")}° ${points[Math.round(heading / 45) % 8]}`;
}

/** The largest shock of the last minute of rows. */
function recentPeak(unit: UnitState): number | undefined {
  const at = unit.descriptor?.charts.findIndex((chart) => chart.channel === "shock") ?? -1;
  const newest = unit.rows.at(-1);
  if (at < 0 || newest === undefined) return undefined;
  let peak: number | undefined;
  for (let i = unit.rows.length - 1; i >= 0; i--) {
    const row: Row = unit.rows[i]!;
    if (row[0] < newest[0] - 60_000) break;
    const value = row[1 + 3 * at];
    if (typeof value === "number" && (peak === undefined || value > peak)) peak = value;
  }
  return peak;
}
