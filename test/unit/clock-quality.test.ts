import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { chronyQuality, createClockQuality, GUESS_MS, timesyncUncUs } from "../../src/unit/clock-quality.ts";

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

const T = 1_795_600_000_000_000;
interface Answer {
  readonly leap?: number;
  readonly stratum?: number;
  readonly offsetUs?: number;
  readonly ignored?: boolean;
}

/** An answer over 20 ms there and 20 ms back; root delay 8 ms, root dispersion 3 ms, jitter 1 ms. */
const message = ({ leap = 0, stratum = 2, offsetUs = 0, ignored = false }: Answer = {}) =>
  JSON.stringify({
    type: "(uuuuittayttttbtt)",
    data: [
      ...[leap, 4, 4, stratum, -25, 8000, 3000, [192, 168, 1, 1]],
      ...[T, T + 20_000 + offsetUs, T + 20_100 + offsetUs, T + 40_100, ignored, 12, 1000],
    ],
  });

describe("what timesyncd says of its last answer", () => {
  it("is bounded by root distance, half the round trip, jitter, and what is still to be turned slowly", () => {
    expect(timesyncUncUs(message())).toBe(8000 / 2 + 3000 + 40_000 / 2 + 1000);
    expect(timesyncUncUs(message({ offsetUs: -150_000 }))).toBe(28_000 + 150_000);
    // Further off than 0.4 s the clock is stepped, and nothing is left to turn.
    expect(timesyncUncUs(message({ offsetUs: 3_600_000_000 }))).toBe(28_000);
  });

  it.each([
    ["an answer that was not taken", message({ ignored: true })],
    ["a server that is itself not set", message({ leap: 3 })],
    ["a server of no stratum", message({ stratum: 0 })],
    [
      "no answer yet",
      JSON.stringify({ type: "(uuuuittayttttbtt)", data: [0, 0, 0, 0, 0, 0, 0, [], 0, 0, 0, 0, false, 0, 0] }),
    ],
    ["another form", '{"type":"s","data":"x"}'],
    ["no JSON", "NTPMessage={ Leap=0 }"],
    ["nothing", ""],
  ])("is not believed for %s", (_, text) => expect(timesyncUncUs(text)).toBeUndefined());
});

describe("what chronyd says", () => {
  const line = (leap = "Normal", answeredS = "1795600000.123456789") =>
    `C0A80101,192.168.1.1,3,${answeredS},-0.000215000,0.000100000,0.000200000,12.345,0.010,0.120,0.036000000,0.004000000,64.2,${leap}\n`;

  it("is |system time| + root dispersion + root delay / 2", () => {
    const quality = chronyQuality(line())!;
    expect(quality.answeredMs).toBeCloseTo(1_795_600_000_123.457, 2);
    expect(quality.uncMs).toBeCloseTo(0.215 + 4 + 18, 6);
  });

  it.each([
    ["not synchronised", line("Not synchronised")],
    ["never synchronised", line("Normal", "0.000000000")],
    ["not there", "506 Cannot talk to daemon\n"],
    ["silent", ""],
  ])("is nothing while it is %s", (_, text) => expect(chronyQuality(text)).toBeUndefined());
});

describe("the quality of the system's clock", () => {
  function rig(run: (command: string) => Promise<string>) {
    const dir = mkdtempSync(join(tmpdir(), "swath-clock-"));
    dirs.push(dir);
    const marker = join(dir, "synchronized");
    const chronyc = join(dir, "chronyc");
    const asked: string[] = [];
    const quality = createClockQuality({
      ...{ marker, chronyc },
      run: (command) => {
        asked.push(command);
        return run(command);
      },
    });
    const answered = (atMs: number) => {
      writeFileSync(marker, "");
      utimesSync(marker, atMs / 1000, atMs / 1000);
    };
    return { quality, answered, asked, chronyc };
  }

  it("is asked of timesyncd once per answer, and gets worse with the age of that answer", async () => {
    const { quality, answered, asked } = rig(async () => message());
    expect(await quality(T / 1000)).toBeUndefined();
    answered(1_795_600_000_000);
    expect(await quality(1_795_600_000_000)).toEqual({ answeredMs: 1_795_600_000_000, uncMs: 28 });
    expect((await quality(1_795_601_000_000))?.uncMs).toBeCloseTo(28 + 50, 6);
    expect(asked).toEqual(["busctl"]);
    answered(1_795_601_024_000);
    expect((await quality(1_795_601_024_000))?.uncMs).toBe(28);
    expect(asked).toHaveLength(2);
  });

  it("is half a second, with the reason, when timesyncd has set the clock and cannot be asked", async () => {
    const none = rig(() => Promise.reject(new Error("spawn busctl ENOENT")));
    none.answered(1_795_600_000_000);
    const quality = await none.quality(1_795_600_000_000);
    expect(quality).toEqual({ answeredMs: 1_795_600_000_000, uncMs: GUESS_MS, guessed: "spawn busctl ENOENT" });
    const ignored = rig(async () => message({ ignored: true }));
    ignored.answered(1_795_600_000_000);
    expect((await ignored.quality(1_795_600_000_000))?.uncMs).toBe(GUESS_MS);
  });

  it("is chronyd's where that is installed, and nothing when it does not answer", async () => {
    const answers = ["C0,x,3,1795600000.0,0.001,0,0,0,0,0,0.010,0.002,64,Normal\n"];
    const { quality, chronyc, asked } = rig(async () => answers.shift() ?? Promise.reject(new Error("no daemon")));
    expect(await quality(1_795_600_000_000)).toBeUndefined();
    expect(asked).toEqual([]);
    writeFileSync(chronyc, "");
    expect(await quality(1_795_600_000_000)).toEqual({ answeredMs: 1_795_600_000_000, uncMs: 8 });
    expect(await quality(1_795_600_000_000)).toBeUndefined();
  });
});
