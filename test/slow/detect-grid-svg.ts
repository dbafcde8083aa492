import { type GridResult, LINE, PEAKS, PULSES_MS, SNRS } from "./detect-grid.ts";

const CELL = { width: 64, height: 26 } as const;
const LEFT = 76;
const TOP = 76;
const PANEL = LEFT + PULSES_MS.length * CELL.width + 24;

/** White to blue; the text on it turns white where it is dark. */
const shade = (p: number) =>
  `rgb(${Math.round(247 - 216 * p)},${Math.round(251 - 132 * p)},${Math.round(255 - 75 * p)})`;

/** The detection probability over the grid as a figure: a panel for each level of noise, the stated line framed. */
export function gridSvg({ cells, hours }: GridResult): string {
  const shocks = cells.reduce((n, c) => n + c.shocks, 0);
  const width = PANEL * SNRS.length;
  const height = TOP + PEAKS.length * CELL.height + 72;
  const text = (x: number, y: number, s: string, more = "") => `<text x="${x}" y="${y}" ${more}>${s}</text>`;
  const panels = SNRS.map((snr, k) => {
    const x0 = k * PANEL + LEFT;
    const boxes = PEAKS.flatMap((peak, row) =>
      PULSES_MS.map((pulseMs, column) => {
        const c = cells.find((one) => one.peak === peak && one.pulseMs === pulseMs && one.snr === snr);
        const p = c === undefined || c.shocks === 0 ? 0 : c.found / c.shocks;
        const [x, y] = [x0 + column * CELL.width, TOP + (PEAKS.length - 1 - row) * CELL.height];
        const box = `<rect x="${x}" y="${y}" width="${CELL.width}" height="${CELL.height}" fill="${shade(p)}" stroke="#ccc"/>`;
        const fill = p > 0.55 ? "#fff" : "#111";
        return box + text(x + CELL.width / 2, y + 17, p.toFixed(2), `text-anchor="middle" fill="${fill}"`);
      }),
    );
    const rows = PEAKS.map((peak, row) =>
      text(x0 - 8, TOP + (PEAKS.length - 1 - row) * CELL.height + 17, String(peak), 'text-anchor="end"'),
    );
    const columns = PULSES_MS.map((ms, i) =>
      text(x0 + (i + 0.5) * CELL.width, TOP + PEAKS.length * CELL.height + 18, `${ms} ms`, 'text-anchor="middle"'),
    );
    const from = PULSES_MS.findIndex((ms) => ms >= LINE.pulseMs[0]);
    const wide = PULSES_MS.filter((ms) => ms >= LINE.pulseMs[0] && ms <= LINE.pulseMs[1]).length * CELL.width;
    const high = PEAKS.filter((peak) => peak >= LINE.peak).length * CELL.height;
    const frame = `<rect x="${x0 + from * CELL.width}" y="${TOP}" width="${wide}" height="${high}" fill="none" stroke="#d00" stroke-width="3"/>`;
    const head = text(x0, TOP - 12, `peak over noise ${snr}`, 'font-weight="bold"');
    return [head, ...boxes, ...rows, ...columns, ...(snr >= LINE.snr ? [frame] : [])].join("");
  });
  const said = `${shocks} simulated shocks in ${hours.toFixed(1)} h of simulated working noise. Rows: true peak, m/s2; columns: length of the pulse. Red: none missed.`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    "<title>Share of simulated shocks found as a detonation candidate</title>",
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(16, 30, "Share of simulated shocks found as a detonation candidate", 'font-size="18"'),
    ...panels,
    text(16, height - 16, said),
    "</svg>",
    "",
  ].join("\n");
}
