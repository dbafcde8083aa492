import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { explainConfig } from "../../src/config/explain.ts";
import { loadConfig } from "../../src/config/load.ts";
import { isSwathError } from "../../src/model/errors.ts";
import fc from "../properties.ts";
import { parts } from "./parts.ts";

/** A unit file with something in every section. */
const WHOLE = {
  org: "cmac",
  unit: "unit-1",
  machine: "d85ms-1",
  profile: { name: "D85MS", role: "prepare_ground", tool: "tiller", toolWidthM: 2 },
  broker: { url: "mqtts://broker.example.org", username: "u", passwordFile: "p", caFile: "ca.pem", protocol: "5" },
  spool: { dir: "spool", maxMb: 64, ack: "broker" },
  buses: {
    i2c1: { kind: "i2c", device: 1, clockHz: 400_000 },
    i2c2: { kind: "i2c", device: 2, clockHz: 100_000 },
    uart: { kind: "serial", port: "/dev/serial/by-id/gnss", baud: 38_400, silenceS: 5 },
  },
  parts: {
    shock: { part: "shake", bus: "i2c1", address: 0x1d, options: { odrHz: 800, mode: "stream" } },
    volts: {
      part: "meter",
      bus: "i2c2",
      address: 0x48,
      options: { a: { volts: { divider: 2 } }, b: { loop420: { lo: 0, hi: 1 } } },
    },
    gnss: { part: "receiver", bus: "uart" },
  },
  channels: {
    shock_x: {
      from: "shock.shakeX",
      filters: [{ median: { window: 5 } }, { low_pass: { cutoffHz: 50 } }, { decimate: 8 }],
      stats: ["max"],
    },
    oil: { from: "volts.a", label: "Oil", filters: [{ calibrate: { scale: 100, unit: "kPa" } }], deadband: 2 },
  },
  track: { from: "gnss", columns: ["lat", "lon"] },
  rows: { everyMs: 1000, batch: 10 },
  live: { everyMs: 200 },
  ring: { seconds: 30 },
  simulation: { scene: "tilling", seed: 1, speed: 2 },
};

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "swath-hostile-"));
  file = join(folder, "unit.yaml");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Loads and explains a text: undefined when it is right, else the message; anything but a config error is thrown on. */
function verdict(text: string | Uint8Array): string | undefined {
  writeFileSync(file, text);
  try {
    explainConfig(loadConfig(file, { catalogue: parts }), Date.now());
    return undefined;
  } catch (e) {
    if (!isSwathError(e, "config")) throw e;
    for (const line of e.message.split("\n")) expect(line).toMatch(/^(?:\/.*\.yaml:\d+: |… and \d+ more$)/);
    return e.message;
  }
}

/** Every path to a key or an item below `value`. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...pathsOf(inner, [...path, key])]);
}

function edit(path: readonly string[], change: (holder: Record<string, unknown>, key: string) => void): unknown {
  const copy = structuredClone(WHOLE) as unknown as Record<string, unknown>;
  let holder = copy;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
  change(holder, path.at(-1)!);
  return copy;
}

const paths = pathsOf(WHOLE);
const aPath = fc.constantFrom(...paths);
const anything = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    0.5,
    1e300,
    Number.NaN,
    Infinity,
    "",
    "hq",
    " ",
    [],
    {},
    [[]],
    { a: 1 },
    "__proto__",
  ),
  fc.string({ maxLength: 40 }),
  fc.double(),
  fc.jsonValue({ maxDepth: 3 }),
);

describe("whatever is done to a configuration", () => {
  it("loads when nothing is done to it", () => {
    expect(verdict(stringify(WHOLE))).toBeUndefined();
  });

  it("ends well or with a list of problems when any one key is left out", () => {
    for (const path of paths)
      verdict(
        stringify(
          edit(path, (holder, key) => (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key])),
        ),
      );
  });

  it("never takes a misspelt key for a right one", () => {
    const names = paths.filter(
      (p) => !/^\d+$/.test(p.at(-1)!) && !["buses", "parts", "channels"].includes(p.at(-2) ?? ""),
    );
    for (const path of names) {
      const text = stringify(
        edit(path, (holder, key) => {
          holder[`${key}q`] = holder[key];
          delete holder[key];
        }),
      );
      expect(verdict(text), path.join(".")).toContain(`${path.at(-1)}q`);
    }
  });

  it("ends well or with a list of problems when any value becomes anything", () => {
    fc.assert(
      fc.property(
        aPath,
        anything,
        (path, value) =>
          void verdict(
            stringify(
              edit(path, (holder, key) => {
                holder[key] = value;
              }),
            ),
          ),
      ),
      { numRuns: 120 },
    );
  });

  it("ends well or with a list of problems when keys are added anywhere", () => {
    const key = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "<<", "extends"),
    );
    fc.assert(
      fc.property(
        aPath,
        key,
        anything,
        (path, name, value) =>
          void verdict(
            stringify(
              edit(path, (holder) => {
                Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
              }),
            ),
          ),
      ),
      { numRuns: 80 },
    );
  });

  it("ends well or with a list of problems when bytes of the text are changed, cut or doubled", () => {
    const text = Buffer.from(stringify(WHOLE));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(255), fc.nat(3), (at, byte, kind) => {
        const copy = Uint8Array.from(text);
        copy[at] = byte;
        const changed =
          kind === 0
            ? copy
            : kind === 1
              ? text.subarray(0, at)
              : kind === 2
                ? Buffer.concat([text.subarray(0, at), text])
                : Buffer.concat([copy.subarray(0, at), Buffer.from("\n"), copy.subarray(at)]);
        verdict(changed);
      }),
      { numRuns: 150 },
    );
  });

  it("leaves the prototypes of the language alone", () => {
    verdict(`${stringify(WHOLE)}__proto__: { polluted: 1 }\n`);
    verdict(
      `${stringify({ ...WHOLE, parts: undefined })}parts: { __proto__: { polluted: 1 }, constructor: { prototype: { polluted: 1 } } }\n`,
    );
    verdict(`${stringify(WHOLE)}constructor: { prototype: { polluted: 1 } }\n`);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(verdict(`${stringify(WHOLE)}__proto__: { polluted: 1 }\n`)).toContain(
      "__proto__: this name is not allowed as a key",
    );
  });
});
