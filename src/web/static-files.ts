import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";

export interface StaticFile {
  readonly type: string;
  readonly body: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** The folder that holds package.json, from the sources as well as from the compiled files. */
export function packageRoot(): string {
  let dir = import.meta.dirname;
  while (!existsSync(join(dir, "package.json"))) {
    const up = dirname(dir);
    if (up === dir) throw new Error(`no package.json above ${import.meta.dirname}`);
    dir = up;
  }
  return dir;
}

/** The file that an installed package exports under `name`. */
export function vendorFile(name: string): string {
  return createRequire(join(packageRoot(), "package.json")).resolve(name);
}

/**
 * The files of a page by their paths, read once: a request can only name one of them, so no request reaches the disk.
 * `sources` lists paths with the file behind each; `compiled` is the folder of the page's compiled scripts (`npm run build`),
 * each served under its own name, none when the folder does not exist.
 */
export function loadStaticFiles(
  sources: Readonly<Record<string, string>>,
  compiled: string,
): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  const put = (path: string, file: string) => {
    const type = TYPES[extname(file)];
    if (type === undefined) throw new Error(`${file}: files of this kind are not served`);
    files.set(path, { type, body: readFileSync(file) });
  };
  for (const [path, file] of Object.entries(sources)) put(path, file);
  const scripts = existsSync(compiled) ? readdirSync(compiled).filter((name) => name.endsWith(".js")) : [];
  for (const name of scripts) put(`/${name}`, join(compiled, name));
  return files;
}
