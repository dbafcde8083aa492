/** What stands where there is no value: never a zero. */
export const ABSENT = "–";

/** UCUM codes as people write them. */
const UNIT_LABELS: Readonly<Record<string, string>> = {
  "1": "",
  "m/s2": "m/s²",
  m2: "m²",
  deg: "°",
  "deg/s": "°/s",
  Cel: "°C",
};

export function unitLabel(code: string): string {
  return UNIT_LABELS[code] ?? code;
}

/** A number with the given decimals and thin spaces between thousands. */
export function fixed(value: number | null | undefined, decimals = 0): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return ABSENT;
  const [whole, rest] = Math.abs(value).toFixed(decimals).split(".") as [string, string?];
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, "\u202f") : whole;
  const body = rest === undefined ? grouped : `${grouped}.${rest}`;
  return value < 0 && Number(value.toFixed(decimals)) !== 0 ? `\u2212${body}` : body;
}

/** A number with as many decimals as the resolution of its channel is worth, four at most. */
export function byResolution(value: number | null | undefined, resolution: number): string {
  const decimals = resolution >= 1 ? 0 : Math.min(4, Math.ceil(-Math.log10(resolution) - 1e-9));
  return fixed(value, decimals);
}

/** Three figures that tell, for any magnitude: 0.213, 21.3, 2130. */
export function brief(value: number | null | undefined): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return ABSENT;
  const size = Math.abs(value);
  return fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** Bytes in the unit that leaves one to three digits before the point. */
export function bytes(count: number | null | undefined): string {
  if (typeof count !== "number") return ABSENT;
  if (count < 1000) return `${Math.round(count)} B`;
  if (count < 1e6) return `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)} kB`;
  if (count < 1e9) return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
  return `${(count / 1e9).toFixed(count < 1e10 ? 1 : 0)} GB`;
}

/** How long ago, in few words. */
export function age(ms: number | null | undefined): string {
  if (typeof ms !== "number" || !Number.isFinite(ms)) return ABSENT;
  if (ms < 3000) return "now";
  return `${duration(ms / 1000)} ago`;
}

/** A duration given in s: `42 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(seconds: number | null | undefined): string {
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) return ABSENT;
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
}

const ACRONYMS = new Set(["gnss", "adc", "imu", "can", "gps", "rtk", "hq", "usb"]);

/** `rotor_speed` → `Rotor speed`: a name for people where there is no label. */
export function words(name: string): string {
  if (ACRONYMS.has(name)) return name.toUpperCase();
  const text = name
    .replace(/[_-]+/g, " ")
    .replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The names of the quality bits set in `q`, by the descriptor's own table. */
export function qualityWords(q: number | undefined, table: Readonly<Record<string, number>>): string[] {
  if (q === undefined || q === 0) return [];
  return Object.entries(table)
    .filter(([, bit]) => (q & bit) !== 0)
    .map(([name]) => name);
}

/** GGA fix quality and GSA fix mode as people say them. */
export function fixWords(mode: number | null | undefined, quality: number | null | undefined): string {
  const kinds = ["no fix", "GNSS", "DGNSS", "PPS", "RTK fixed", "RTK float", "estimated", "manual", "simulated"];
  if (quality === 0 || mode === 1) return "no fix";
  const kind = typeof quality === "number" ? kinds[quality] : undefined;
  const dimensions = mode === 2 ? "2D" : mode === 3 ? "3D" : undefined;
  return [dimensions, kind].filter((part) => part !== undefined).join(" ") || ABSENT;
}
