// Runs inside the guest, compiled: the genuine i2c-bus addon on the i2c-stub of a real kernel.
import { catalogue } from "../../../devices/index.ts";
import { systemClock } from "../../../src/bus/clock.ts";
import { openLinuxI2c } from "../../../src/bus/linux-i2c.ts";
import { scanI2c } from "../../../src/cli/scan-i2c.ts";
import type { I2cDevice } from "../../../src/device/define.ts";
import { createI2cSource } from "../../../src/device/i2c-source.ts";

/** Parts whose registers i2c-stub can hold: words behind a pointer, or bytes, with nothing that counts on when read. */
const PLACES = [
  { part: "mcp23017", address: 0x20, keys: ["gpa0"] },
  { part: "ds3231", address: 0x68, keys: ["utc", "temperature"] },
] as const;

const bus = await openLinuxI2c({ name: "i2c-stub", device: Number(process.argv[2]), clock: systemClock });
const put = (address: number, register: number, bytes: readonly number[]) => {
  for (const [i, byte] of bytes.entries()) bus.writeRegister(address, register + i, Uint8Array.of(byte), 1);
};
// 2026-11-25 07:08:09 UTC, and 25.25 °C.
put(0x68, 0x00, [0x09, 0x08, 0x07, 0x04, 0x25, 0x11, 0x26]);
put(0x68, 0x0f, [0x00]);
put(0x68, 0x11, [0x19, 0x40]);
put(0x20, 0x12, [0x01, 0x00]);

const told: Record<string, unknown> = {};
const sources = PLACES.map(({ part, address }) => {
  const seen: Record<string, number> = {};
  const source = createI2cSource({
    device: catalogue[part] as I2cDevice,
    name: part,
    options: part === "ds3231" ? { everyMs: 1000 } : {},
    bus,
    address,
    clock: systemClock,
    sink: {
      block(channel, block) {
        seen[source.channels[channel]!.key] = block.x[block.n - 1]!;
      },
      scan: () => undefined,
      state: () => undefined,
    },
  });
  return { source, seen };
});
// An address without a chip is what a pulled part is.
const absent = createI2cSource({
  device: catalogue["tmp117"] as I2cDevice,
  name: "absent",
  options: {},
  bus,
  address: 0x49,
  clock: systemClock,
  sink: { block: () => undefined, scan: () => undefined, state: () => undefined },
});
const all = [...sources.map((s) => s.source), absent];
const endMs = systemClock.monoMs() + 20_000;
const settled = () => sources.every(({ source }) => source.state === "running") && absent.state !== "starting";
while (systemClock.monoMs() < endMs && !settled()) {
  for (const source of all) if (source.dueMs <= systemClock.monoMs()) source.step(systemClock.monoMs());
  await new Promise((done) => setTimeout(done, 2));
}
for (const { source, seen } of sources)
  told[source.name] = { state: source.state, verified: source.verified, seen, readback: source.counters["readback"] };
told["absent"] = { state: absent.state };
told["scan"] = scanI2c(bus, catalogue).answers.map((a) => a.address);
bus.close();
process.stdout.write(`${JSON.stringify(told)}\n`);
