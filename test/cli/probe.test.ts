import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { probe } from "../../src/cli/probe.ts";
import { openPty } from "../rigs/pty.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "swath-probe-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function unitFile(port: string, more: object = {}): string {
  const file = join(dir, "unit.yaml");
  writeFileSync(
    file,
    JSON.stringify({
      org: "cmac",
      unit: "unit-1",
      machine: "m-1",
      broker: { url: "mqtt://broker.example.org" },
      buses: { height: { kind: "serial", port, baud: 9600 }, i2c1: { kind: "i2c", device: 250, clockHz: 400_000 } },
      parts: { depth: { part: "a02yyuw", bus: "height" }, shock: { part: "adxl375", bus: "i2c1", address: 0x1d } },
      ...more,
    }),
  );
  return file;
}

async function run(...args: string[]) {
  const text: string[] = [];
  const code = await probe(args, { write: (t) => text.push(t) });
  return { code, text: text.join("") };
}

describe("swath probe", () => {
  it("shows the values, quality, age and counters of one part, for people and for scripts", async () => {
    const pty = await openPty();
    const timer = setInterval(() => pty.write(Buffer.from([0xff, 0x07, 0xa1, 0xa7])), 100);
    try {
      const file = unitFile(pty.path);
      const json = await run("depth", "--config", file, "--once", "--json");
      expect(json.code).toBe(0);
      const told = JSON.parse(json.text);
      expect(told).toMatchObject({ name: "depth", part: "a02yyuw", state: "running" });
      expect(told.channels).toMatchObject([{ key: "distance", value: 1.953, unit: "m", quality: [] }]);
      expect(told.counters.samples).toBeGreaterThan(2);
      expect(told.lastBytes).toMatch(/^(ff 07 a1 a7 ?)+$/);
      const people = await run("depth", "-c", file, "--once");
      expect(people.text).toMatch(/distance +1\.953 +m +good +\d+ ms/);
      expect(people.text).toMatch(/^last bytes: ff 07 a1 a7/m);
    } finally {
      clearInterval(timer);
      await pty.stop();
    }
  });

  it("shows what comes over the port though the part makes nothing of it", async () => {
    const pty = await openPty();
    const timer = setInterval(() => pty.write("R1234\r"), 100);
    try {
      const { code, text } = await run("depth", "-c", unitFile(pty.path), "--once", "--seconds", "1");
      expect(code).toBe(1);
      expect(text).toMatch(/^last bytes: "(R1234\\r)+/m);
    } finally {
      clearInterval(timer);
      await pty.stop();
    }
  });

  it("says how a part is that does not answer, and returns 1", async () => {
    const { code, text } = await run("depth", "--config", unitFile(join(dir, "no-port")), "--once", "--seconds", "1");
    expect(code).toBe(1);
    expect(text).toContain("depth (a02yyuw): absent");
    expect(text).toMatch(/distance +– +m +missing +never/);
    expect(text).toMatch(/^last bytes: none$/m);
  });

  it("shows counts beside values of an I2C part, here a simulated one", async () => {
    const file = unitFile("/dev/x", { simulation: {} });
    const { code, text } = await run("shock", "--config", file, "--once", "--json");
    expect(code).toBe(0);
    const told = JSON.parse(text);
    expect(told.verified).toBe("id");
    const [x] = told.channels;
    expect(x.raw * 0.049 * 9.80665).toBeCloseTo(x.value, 1);
  });

  it("names the parts that there are, and the mistakes of a wrong file", async () => {
    const file = unitFile("/dev/x");
    expect(await run("dpeth", "--config", file)).toMatchObject({
      code: 64,
      text: expect.stringContaining("depth, shock"),
    });
    expect((await run("depth")).code).toBe(64);
    writeFileSync(file, "org: 7");
    expect((await run("depth", "--config", file)).code).toBe(78);
  });
});
