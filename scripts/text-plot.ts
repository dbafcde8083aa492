/** One line of a plot: points with x and y, and the character they are drawn with. */
export interface PlotLine {
  readonly points: readonly (readonly [number, number])[];
  readonly mark: string;
}

const WIDTH = 64;
const HEIGHT = 9;

/** Draws lines as text, later ones over earlier ones; `log` spaces x by its logarithm. */
export function plotText(lines: readonly PlotLine[], unit: { x: string; y: string }, log = false): string[] {
  const all = lines.flatMap((line) => line.points).filter(([, y]) => Number.isFinite(y));
  const warp = (x: number) => (log ? Math.log(x) : x);
  const xs = all.map(([x]) => warp(x));
  const ys = all.map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [low, high] = padded(Math.min(...ys), Math.max(...ys));
  const rows = Array.from({ length: HEIGHT }, () => new Array<string>(WIDTH).fill(" "));
  for (const { points, mark } of lines) {
    for (const [x, y] of points) {
      if (!Number.isFinite(y)) continue;
      const column = Math.round(((warp(x) - left) / (right - left || 1)) * (WIDTH - 1));
      const row = Math.round(((high - y) / (high - low)) * (HEIGHT - 1));
      rows[row]![column] = mark;
    }
  }
  const label = (row: number) => (row % 4 === 0 ? short(high - ((high - low) * row) / (HEIGHT - 1)) : "").padStart(8);
  const [from, to] = [short(log ? Math.exp(left) : left), short(log ? Math.exp(right) : right)];
  const foot = `${from.padEnd(WIDTH - to.length - unit.x.length - 1)}${to} ${unit.x}`;
  return [
    `${" ".repeat(9)}${unit.y}`,
    ...rows.map((row, i) => `${label(i)} |${row.join("")}`.trimEnd()),
    `${" ".repeat(9)}+${"-".repeat(WIDTH)}`,
    `${" ".repeat(10)}${foot}`,
  ];
}

function padded(low: number, high: number): [number, number] {
  const room = (high - low || Math.abs(high) || 1) * 0.04;
  return [low - room, high + room];
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)) + 0);
}
