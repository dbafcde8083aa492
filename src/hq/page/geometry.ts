/** A place on the plane of the field: metres east and north of its origin. */
export interface Metres {
  readonly x: number;
  readonly y: number;
}

export interface Origin {
  readonly lat: number;
  readonly lon: number;
}

const M_PER_DEG = 111_320;

/** Equirectangular about `origin`: true to a millimetre within a kilometre, which is more than a field. */
export function toMetres(origin: Origin, lat: number, lon: number): Metres {
  return {
    x: (lon - origin.lon) * M_PER_DEG * Math.cos((origin.lat * Math.PI) / 180),
    y: (lat - origin.lat) * M_PER_DEG,
  };
}

export interface Bounds {
  minX: number;
  maxX: number;
  minY: number;
  maxY: number;
}

export function boundsOf(points: readonly Metres[]): Bounds | undefined {
  if (points.length === 0) return undefined;
  const bounds = { minX: Infinity, maxX: -Infinity, minY: Infinity, maxY: -Infinity };
  for (const { x, y } of points) {
    if (x < bounds.minX) bounds.minX = x;
    if (x > bounds.maxX) bounds.maxX = x;
    if (y < bounds.minY) bounds.minY = y;
    if (y > bounds.maxY) bounds.maxY = y;
  }
  return bounds;
}

/** Metres to pixels: `scale` pixels a metre, `centre` in the middle of the canvas, north up. */
export interface View {
  readonly scale: number;
  readonly centre: Metres;
}

/** The view that shows `bounds` with a margin, at least `minSpanM` wide and high. */
export function fitView(bounds: Bounds, width: number, height: number, minSpanM: number, marginPx: number): View {
  const spanX = Math.max(bounds.maxX - bounds.minX, minSpanM);
  const spanY = Math.max(bounds.maxY - bounds.minY, minSpanM * 0.5);
  return {
    scale: Math.min((width - 2 * marginPx) / spanX, (height - 2 * marginPx) / spanY),
    centre: { x: (bounds.minX + bounds.maxX) / 2, y: (bounds.minY + bounds.maxY) / 2 },
  };
}

/** The largest of 1, 2, 5 × 10ⁿ that is not above `limit`: the length of a scale bar, the mesh of a grid. */
export function niceBelow(limit: number): number {
  const power = 10 ** Math.floor(Math.log10(limit));
  const lead = limit / power;
  return (lead >= 5 ? 5 : lead >= 2 ? 2 : 1) * power;
}

/** How far the machine goes on while the rotor turns once, in mm; undefined while it hardly turns. */
export function advancePerTurnMm(speedMps: number, rpm: number): number | undefined {
  return rpm > 20 ? (speedMps * 60_000) / rpm : undefined;
}

/** Direction from one place to another, in degrees from north, clockwise. */
export function bearingDeg(from: Metres, to: Metres): number {
  return ((Math.atan2(to.x - from.x, to.y - from.y) * 180) / Math.PI + 360) % 360;
}
