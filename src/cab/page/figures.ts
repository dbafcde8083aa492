import { word } from "./language.ts";

/** What is shown where there is no value: never 0. */
export const ABSENT = "–";

/** A figure with a fixed number of decimals. */
export function fixed(value: number | null, decimals: number): string {
  if (value === null) return ABSENT;
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
}

/** A time span as h:mm, or as seconds below a minute. */
export function span(seconds: number | null): string {
  if (seconds === null) return ABSENT;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** How long ago something was. */
export const ago = (seconds: number): string => `${span(seconds)} ${word("ago")}`;

/** The time of day where the screen is. */
export function timeOfDay(utcMs: number | null): string {
  if (utcMs === null) return ABSENT;
  const at = new Date(utcMs);
  return `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
}
