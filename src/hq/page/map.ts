import { type Bounds, boundsOf, fitView, type Metres, type Origin, toMetres, type View } from "./geometry.ts";
import { drawBand, drawGrid, drawMachine, drawMark, drawNorth, drawScale, drawTransit, type Ink } from "./map-ink.ts";
import type { TrackItem } from "./store.ts";
import type { MarkView, RulesView } from "./view.ts";

/** What the map shows at one moment. */
export interface Scene {
  readonly track: readonly TrackItem[];
  readonly marks: readonly MarkView[];
  readonly machine: { readonly lat: number; readonly lon: number; readonly headingDeg: number | null } | undefined;
  readonly stale: boolean;
  readonly rules: RulesView;
}

export interface FieldMap {
  draw(scene: Scene): void;
  /** `fit` shows the whole field, `follow` the surroundings of the machine. */
  look(mode: "fit" | "follow"): void;
}

const MARGIN_PX = 44;
const MIN_SPAN_M = 24;
const FOLLOW_SPAN_M = 24;

/** Draws the field north up on a canvas: local metres about the first fix, everything in the colours of the style sheet. */
export function createFieldMap(canvas: HTMLCanvasElement): FieldMap {
  const context = canvas.getContext("2d")!;
  const layer = document.createElement("canvas");
  const layerContext = layer.getContext("2d")!;
  let mode: "fit" | "follow" = "fit";
  let origin: Origin | undefined;
  let last: Scene | undefined;

  function ink(): Ink {
    const style = getComputedStyle(canvas);
    const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const names = ["map-grid", "map-ink", "band", "band-edge", "shallow", "transit", "mark", "machine", "card"];
    return Object.fromEntries(names.map((name) => [name, read(name)]));
  }

  function viewOf(points: readonly Metres[], machine: Metres | undefined, width: number, height: number): View {
    const centre = machine ?? points.at(-1) ?? { x: 0, y: 0 };
    const around: Bounds = { minX: centre.x, maxX: centre.x, minY: centre.y, maxY: centre.y };
    if (mode === "follow") return fitView(around, width, height, FOLLOW_SPAN_M, 0);
    return fitView(
      boundsOf(machine === undefined ? points : [...points, machine]) ?? around,
      width,
      height,
      MIN_SPAN_M,
      MARGIN_PX,
    );
  }

  function draw(scene: Scene): void {
    last = scene;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (width === 0 || height === 0) return;
    const ratio = window.devicePixelRatio || 1;
    for (const one of [canvas, layer]) {
      if (one.width !== Math.round(width * ratio)) one.width = Math.round(width * ratio);
      if (one.height !== Math.round(height * ratio)) one.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const first = scene.track[0] ?? (scene.machine && [scene.machine.lat, scene.machine.lon]);
    if (first === undefined) return;
    // The origin stays where the first fix was, unless the machine was carried to another field.
    if (origin === undefined || far(toMetres(origin, first[0], first[1]))) origin = { lat: first[0], lon: first[1] };
    const place = (lat: number, lon: number) => toMetres(origin!, lat, lon);
    const points = scene.track.map(([lat, lon]) => place(lat, lon));
    const machine = scene.machine && place(scene.machine.lat, scene.machine.lon);
    const view = viewOf(points, machine, width, height);
    const x = (p: Metres) => width / 2 + (p.x - view.centre.x) * view.scale;
    const y = (p: Metres) => height / 2 - (p.y - view.centre.y) * view.scale;
    const colours = ink();

    drawGrid(context, view, width, height, colours);
    layerContext.setTransform(ratio, 0, 0, ratio, 0, 0);
    layerContext.clearRect(0, 0, width, height);
    drawBand(layerContext, scene.track, points, x, y, scene.rules.toolWidthM * view.scale, colours);
    context.save();
    context.globalAlpha = 0.62;
    context.drawImage(layer, 0, 0, width, height);
    context.restore();
    drawTransit(context, scene.track, points, x, y, colours);
    for (const mark of scene.marks) {
      const p = place(mark.lat, mark.lon);
      drawMark(context, x(p), y(p), (mark.peak ?? 0) / scene.rules.shockLineMps2, colours);
    }
    if (machine !== undefined) {
      drawMachine(context, x(machine), y(machine), scene.machine?.headingDeg ?? null, scene.stale, colours);
    }
    drawScale(context, view.scale, width, height, colours);
    drawNorth(context, width, colours);
  }

  new ResizeObserver(() => last && draw(last)).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => last && draw(last));

  return {
    draw,
    look(next) {
      mode = next;
      if (last !== undefined) draw(last);
    },
  };
}

function far(p: Metres): boolean {
  return Math.hypot(p.x, p.y) > 20_000;
}
