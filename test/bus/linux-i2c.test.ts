import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../src/bus/clock.ts";
import { openLinuxI2c } from "../../src/bus/linux-i2c.ts";
import { createMemoryI2c } from "../../src/bus/memory-i2c.ts";
import { lacking, runOnI2cUser } from "../rigs/i2c-user/child-run.ts";

it("the genuine i2c-bus addon passes the tests of the I2C port and its own, over a stand-in for /dev/i2c-1", async () => {
  const lack = lacking();
  if (lack !== "") {
    console.log(`the I2C port was not tried on the genuine addon: ${lack}`);
    return;
  }
  const run = await runOnI2cUser("test/bus/linux-i2c.addon.ts", createMemoryI2c({ name: "hardware" }));
  expect(run.failed).toEqual([]);
  expect(run.passed).toBeGreaterThan(35);
}, 60_000);

describe("opening an I2C bus", () => {
  const clock = manualClock();
  const addon = async () => ({
    openSync: () => ({ closeSync() {} }) as never,
  });

  it("says what to do when the addon is not installed, and leaves the bus free", async () => {
    const missing = () => Promise.reject(new Error("Cannot find package 'i2c-bus'"));
    for (let i = 0; i < 2; i++) {
      const opening = openLinuxI2c({ name: "i2c-1", device: 1, clock, addon: missing });
      await expect(opening).rejects.toMatchObject({ code: "bus/addon", retry: "never" });
    }
  });

  it("has one owner per bus in a process, and names both", async () => {
    const first = await openLinuxI2c({ name: "chassis", device: 7, clock, addon });
    const again = (device: number | string) => openLinuxI2c({ name: "tool", device, clock, addon });
    await expect(again("/dev/i2c-7")).rejects.toMatchObject({
      code: "bus/busy",
      message: expect.stringMatching(/tool.*chassis/),
    });
    await expect(again(7)).rejects.toMatchObject({ code: "bus/busy" });
    (await again(8)).close();
    first.close();
    (await again(7)).close();
  });

  it("follows a name to the bus, and says when it leads nowhere or elsewhere", async () => {
    const dir = mkdtempSync(join(tmpdir(), "swath-bus-"));
    try {
      symlinkSync("/dev/null", join(dir, "null"));
      symlinkSync("/dev/i2c-999", join(dir, "absent"));
      for (const path of [join(dir, "null"), join(dir, "absent"), join(dir, "nothing"), "i2c-1"]) {
        const opening = openLinuxI2c({ name: "i2c-1", device: path, clock, addon });
        await expect(opening, path).rejects.toMatchObject({ code: "bus/absent" });
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
