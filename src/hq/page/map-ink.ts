import { type Metres, niceBelow, type View } from "./geometry.ts";
import type { TrackItem } from "./store.ts";
import { worked } from "./way.ts";

/** Colours of the map by their names in the style sheet. */
export interface Ink {
  readonly [name: string]: string;
}

/** From metres to pixels along one axis of the canvas. */
export type Project = (p: Metres) => number;

/** Steps shorter than this, in m, have no direction but that of the fix's noise, and a band needs one. */
const STRIDE_M = 0.25;

/** Lines of the grid are at most this far apart. */
const MESH_PX = 160;

export function drawGrid(c: CanvasRenderingContext2D, view: View, width: number, height: number, ink: Ink): void {
  const mesh = niceBelow(MESH_PX / view.scale);
  const left = view.centre.x - width / 2 / view.scale;
  const bottom = view.centre.y - height / 2 / view.scale;
  c.strokeStyle = ink["map-grid"]!;
  c.lineWidth = 1;
  c.beginPath();
  for (let gx = Math.ceil(left / mesh) * mesh; (gx - left) * view.scale < width; gx += mesh) {
    const px = Math.round((gx - left) * view.scale) + 0.5;
    c.moveTo(px, 0);
    c.lineTo(px, height);
  }
  for (let gy = Math.ceil(bottom / mesh) * mesh; (gy - bottom) * view.scale < height; gy += mesh) {
    const py = Math.round(height - (gy - bottom) * view.scale) + 0.5;
    c.moveTo(0, py);
    c.lineTo(width, py);
  }
  c.stroke();
}

/**
 * The band the tool worked: first all edges, then all surfaces over them, so that lanes that touch become one area with
 * one outline.
 */
export function drawBand(
  c: CanvasRenderingContext2D,
  track: readonly TrackItem[],
  points: readonly Metres[],
  x: Project,
  y: Project,
  widthPx: number,
  ink: Ink,
): void {
  const stroke = (width: number, colour: string, wanted: (i: number) => boolean) => {
    c.lineCap = "butt";
    c.lineJoin = "bevel";
    c.lineWidth = width;
    c.strokeStyle = colour;
    c.beginPath();
    let from: Metres | undefined;
    for (let i = 1; i < track.length; i++) {
      if (!wanted(i)) {
        from = undefined;
        continue;
      }
      if (from === undefined) {
        from = points[i - 1]!;
        c.moveTo(x(from), y(from));
      }
      const to = points[i]!;
      if (Math.hypot(to.x - from.x, to.y - from.y) < STRIDE_M) continue;
      c.lineTo(x(to), y(to));
      from = to;
    }
    c.stroke();
  };
  const band = Math.max(2, widthPx);
  const any = (i: number) => worked(track, i);
  stroke(band + 2.5, ink["band-edge"]!, any);
  stroke(band, ink["band"]!, any);
  // Where passes overlap the deeper one counts, so what reached the target lies on top.
  stroke(band, ink["shallow"]!, (i) => any(i) && track[i]![2] === 2);
  stroke(band, ink["band"]!, (i) => any(i) && track[i]![2] === 1);
}

export function drawTransit(
  c: CanvasRenderingContext2D,
  track: readonly TrackItem[],
  points: readonly Metres[],
  x: Project,
  y: Project,
  ink: Ink,
): void {
  c.lineWidth = 1.5;
  c.lineJoin = "round";
  c.strokeStyle = ink["transit"]!;
  c.beginPath();
  for (let i = 1; i < track.length; i++) {
    if (track[i]![3] === 1 || worked(track, i)) continue;
    c.moveTo(x(points[i - 1]!), y(points[i - 1]!));
    c.lineTo(x(points[i]!), y(points[i]!));
  }
  c.stroke();
}

/** `strength` is the shock over the line that made it worth a mark: a stronger one is drawn larger. */
export function drawMark(c: CanvasRenderingContext2D, px: number, py: number, strength: number, ink: Ink): void {
  const size = 6.5 + 2 * Math.min(3, Math.max(0, Math.log2(strength)));
  c.beginPath();
  for (let i = 0; i < 8; i++) {
    const reach = i % 2 === 0 ? size : size * 0.38;
    const angle = (i * Math.PI) / 4;
    c.lineTo(px + reach * Math.sin(angle), py - reach * Math.cos(angle));
  }
  c.closePath();
  c.fillStyle = ink["mark"]!;
  c.strokeStyle = ink["card"]!;
  c.lineWidth = 1.5;
  c.stroke();
  c.fill();
}

export function drawMachine(
  c: CanvasRenderingContext2D,
  px: number,
  py: number,
  headingDeg: number | null,
  stale: boolean,
  ink: Ink,
): void {
  c.save();
  c.translate(px, py);
  c.globalAlpha = stale ? 0.5 : 1;
  c.beginPath();
  c.arc(0, 0, 15, 0, 2 * Math.PI);
  c.fillStyle = ink["card"]!;
  c.globalAlpha *= 0.85;
  c.fill();
  c.globalAlpha = stale ? 0.5 : 1;
  c.strokeStyle = ink["machine"]!;
  c.lineWidth = 2;
  c.stroke();
  c.fillStyle = ink["machine"]!;
  c.beginPath();
  if (headingDeg === null) c.arc(0, 0, 5, 0, 2 * Math.PI);
  else {
    c.rotate((headingDeg * Math.PI) / 180);
    c.moveTo(0, -10);
    c.lineTo(7, 8);
    c.lineTo(0, 4);
    c.lineTo(-7, 8);
    c.closePath();
  }
  c.fill();
  c.restore();
}

export function drawScale(c: CanvasRenderingContext2D, scale: number, width: number, height: number, ink: Ink): void {
  const metres = niceBelow((width * 0.25) / scale);
  const length = metres * scale;
  const left = 16;
  const base = height - 16;
  c.strokeStyle = ink["map-ink"]!;
  c.fillStyle = ink["map-ink"]!;
  c.lineWidth = 2;
  c.beginPath();
  c.moveTo(left, base - 6);
  c.lineTo(left, base);
  c.lineTo(left + length, base);
  c.lineTo(left + length, base - 6);
  c.stroke();
  c.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
  c.textAlign = "left";
  c.fillText(`${metres} m`, left + length + 8, base + 1);
}

export function drawNorth(c: CanvasRenderingContext2D, width: number, ink: Ink): void {
  const x = width - 24;
  c.fillStyle = ink["map-ink"]!;
  c.beginPath();
  c.moveTo(x, 12);
  c.lineTo(x + 6, 28);
  c.lineTo(x, 24);
  c.lineTo(x - 6, 28);
  c.closePath();
  c.fill();
  c.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
  c.textAlign = "center";
  c.fillText("N", x, 42);
}
