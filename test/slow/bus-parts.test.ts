import { expect, it } from "vitest";
import { systemClock } from "../../src/bus/clock.ts";
import { createMemoryI2c } from "../../src/bus/memory-i2c.ts";
import { createTwin } from "../../src/device/twin.ts";
import { lacking, runOnI2cUser } from "../rigs/i2c-user/child-run.ts";
import { placedParts } from "../rigs/i2c-user/parts.ts";

it("every part of the catalogue works through the genuine i2c-bus addon, with its twin in another process", async () => {
  const lack = lacking();
  if (lack !== "") {
    console.log(`the parts were not tried on the genuine addon: ${lack}`);
    return;
  }
  const bus = createMemoryI2c({ name: "hardware" });
  for (const { device, address, options, value } of placedParts()) {
    bus.attach(address, createTwin({ device, address, options, clock: systemClock, value }));
  }
  const run = await runOnI2cUser("test/bus/linux-parts.addon.ts", bus);
  expect(run.failed).toEqual([]);
  expect(run.passed).toBe(1);
});
