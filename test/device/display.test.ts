import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ssd1306 } from "../../devices/ssd1306.ts";
import type { I2cBus } from "../../src/bus/i2c.ts";
import { createMemoryI2c } from "../../src/bus/memory-i2c.ts";
import { busLoads, displayLoad } from "../../src/config/budget.ts";
import { DISPLAY_SIZES, type DisplaySize } from "../../src/device/display-device.ts";
import { createDisplay } from "../../src/device/display-driver.ts";
import { glyphColumn } from "../../src/device/display-font.ts";
import { drawLines } from "../../src/device/display-text.ts";
import { createDisplayTwin } from "../../src/device/display-twin.ts";
import { bytesOf, hexOf } from "../golden/script-part.ts";

const golden = JSON.parse(readFileSync(join(import.meta.dirname, "../golden/ssd1306.json"), "utf8"));

/** A display on a memory bus, with every transfer noted. */
function rig(size: DisplaySize = "128x64") {
  const inner = createMemoryI2c({ name: "i2c-1" });
  const sent: { atMs: number; bytes: number }[] = [];
  let nowMs = 0;
  const bus: I2cBus = {
    ...inner,
    writeRegister(address, register, bytes, length) {
      sent.push({ atMs: nowMs, bytes: 1 + length });
      inner.writeRegister(address, register, bytes, length);
    },
  };
  const twin = createDisplayTwin(ssd1306, size);
  let detach = inner.attach(0x3c, twin);
  const display = createDisplay({ device: ssd1306, size, bus, address: 0x3c });
  return {
    ...{ inner, twin, display, sent },
    pull: () => detach(),
    plug() {
      twin.brownOut();
      detach = inner.attach(0x3c, twin);
    },
    run(ms: number) {
      for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 1) if (display.dueMs <= nowMs) display.step(nowMs);
    },
  };
}

describe("the ssd1306", () => {
  it.each(DISPLAY_SIZES)("is set up and addressed as worked out by hand, as %s", (size) => {
    const { init, windows } = golden.displays[size];
    expect(hexOf([...ssd1306.off, ...ssd1306.setup(size), ...ssd1306.on])).toBe(init);
    for (const { column, page, width, bytes } of windows)
      expect(hexOf(ssd1306.window(column, page, width))).toBe(bytes);
  });

  it("draws letters as worked out by hand, small and at double size", () => {
    for (const [letter, bytes] of Object.entries<string>(golden.glyphs))
      expect(hexOf([0, 1, 2, 3, 4, 5].map((x) => glyphColumn(letter, x))), letter).toBe(bytes);
    const pixels = new Uint8Array(1024);
    drawLines(["L", "1"], ssd1306.shapes["128x64"], 0, pixels);
    expect([...pixels.subarray(0, 4)]).toEqual(bytesOf(golden.bigL.page0));
    expect([...pixels.subarray(128, 132)]).toEqual(bytesOf(golden.bigL.page1));
    expect(hexOf(pixels.subarray(256, 262))).toBe(golden.glyphs["1"]);
  });
});

describe("a display", () => {
  it("shows what it is told once all of it is written, and says that it only acknowledged", () => {
    const { display, twin, run } = rig();
    display.show(["NO FIX", "DEPTH  0.18/0.20 LOW", "ROTOR   204/200"]);
    run(1000);
    expect(twin.lit).toBe(false);
    run(3000);
    expect(twin.lit).toBe(true);
    expect(twin.lines()).toEqual(["NO FIX", "DEPTH  0.18/0.20 LOW", "ROTOR   204/200", "", "", "", ""]);
    expect(display.state).toBe("running");
    expect(display.verified).toBe("ack-only");
  });

  it("has room for two small lines at half the height", () => {
    const { display, twin, run } = rig("128x32");
    display.show(["OK", "A", "B", "C"]);
    run(3000);
    expect(twin.lines()).toEqual(["OK", "A", "B"]);
  });

  it("takes no more of its bus than the budget counts, whatever is changed how often", () => {
    const { display, sent, run } = rig();
    run(3000);
    sent.length = 0;
    for (let i = 0; i < 100; i++) {
      display.show([`${"#@%"[i % 3]}`.repeat(10), ...Array.from({ length: 6 }, () => `${i % 10}`.repeat(21))]);
      run(100);
    }
    const clocks = sent.reduce((sum, { bytes }) => sum + 9 * (1 + bytes) + 2, 0);
    expect(clocks / 10 / 400_000).toBeLessThanOrEqual(displayLoad(ssd1306, 400_000).share * 1.01);
    // Worked out by hand: 74 + 308 clocks 15.6 times a second.
    expect(displayLoad(ssd1306, 400_000).share).toBeCloseTo(0.0149, 4);
    const perStep = new Map<number, number>();
    for (const { atMs, bytes } of sent) perStep.set(atMs, (perStep.get(atMs) ?? 0) + 9 * (1 + bytes) + 2);
    expect(Math.max(...perStep.values()) / 400).toBeLessThan(1);
    expect(busLoads(new Map(), [], undefined).size).toBe(0);
  });

  it("writes next to nothing while nothing changes", () => {
    const { sent, run } = rig();
    run(3000);
    sent.length = 0;
    run(10_000);
    expect(sent.length).toBeLessThanOrEqual(22);
  });

  it("is absent when it is pulled, and shows the newest picture when it is back", () => {
    const { display, twin, pull, plug, run } = rig();
    run(5000);
    pull();
    run(3000);
    expect(display.state).toBe("absent");
    expect(display.verified).toBe("none");
    expect(display.counters["noAck"]).toBeGreaterThan(0);
    display.show(["FAULT", "SHOCK ABSENT"]);
    plug();
    run(25_000);
    expect(display.state).toBe("running");
    expect(twin.lit).toBe(true);
    expect(twin.lines().slice(0, 2)).toEqual(["FAULT", "SHOCK ABSENT"]);
  });

  it("is whole again within a minute after it browned out unseen; until then it is dark", () => {
    const { display, twin, run } = rig();
    display.show(["OK", "DEPTH  0.20"]);
    run(5000);
    twin.brownOut();
    run(5000);
    expect(twin.lit).toBe(false);
    run(60_000);
    expect(twin.lit).toBe(true);
    expect(twin.lines().slice(0, 2)).toEqual(["OK", "DEPTH  0.20"]);
  });

  it("is parked at its first time-out, because its neighbours wait for it", () => {
    const { display, inner, sent, run } = rig();
    run(5000);
    inner.faults.inject(0x3c, "timeout");
    sent.length = 0;
    run(30_000);
    expect(display.state).toBe("failed");
    expect(sent.length).toBeLessThanOrEqual(6);
    inner.faults.lift(0x3c);
    run(60_000);
    expect(display.state).toBe("running");
  });

  it("is dark when the sampler has stopped, so that no old picture stays", () => {
    const { display, twin, run } = rig();
    run(5000);
    display.off();
    expect(twin.lit).toBe(false);
  });
});
