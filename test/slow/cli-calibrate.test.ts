import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { calibrate } from "../../src/cli/calibrate.ts";
import { loadConfig } from "../../src/config/load.ts";
import { openPty, type PtyRig } from "../rigs/pty.ts";

let dir: string;
let pty: PtyRig;
/** What the distance sensor says, in mm; `step` is added after each frame. */
let mm = 1000;
let step = 0;
/** What the sender of lines says. */
let lines: PtyRig;
let said = 0;
let timer: ReturnType<typeof setInterval>;

beforeAll(async () => {
  pty = await openPty();
  lines = await openPty();
  timer = setInterval(() => {
    const [high, low] = [mm >> 8, mm & 0xff];
    if (mm >= 0) pty.write(Buffer.from([0xff, high, low, (0xff + high + low) & 0xff]));
    mm += step;
    lines.write(`${said}\r\n`);
  }, 25);
});
afterAll(async () => {
  clearInterval(timer);
  await pty.stop();
  await lines.stop();
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "swath-calibrate-"));
  mm = 1000;
  step = 0;
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function unitFile(more = ""): string {
  const file = join(dir, "unit.yaml");
  writeFileSync(
    file,
    `# Of the machine in Battambang.
org: cmac
unit: unit-1
machine: m-1   # chassis plate
broker: { url: "mqtt://broker.example.org" }
buses: { height: { kind: serial, port: ${pty.path}, baud: 9600 } }
parts: { sonar: { part: a02yyuw, bus: height } }
channels:
  # Seen from the frame, so it becomes less when the tool goes down.
  tool_depth: { from: sonar.distance, deadband: 0.05 }
${more}`,
  );
  chmodSync(file, 0o640);
  return file;
}

/** Runs the command; each answer is given when a question that matches its key is asked. */
async function talk(args: readonly string[], answers: readonly (string | (() => string))[]) {
  const input = new PassThrough();
  const left = [...answers];
  let text = "";
  const code = await calibrate(
    args,
    {
      write(said) {
        text += said;
        if (!/: $/.test(said)) return;
        const next = left.shift();
        if (next === undefined) input.end();
        else input.write(`${typeof next === "string" ? next : next()}\n`);
      },
    },
    input,
  );
  return { code, text, left };
}

const at = (height: number) => () => {
  mm = height;
  return "";
};
const depthArgs = (file: string, ...more: string[]) => [
  "depth",
  "--config",
  file,
  "--channel",
  "tool_depth",
  "--by",
  "Sok Dara",
  "--seconds",
  "1",
  ...more,
];

/** A machine whose only sensor sends numbers on lines. */
function lineFile(column: string, unit: string): string {
  const file = join(dir, "line.yaml");
  writeFileSync(
    file,
    `org: cmac
unit: unit-1
machine: m-1
broker: { url: "mqtt://broker.example.org" }
buses: { line: { kind: serial, port: ${lines.path}, baud: 9600 } }
parts: { sender: { part: ascii-line, bus: line, options: { unit: ${unit}, range: [-999, 999], resolution: 0.1 } } }
channels: { ${column}: { from: sender.value } }
`,
  );
  return file;
}

const guided = (kind: string, file: string, column: string) => [
  kind,
  "--config",
  file,
  "--channel",
  column,
  "--by",
  "Sok Dara",
  "--seconds",
  "1",
];
const says = (value: number) => () => {
  said = value;
  return "";
};

