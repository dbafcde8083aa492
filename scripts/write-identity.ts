import { parseArgs } from "node:util";
import { COPIES_AT, IDENTITY_BYTES, identityBytes, isIdentity, sequenceOf } from "../devices/at24c32.ts";
import { systemClock } from "../src/bus/clock.ts";
import { openLinuxI2c } from "../src/bus/linux-i2c.ts";
import { readMemory, writeMemory } from "../src/device/identity-memory.ts";

/**
 * Writes serial number and calibration into an AT24C32, one copy after the other, each read back: a cut in between leaves one whole.
 * `node dist/scripts/write-identity.js --bus 1 --address 0x57 --serial 1234 --revision 2 [--gain 1.0025 --offset -0.25]`
 */
const { values } = parseArgs({
  options: {
    bus: { type: "string" },
    address: { type: "string", default: "0x57" },
    serial: { type: "string" },
    revision: { type: "string", default: "0" },
    gain: { type: "string", default: "1" },
    offset: { type: "string", default: "0" },
  },
});

function number(name: keyof typeof values, low: number, high: number): number {
  const x = Number(values[name] ?? Number.NaN);
  if (!(x >= low && x <= high))
    throw new RangeError(`--${name} ${values[name]}: expected a number from ${low} to ${high}`);
  return x;
}

const address = number("address", 0x50, 0x57);
const bus = await openLinuxI2c({ name: `i2c-${values.bus}`, device: number("bus", 0, 255), clock: systemClock });
const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
const old = COPIES_AT.map((at) => readMemory(bus, address, at, IDENTITY_BYTES)).filter(isIdentity);
const bytes = identityBytes({
  sequence: (Math.max(0, ...old.map(sequenceOf)) + 1) % 65_536,
  serial: number("serial", 0, 4_294_967_295),
  revision: number("revision", 0, 255),
  calibrated: Math.round(Date.now() / 1000),
  gain: number("gain", -2147, 2147),
  offset: number("offset", -2147, 2147),
});
for (const at of COPIES_AT) await writeMemory(bus, address, at, bytes, wait);
bus.close();
process.stdout.write(`written to both copies and read back: ${Buffer.from(bytes).toString("hex")}\n`);
