import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildDescriptor } from "../../src/config/descriptor.ts";
import { loadConfig } from "../../src/config/load.ts";
import { FILE_MAX_BYTES } from "../../src/config/read-yaml.ts";
import { canonicalJson, hashOf } from "../../src/model/canonical.ts";
import { isSwathError } from "../../src/model/errors.ts";
import { descriptorBody } from "../../src/model/record.ts";
import { parts } from "./parts.ts";

const UNIT = `
org: cmac
unit: unit-1
machine: d85ms-1
broker: { url: "mqtt://broker.example.org" }
buses:
  i2c1: { kind: i2c, device: 1, clockHz: 400000 }
  uart: { kind: serial, port: /dev/serial/by-id/gnss, baud: 38400 }
parts:
  shock: { part: shake, bus: i2c1, address: 0x1d }
  gnss: { part: receiver, bus: uart }
channels:
  shock_x: { from: shock.shakeX }
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "swath-config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const load = (text: string) => loadConfig(write("unit.yaml", text), { catalogue: parts });

/** What is said about a file that must be refused, without the folder. */
function refusal(file: string): string {
  try {
    loadConfig(file, { catalogue: parts });
  } catch (e) {
    if (!isSwathError(e, "config")) throw e;
    return `${e.code} ${e.message.replaceAll(`${folder}/`, "")}`;
  }
  throw new Error("it loads");
}

describe("loadConfig", () => {
  it("fills in every default, so that nobody after it has to", () => {
    const c = load(UNIT);
    expect(c.identity).toEqual({ org: "cmac", unit: "unit-1" });
    expect(c.broker).toEqual({ encoding: "json", url: "mqtt://broker.example.org", protocol: "auto" });
    expect(c.spool).toEqual({ dir: "/var/lib/swath/spool", maxMb: 512, ack: "broker" });
    expect(c.rows).toEqual({ everyMs: 1000, batch: 10 });
    expect(c.live).toEqual({ everyMs: 1000 });
    expect(c.ringSeconds).toBe(30);
    expect(c.parts[0]).toMatchObject({ name: "shock", address: 0x1d, options: { odrHz: 800, mode: "stream" } });
    expect(c.buses["uart"]).toMatchObject({ silenceS: 5 });
    expect(c.channels[0]?.columns).toEqual(["shock_x.mean", "shock_x.min", "shock_x.max"]);
    expect(c.track).toBeUndefined();
    expect(c.simulation).toBeUndefined();
  });

  it("gives a part its only address when none is written", () => {
    const c = load(
      `${UNIT.replaceAll("400000", "100000")}`.replace(
        "{ part: shake, bus: i2c1, address: 0x1d }\n",
        "{ part: shake, bus: i2c1, address: 0x1d, options: { odrHz: 100 } }\n  volts: { part: meter, bus: i2c1, options: { a: { volts: {} } } }\n",
      ),
    );
    expect(c.parts.find((p) => p.name === "volts")?.address).toBe(0x48);
  });

  it("works the chain through: unit, range, rate and resolution of what leaves it", () => {
    const c = load(
      UNIT.replace(
        "{ from: shock.shakeX }",
        "{ from: shock.shakeX, label: Blow, filters: [{ calibrate: { scale: 0.1, offset: 1, unit: m } }, { decimate: 8 }], stats: [last, rms] }",
      ),
    );
    expect(c.channels[0]).toMatchObject({
      source: { unit: "m/s2", range: [-2000, 2000], rateHz: 800, resolution: 0.5 },
      spec: { label: "Blow", unit: "m", range: [-199, 201], rateHz: 100, resolution: 0.05 },
      columns: ["shock_x", "shock_x.rms"],
    });
  });

  it("turns a deadband into the filter at the end of the chain", () => {
    const c = load(UNIT.replace("{ from: shock.shakeX }", "{ from: shock.shakeX, deadband: 2 }"));
    expect(c.channels[0]?.filters).toEqual([{ deadband: { band: 2 } }]);
  });

  it("names the columns of the track in snake_case, all of them or the ones asked for", () => {
    expect(load(`${UNIT}track: { from: gnss }\n`).track?.columns.map((t) => t.column)).toEqual([
      "lat",
      "lon",
      "fix_mode",
    ]);
    const some = load(`${UNIT}track: { from: gnss, columns: [lon, lat] }\n`).track;
    expect(some?.columns.map((t) => t.key)).toEqual(["lat", "lon"]);
  });

  it("is frozen to the bottom", () => {
    const c = load(`${UNIT}track: { from: gnss }\n`);
    const open: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null || path.endsWith(".device")) return;
      if (!Object.isFrozen(value)) open.push(path);
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
    };
    visit(c, "config");
    expect(open).toEqual([]);
  });

  it("resolves the name of a file from the folder of the file that names it", () => {
    write("profiles/base.yaml", "broker: { username: u, passwordFile: base.pass }\n");
    const broker =
      'broker: { url: "mqtts://broker.example.org", caFile: ca.pem, certFile: /etc/swath/unit.pem, keyFile: k }';
    const c = load(`extends: profiles/base.yaml\n${UNIT.replace(/broker:.*/, broker)}spool: { dir: ../spool }\n`);
    expect(c.broker).toMatchObject({
      passwordFile: join(folder, "profiles/base.pass"),
      caFile: join(folder, "ca.pem"),
      certFile: "/etc/swath/unit.pem",
      keyFile: join(folder, "k"),
    });
    expect(c.spool.dir).toBe(join(dirname(folder), "spool"));
  });
});

describe("a file that extends another", () => {
  it("wins key by key, while lists and scalars replace", () => {
    write(
      "base.yaml",
      `profile: { name: Base, role: detonate, tool: flail, toolWidthM: 2 }
