import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The machine's own Chromium without a window, and without anything that asks somebody outside. */
export function startChromium(): Promise<Browser> {
  const folders = ["/usr/bin", ...(process.env["PATH"] ?? "").split(delimiter)];
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const found = folders.flatMap((dir) => names.map((name) => join(dir, name))).find(existsSync);
  if (found === undefined) throw new Error("no Chromium: install the package chromium");
  return chromium.launch({ executablePath: found, args: FLAGS });
}
