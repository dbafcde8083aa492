import { expect, it } from "vitest";
import { systemClock } from "../../src/bus/clock.ts";
import { openLinuxI2c } from "../../src/bus/linux-i2c.ts";
import { createI2cSource } from "../../src/device/i2c-source.ts";
import type { Source } from "../../src/device/source.ts";
import { holdHand } from "../rigs/i2c-user/control.ts";
import { placedParts } from "../rigs/i2c-user/parts.ts";

// Runs in a child process whose /dev/i2c-1 is the rig's; test/slow/bus-parts.test.ts starts it.
it("every part of the catalogue is brought up, read, lost and taken back through the genuine addon", async () => {
  const { hand, release } = await holdHand(process.env["SWATH_I2C_USER"] ?? "");
  const bus = await openLinuxI2c({ name: "i2c-1", device: 1, clock: systemClock });
  const parts = placedParts().map(({ device, address, options, value }) => {
    const seen = new Map<string, number>();
    const source: Source = createI2cSource({
      device,
      address,
      bus,
      name: device.part,
      options,
      clock: systemClock,
      sink: {
        block(channel, block) {
          const { key } = source.channels[channel]!;
          if (block.n > 0) seen.set(key, block.x[block.n - 1]!);
        },
        scan() {},
        state() {},
      },
    });
    return { device, source, seen, value };
  });
  const timer = setInterval(() => {
    for (const { source } of parts) if (source.dueMs <= systemClock.monoMs()) source.step(systemClock.monoMs());
  }, 4);
  const states = () => parts.map(({ device, source }) => `${device.part} ${source.state}`);
  const all = (state: string) => parts.map(({ device }) => `${device.part} ${state}`);

  try {
    expect(parts.length).toBeGreaterThan(0);
    await expect.poll(states, { timeout: 8000 }).toEqual(all("running"));
    for (const { device, source, seen, value } of parts) {
      for (const { key, range, resolution } of source.channels) {
        await expect.poll(() => seen.has(key), { timeout: 8000 }).toBe(true);
        const tolerance = 4 * resolution + (range[1] - range[0]) * 0.002; // a share of a noisy rail has its noise too
        expect(Math.abs(seen.get(key)! - value(key, 1.7)), `${device.part}.${key}`).toBeLessThan(tolerance);
      }
    }
    await hand.inject("all", "nack");
    await expect.poll(() => parts.some(({ source }) => source.state === "running"), { timeout: 8000 }).toBe(false);
    await hand.lift("all");
    await expect.poll(states, { timeout: 20_000 }).toEqual(all("running"));
  } finally {
    clearInterval(timer);
    bus.close();
    release();
  }
}, 60_000);