channels:
  shock_x: { from: shock.shakeX, stats: [mean, rms], filters: [{ median: 5 }] }
  shock_y: { from: shock.shakeY }
`,
    );
    const c = load(
      `extends: base.yaml\n${UNIT.replace("{ from: shock.shakeX }", "{ stats: [max] }")}profile: { toolWidthM: 3 }\n`,
    );
    expect(c.profile).toEqual({ name: "Base", role: "detonate", tool: "flail", toolWidthM: 3 });
    expect(c.channels.map((ch) => ch.column)).toEqual(["shock_x", "shock_y"]);
    expect(c.channels[0]).toMatchObject({ stats: ["max"], filters: [{ median: 5 }] });
    expect(c.files.map((f) => f.slice(folder.length + 1))).toEqual(["unit.yaml", "base.yaml"]);
  });

  it("may be three files deep, and no deeper", () => {
    write("a.yaml", "extends: b.yaml\nrows: { batch: 5 }\n");
    write("b.yaml", "rows: { everyMs: 500, batch: 7 }\n");
    expect(load(`extends: a.yaml\n${UNIT}`).rows).toEqual({ everyMs: 500, batch: 5 });
    write("b.yaml", "extends: c.yaml\n");
    write("c.yaml", "rows: { batch: 7 }\n");
    expect(refusal(write("unit.yaml", `extends: a.yaml\n${UNIT}`))).toMatch(
      /^config\/conflict b.yaml:1: extends: c.yaml/,
    );
  });

  it("finds a circle, also behind a symbolic link", () => {
    write("a.yaml", "extends: link.yaml\n");
    const file = write("unit.yaml", `extends: a.yaml\n${UNIT}`);
    symlinkSync(file, join(folder, "link.yaml"));
    expect(refusal(file)).toBe("config/conflict a.yaml:1: extends: link.yaml is already part of this chain of files");
  });

  it("is blamed in the file and line where the wrong value stands, whichever file that is", () => {
    write("p/base.yaml", "\n\nlive:\n  everyMs: fast\nrows:\n  batch: 0\n");
    const file = write("unit.yaml", `extends: p/base.yaml\n${UNIT}rows:\n  everyMs: 1\n`);
    expect(refusal(file).split("\n")).toEqual([
      "config/invalid unit.yaml:16: rows.everyMs: found 1, expected at least 100",
      'p/base.yaml:4: live.everyMs: found "fast", expected a number',
      "p/base.yaml:6: rows.batch: found 0, expected at least 1",
    ]);
  });

  it("is blamed for what is missing from a map it has a hand in", () => {
    write("base.yaml", "profile:\n  name: Base\n  tool: flail\n");
    const file = write("unit.yaml", `extends: base.yaml\n${UNIT}profile:\n  toolWidthM: 2\n`);
    expect(refusal(file)).toMatch(/^config\/invalid unit.yaml:15: profile.role: is missing, expected "detonate", /);
  });

  it("hides what is wrong below when it says better", () => {
    write("base.yaml", "live: { everyMs: fast }\n");
    expect(load(`extends: base.yaml\n${UNIT}live: { everyMs: 200 }\n`).live.everyMs).toBe(200);
  });
});

describe("a file that is no configuration", () => {
  it("is refused when it is not there, not a file, too large or not text", () => {
    expect(refusal(join(folder, "none.yaml"))).toBe("config/unreadable none.yaml:1: none.yaml: there is no such file");
    expect(refusal(folder).replace(folder, "dir")).toMatch(/^config\/unreadable .*is not a file$/);
    expect(refusal(write("large.yaml", `${UNIT}#${"x".repeat(FILE_MAX_BYTES)}`))).toMatch(
      /^config\/unreadable .*at most 1048576 are read$/,
    );
    writeFileSync(join(folder, "latin.yaml"), Buffer.from([0x6f, 0x3a, 0x20, 0xe9, 0x0a]));
    expect(refusal(join(folder, "latin.yaml"))).toMatch(/is not UTF-8 text$/);
  });

  it.each([
    ["brackets", "[".repeat(20_000), "more than 32 brackets open at once"],
    ["maps", "{a: ".repeat(5_000), "more than 32 brackets open at once"],
    ["lists in lists", "- ".repeat(20_000), "more than 100 of - ? : on one line"],
    ["keys of keys", "? ".repeat(20_000), "more than 100 of - ? : on one line"],
    [
      "indents",
      Array.from({ length: 400 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      "more than 100 spaces before a key",
    ],
    ["pieces", "a: 1\n".repeat(50_000), "more than 50000 words and signs in one file"],
  ])("is refused before the parser sees it when it is a monster made of %s", (_, text, why) => {
    expect(refusal(write("unit.yaml", text))).toContain(why);
  });

  it("is blamed in the line of the monster, also behind texts of several lines", () => {
    const text = `a: |\n  one${" x".repeat(90)}\n  two\nb: "three\n  four"\nc: ${"[".repeat(50)}\n`;
    expect(refusal(write("unit.yaml", text))).toBe("config/syntax unit.yaml:6: more than 32 brackets open at once");
  });

  it("may hold signs in its texts as it likes", () => {
    const odd = `"${"[{".repeat(200)}"`;
    expect(refusal(write("unit.yaml", UNIT.replace("org: cmac", `org: ${odd}`)))).toMatch(
      /^config\/invalid unit.yaml:2: org: found/,
    );
    expect(load(`# ${"- [{ ? : ".repeat(300)}\n${UNIT}`).machine).toBe("d85ms-1");
  });

  it("lists fifty problems and counts the rest", () => {
    const file = write("unit.yaml", `${UNIT}${Array.from({ length: 80 }, (_, i) => `zz${i}q: 1\n`).join("")}`);
    const lines = refusal(file).split("\n");
    expect(lines).toHaveLength(51);
    expect(lines[50]).toBe("… and 30 more");
  });
});

