import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** Which room may import from which: data flows left to right, imports point to the left or down. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  "src/model": [],
  "src/codec": ["src/model"],
  "src/dsp": ["src/model"],
  "src/bus": ["src/model"],
  "src/device": ["src/model", "src/codec", "src/bus"],
  "src/sim": ["src/model", "src/codec", "src/bus", "src/device", "devices"],
  "src/board": ["src/model"],
  "src/link": ["src/model"],
  "src/sampler": ["src/model", "src/codec", "src/dsp", "src/bus", "src/device", "src/board", "src/link"],
  "src/work": ["src/model", "src/dsp"],
  "src/spool": ["src/model"],
  "src/uplink": ["src/model", "src/codec", "src/spool"],
  "src/config": ["src/model", "src/codec", "src/device", "src/dsp"],
  "src/web": [],
  "src/cab": ["src/model", "src/web"],
  "src/replay": ["src/model", "src/codec", "src/bus", "src/device", "src/link", "src/sampler", "src/config"],
  "src/unit": ["src/*", "devices"],
  "src/hq": ["src/model", "src/codec", "src/work", "src/web"],
  "src/cli": ["src/*", "devices"],
  devices: ["src/model", "src/codec", "src/device"],
  scripts: ["src/*", "devices"],
};

/** Composition roots that may import more than their room. */
const EXTRA: Record<string, readonly string[]> = {
  "src/sampler/main.ts": ["src/config", "src/sim", "devices"],
  "src/sampler/compose.ts": ["src/config"],
  "src/sampler/simulated-ports.ts": ["src/config", "src/sim"],
  "scripts/powercut.ts": ["test"],
  "scripts/hq-faults.ts": ["test"],
  "scripts/offline.ts": ["test"],
};

/** Packages with one entrance each. */
const PACKAGE_ROOMS: Record<string, readonly string[]> = {
  "i2c-bus": ["src/bus"],
  serialport: ["src/bus"],
  "johnny-five": ["src/board"],
  mqtt: ["src/uplink", "src/hq"],
  "mqtt-packet": ["src/uplink", "src/hq"],
  aedes: ["src/hq"],
  cborg: ["src/codec"],
  pg: ["src/hq"],
  "@electric-sql/pglite": ["src/hq"],
};

function files(dir: string): string[] {
  return readdirSync(join(root, dir)).flatMap((name) => {
    const path = join(dir, name);
    if (statSync(join(root, path)).isDirectory()) return files(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}

function roomOf(path: string): string {
  const parts = path.split("/");
  return parts[0] === "src" ? parts.slice(0, 2).join("/") : parts[0]!;
}

const sources = ["src", "devices", "scripts"].flatMap(files);

function importsOf(path: string): { spec: string; typeOnly: boolean }[] {
  const text = readFileSync(join(root, path), "utf8");
  const out: { spec: string; typeOnly: boolean }[] = [];
  for (const m of text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gms)) {
    out.push({ spec: m[2]!, typeOnly: m[1] !== undefined });
  }
  for (const m of text.matchAll(/\bimport\("([^"]+)"\)/g)) out.push({ spec: m[1]!, typeOnly: false });
  return out;
}

describe("the rooms and the arrows between them", () => {
  it("knows every folder that holds code", () => {
    for (const path of sources) expect(Object.keys(MAY_IMPORT), path).toContain(roomOf(path));
  });

  it.each(sources)("%s imports only from rooms it may see", (path) => {
    const room = roomOf(path);
    for (const { spec, typeOnly } of importsOf(path)) {
      if (spec.startsWith(".")) {
        const target = roomOf(relative(root, resolve(root, dirname(path), spec)));
        if (target === room) continue;
        const allowed = [...(MAY_IMPORT[room] ?? []), ...(EXTRA[path] ?? [])];
        const ok = allowed.includes(target) || (allowed.includes("src/*") && target.startsWith("src/"));
        expect(ok, `${path} imports ${spec} (${target})`).toBe(true);
        if (room === "src/device" && target === "src/bus")
          expect(typeOnly, `${path}: only types from ${spec}`).toBe(true);
      } else {
        const rooms = Object.entries(PACKAGE_ROOMS).find(([name]) => spec === name || spec.startsWith(`${name}/`))?.[1];
        if (rooms !== undefined && !typeOnly) expect(rooms, `${path} imports ${spec}`).toContain(room);
      }
    }
  });

  it("keeps clocks, promises and loggers out of the pure rooms", () => {
    for (const path of sources.filter((p) => /^(src\/(model|codec|dsp|work)|devices)\//.test(p))) {
      const text = readFileSync(join(root, path), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
      expect(text, path).not.toMatch(
        /Date\.now|performance\.now|setTimeout|setInterval|\bawait\b|new Promise|console\./,
      );
    }
  });

  it("never calls machine-treated ground by the word that means it is safe", () => {
    const word = new RegExp(["clea", "red"].join(""), "i");
    for (const path of sources) expect(readFileSync(join(root, path), "utf8"), path).not.toMatch(word);
  });
});
