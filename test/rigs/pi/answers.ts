import { gunzipSync } from "node:zlib";

/** How a line of shell on the Pi ended. */
export interface Answer {
  readonly code: number;
  /** What it wrote. */
  readonly output: string;
}

/** The answers of the Pi's agent that stand whole on its console, by the number of the line that they answer. */
export function answersIn(console: string): ReadonlyMap<number, Answer> {
  const found = new Map<number, Answer>();
  for (const [, number, code, packed] of console.matchAll(/^PI answer (\d+) (\d+) ([A-Za-z0-9+/]+=*)\r?\n/gm)) {
    const output = gunzipSync(Buffer.from(packed!, "base64")).toString("utf8");
    found.set(Number(number), { code: Number(code), output });
  }
  return found;
}
