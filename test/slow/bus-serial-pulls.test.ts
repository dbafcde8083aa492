import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { systemClock } from "../../src/bus/clock.ts";
import { openLinuxSerial } from "../../src/bus/linux-serial.ts";
import { hear } from "../bus/serial-port.ts";
import { openPty } from "../rigs/pty.ts";

const PULLS = 250;

it("a port that was pulled 250 times leaves no descriptor behind and still delivers every byte", async () => {
  const rig = await openPty();
  const link = openLinuxSerial({
    name: "gnss",
    path: rig.path,
    baud: 9600,
    silenceS: Number.POSITIVE_INFINITY,
    clock: systemClock,
  });
  const heard = hear();
  const open = () => readdirSync("/proc/self/fd").length;
  try {
    link.start(heard.listener);
    await expect.poll(() => link.isOpen).toBe(true);
    const before = open();
    for (let i = 0; i < PULLS; i++) {
      rig.write(`${i} `);
      await expect.poll(() => heard.all().toString().endsWith(`${i} `), { interval: 5 }).toBe(true);
      await rig.pull();
      await expect.poll(() => link.isOpen, { interval: 5 }).toBe(false);
      await rig.plug();
      await expect.poll(() => link.isOpen, { interval: 5, timeout: 3000 }).toBe(true);
    }
    await expect.poll(open).toBeLessThanOrEqual(before);
    expect(heard.all().toString()).toBe(Array.from({ length: PULLS }, (_, i) => `${i} `).join(""));
    expect(link.counters).toMatchObject({ opens: PULLS + 1, closes: PULLS, silences: 0 });
  } finally {
    await link.close();
    await rig.stop();
  }
});