describe("swath calibrate tilt, rotor and lever-arm", () => {
  it("parts the mounting of an angle from the ground by turning the machine round", async () => {
    const file = lineFile("pitch_front", "deg");
    const { code, text } = await talk(guided("tilt", file, "pitch_front"), [says(3.5), says(-0.5), "yes"]);
    expect(text).toContain("The sensor says 1.5 deg on level ground, ± 0.1 deg; the ground slopes by 2 deg.");
    expect(code).toBe(0);
    const { calibration, channels } = loadConfig(file, { catalogue });
    expect(calibration?.channels["pitch_front"]).toMatchObject({ kind: "tilt", offsetDeg: 1.5, slopeDeg: 2 });
    expect(channels[0]?.filters.at(-1)).toEqual({ offset: { value: -1.5 } });
    const before = readFileSync(file, "utf8");
    expect((await talk(guided("tilt", file, "pitch_front"), [says(3.5), "s"])).code).toBe(1);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  it("holds a rotor against a tachometer, and refuses another shaft", async () => {
    const file = lineFile("rotor_speed", "rpm");
    const { code } = await talk(guided("rotor", file, "rotor_speed"), [says(200), "196", "", "yes"]);
    expect(code).toBe(0);
    expect(loadConfig(file, { catalogue }).calibration?.channels["rotor_speed"]).toMatchObject({
      kind: "rotor",
      method: "tachometer",
      scale: 0.98,
      uncertainty: 0.01,
    });
    const wrong = await talk(guided("rotor", file, "rotor_speed"), [says(0), "200", "2"]);
    expect(wrong).toMatchObject({ code: 1, text: expect.stringContaining("another shaft") });
    expect((await talk(guided("depth", file, "rotor_speed"), [])).code).toBe(64);
  });

  it("sets the pulses of a simulated pickup in the part's options, where the tachometer can tell them", async () => {
    const file = join(dir, "pickup.yaml");
    const text = `org: cmac
unit: unit-1
machine: m-1
broker: { url: "mqtt://broker.example.org" }
simulation: {}
buses: { pickup: { kind: counter, device: 0 } }
parts:
  rotor: { part: interrupt-counter, bus: pickup, options: { pulsesPerRevolution: 60 } } # teeth
channels: { rotor_speed: { from: rotor.speed } }
`;
    writeFileSync(file, text);
    const args = [...guided("rotor", file, "rotor_speed"), "--seconds", "2"];
    expect(await talk(args, ["", "176", ""])).toMatchObject({
      code: 1,
      text: expect.stringContaining("cannot tell 61"),
    });
    expect(readFileSync(file, "utf8")).toBe(text);
    const { code, text: told } = await talk(args, ["", "359.4", "0.5", "yes"]);
    expect(told).toContain("30 pulses in one turn");
    expect(code).toBe(0);
    const after = readFileSync(file, "utf8");
    expect(after.startsWith(text.replace("pulsesPerRevolution: 60", "pulsesPerRevolution: 30"))).toBe(true);
    expect(loadConfig(file, { catalogue }).calibration?.channels["rotor_speed"]).toMatchObject({
      pulsesPerRevolution: 30,
    });
  });

  it("asks for the lever arm by tape, figures within reason only", async () => {
    const file = lineFile("pitch_front", "deg");
    const args = ["lever-arm", "-c", file, "--by", "Sok Dara"];
    const { code, text } = await talk(args, ["-2,4", "100", "0.1", "-3", "3.15", "", "yes"]);
    expect(text).toContain('found "100", expected a number from -10 to 10 m');
    expect(text).toContain('found "-3", expected a number from 0 to 10 m');
    expect(code).toBe(0);
    expect(loadConfig(file, { catalogue }).calibration?.leverArm).toMatchObject({
      by: "Sok Dara",
      machine: "m-1",
      forwardM: -2.4,
      rightM: 0.1,
      upM: 3.15,
      uncertaintyM: 0.02,
    });
    expect((await talk([...args, "--channel", "pitch_front"], [])).code).toBe(64);
  });
});

describe("swath calibrate depth", () => {
  it("reads a real serial sensor at three heights and writes the line into the unit file, comments, rights and link kept", async () => {
    const file = unitFile();
    const before = readFileSync(file, "utf8");
    const link = join(dir, "current.yaml");
    symlinkSync(file, link);
    const { code, text } = await talk(depthArgs(link), [
      "0",
      at(1000),
      "-0,3",
      at(1294),
      "0.2",
      at(804),
      "0",
      at(1002),
      "",
      "yes",
    ]);
    expect(text).toContain("tool_depth: 1.294 m");
    expect(text).toMatch(/depth = -1\.0\d+ × reading \+ 1\.0\d+ m/);
    expect(text).toMatch(/\+ calibration tool_depth/);
    expect(code).toBe(0);
    const after = readFileSync(link, "utf8");
    expect(after.startsWith(before)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(dir).sort()).toEqual(["current.yaml", "unit.yaml"]);
    const found = loadConfig(file, { catalogue }).calibration?.channels["tool_depth"];
    if (found?.kind !== "depth") throw new Error("expected a depth");
    expect(found).toMatchObject({ by: "Sok Dara", machine: "m-1", unit: "unit-1", source: "sonar.distance" });
    expect(found.scale * 1.294 + found.offset).toBeCloseTo(-0.3, 2);
    expect(found.points).toEqual([
      [1, 0],
      [1.294, -0.3],
      [0.804, 0.2],
      [1.002, 0],
    ]);
    expect(found.repeatabilityM).toBeCloseTo(0.002, 3);
    expect(found.residualM).toBeLessThan(0.004);
  });

  it("reads what the channel says before its old calibration, even one of another sensor, and shows old and new", async () => {
    const old = `calibration:
  # Do not lose this.
  maxAgeDays: 90
  channels:
    tool_depth: { kind: depth, by: Old, at: 2025-01-01T00:00:00Z, machine: m-1, unit: unit-1, source: sonar.distance, scale: 4, offset: -4, uncertaintyM: 0.1, points: [[1, 0], [1.1, 0.4]] }
`;
    const file = unitFile(old);
    const { code, text } = await talk(depthArgs(file), ["0", at(1000), "-0.3", at(1300), "", "yes"]);
    expect(text).toContain("tool_depth: 1.3 m");
    expect(text).toMatch(/Old.*Sok Dara/s);
    expect(code).toBe(0);
    const after = readFileSync(file, "utf8");
    expect(after).toContain("# Do not lose this.\n  maxAgeDays: 90");
    expect(after).not.toContain("by: Old");
    const foreign = unitFile(
      old.replace("source: sonar.distance", "source: adc.a1").replace("machine: m-1", "machine: m-9"),
    );
    expect((await talk(depthArgs(foreign), ["0", at(1000), "-0.3", at(1300), "", "yes"])).code).toBe(0);
  });

  it("refuses a reading that moves or is marked bad and a sensor that does not follow the tool, and goes on", async () => {
    const file = unitFile();
    const { code, text } = await talk(depthArgs(file), [
      "deep",
      "0",
      () => {
        step = 1;
        return "";
      },
      () => {
        step = 0;
        return "maybe";
      },
      at(1000),
      "-0.3",
      at(1001),
      "",
      "-0.3",
      at(5),
      "s",
      "",
    ]);
    expect(text).toContain('found "deep", expected a number from -20 to 20 m');
    expect(text).toMatch(/Not taken: it is not still: the value (went|scatters)/);
    expect(text).toContain('found "maybe", expected Enter or s');
    expect(text).toMatch(/Not yet: the channel moved 1 mm while the tool moved 300 mm/);
    expect(text).toMatch(/Not taken: bad quality: .*clipped/);
    expect(text).toContain("the answers have ended. Nothing was written.");
    expect(code).toBe(1);
  });

  it("writes nothing on no, on Ctrl-C in the middle of a reading, and when the file was edited meanwhile", async () => {
    const file = unitFile();
    const before = readFileSync(file, "utf8");
    const untouched = () => {
      expect(readFileSync(file, "utf8")).toBe(before);
      expect(readdirSync(dir)).toEqual(["unit.yaml"]);
    };
    const measured = ["0", at(1000), "-0.3", at(1300), ""];
    expect((await talk(depthArgs(file), [...measured, "perhaps", "no"])).code).toBe(1);
    untouched();
    const cut = await talk(depthArgs(file), [
      "0",
      () => {
        setTimeout(() => process.emit("SIGINT"), 100);
        return "";
      },
    ]);
    expect(cut).toMatchObject({ code: 1, text: expect.stringContaining("interrupted. Nothing was written.") });
    untouched();
    const atTheEnd = () => {
      process.emit("SIGINT");
      return "yes";
    };
    expect((await talk(depthArgs(file), [...measured, atTheEnd])).code).toBe(1);
    untouched();
    const edited = await talk(depthArgs(file), [
      ...measured,
      () => {
        writeFileSync(file, `${before}# edited\n`);
        return "yes";
      },
    ]);
    expect(edited.text).toContain("was changed meanwhile");
    expect(edited.code).toBe(1);
    expect(readFileSync(file, "utf8")).toBe(`${before}# edited\n`);
  });

  it("names what is wrong with its arguments and with a file that is not right", async () => {
    const file = unitFile();
    expect((await talk(["deep", ...depthArgs(file).slice(1)], [])).code).toBe(64);
    expect((await talk(["depth", "--config", file], [])).code).toBe(64);
    expect(await talk(depthArgs(file, "--by", " "), [])).toMatchObject({
      code: 64,
      text: expect.stringContaining("--by"),
    });
    expect(await talk(depthArgs(file, "--channel", "tool_dept"), [])).toMatchObject({
      code: 64,
      text: expect.stringContaining('there is no channel "tool_dept"; channels in m: tool_depth'),
    });
    writeFileSync(file, "org: 7");
    expect((await talk(depthArgs(file), [])).code).toBe(78);
  });
});