describe("the hash of a configuration", () => {
  it("changes with what is measured, not with where files lie, who logs in or how the file is laid out", () => {
    const { hash } = load(UNIT);
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    const broker = 'broker: { url: "mqtt://broker.example.org", username: x, passwordFile: y }';
    expect(load(UNIT.replace(/broker:.*/, broker)).hash).toBe(hash);
    expect(load(`${UNIT}spool: { dir: /elsewhere }\nrows: { batch: 10, everyMs: 1000 }\n`).hash).toBe(hash);
    expect(load(UNIT.replace("address: 0x1d", "address: 29")).hash).toBe(hash);
    expect(load(UNIT.replace("0x1d", "0x53")).hash).not.toBe(hash);
    expect(load(`${UNIT}rows: { batch: 9 }\n`).hash).not.toBe(hash);
    expect(
      load(UNIT.replace("{ from: shock.shakeX }", "{ from: shock.shakeX, filters: [{ median: 3 }] }")).hash,
    ).not.toBe(hash);
  });
});

describe("canonicalJson", () => {
  it("is the same text for the same value, in whatever order it was made", () => {
    expect(canonicalJson({ b: [1, { d: null, c: "x" }], a: undefined, e: 0.1 })).toBe(
      '{"b":[1,{"c":"x","d":null}],"e":0.1}',
    );
    expect(hashOf({ a: 1, b: 2 })).toBe(hashOf({ b: 2, a: 1 }));
    // sha256 of {"a":1}
    expect(hashOf({ a: 1 })).toBe("015abd7f5cc57a2d");
  });
});

describe("buildDescriptor", () => {
  it("names every column of telemetry and track once, and says what is simulated", () => {
    const text = `${UNIT}track: { from: gnss }\nsimulation: {}\n`;
    const { hash, body } = buildDescriptor(load(text));
    expect(descriptorBody.parse(body)).toEqual(body);
    expect(body.channels["shock_x"]).toEqual({
      label: "Shake, X",
      unit: "m/s2",
      range: [-2000, 2000],
      resolution: 0.5,
      rateHz: 800,
      source: "shock.shakeX",
      table: "telemetry",
      columns: ["shock_x.mean", "shock_x.min", "shock_x.max"],
      filters: [],
      simulated: true,
    });
    expect(body.channels["fix_mode"]).toMatchObject({ source: "gnss.fixMode", table: "track", columns: ["fix_mode"] });
    const columns = Object.values(body.channels).flatMap((ch) => ch.columns);
    expect(new Set(columns).size).toBe(columns.length);
    expect(buildDescriptor(load(text))).toEqual({ hash, body });
    expect(buildDescriptor(load(text.replace("simulation: {}\n", ""))).hash).not.toBe(hash);
  });
});
