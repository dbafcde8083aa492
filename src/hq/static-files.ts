import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface StaticFile {
  readonly type: string;
  readonly body: Buffer;
}

const TYPES = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
} as const;

/** The folder that holds package.json, from the sources as well as from the compiled files. */
function packageRoot(): string {
  let dir = import.meta.dirname;
  while (!existsSync(join(dir, "package.json"))) {
    const up = dirname(dir);
    if (up === dir) throw new Error(`no package.json above ${import.meta.dirname}`);
    dir = up;
  }
  return dir;
}

/**
 * Every file of the page by its path, read once: a request can only name one of them, so no request reaches the disk.
 * The scripts must have been compiled (`npm run build`); without them the page says so.
 */
export function loadStaticFiles(): ReadonlyMap<string, StaticFile> {
  const root = packageRoot();
  const files = new Map<string, StaticFile>();
  const sources = join(root, "src/hq/page");
  const compiled = join(root, "dist/src/hq/page");
  const uplot = dirname(createRequire(join(root, "package.json")).resolve("uplot"));

  const put = (path: string, file: string, type: keyof typeof TYPES) =>
    files.set(path, { type: TYPES[type], body: readFileSync(file) });

  put("/", join(sources, "index.html"), "html");
  put("/style.css", join(sources, "style.css"), "css");
  put("/tables.css", join(sources, "tables.css"), "css");
  put("/icon.svg", join(sources, "icon.svg"), "svg");
  put("/vendor/uplot.js", join(uplot, "uPlot.esm.js"), "js");
  put("/vendor/uplot.css", join(uplot, "uPlot.min.css"), "css");
  if (existsSync(compiled)) {
    for (const name of readdirSync(compiled)) if (name.endsWith(".js")) put(`/${name}`, join(compiled, name), "js");
  }
  return files;
}
