import { describe, expect, it } from "vitest";
import { adxl375 } from "../../devices/adxl375.ts";
import { ds3231 } from "../../devices/ds3231.ts";
import { catalogue } from "../../devices/index.ts";
import { ssd1306 } from "../../devices/ssd1306.ts";
import { tmp117 } from "../../devices/tmp117.ts";
import { systemClock } from "../../src/bus/clock.ts";
import type { I2cBus } from "../../src/bus/i2c.ts";
import { createMemoryI2c } from "../../src/bus/memory-i2c.ts";
import { scan } from "../../src/cli/scan.ts";
import { scanI2c } from "../../src/cli/scan-i2c.ts";
import { guess, scanPort } from "../../src/cli/scan-serial.ts";
import { encodeUbx } from "../../src/codec/ubx-framer.ts";
import { encodeNavPvt } from "../../src/codec/ubx-nav-pvt.ts";
import { createDisplayTwin } from "../../src/device/display-twin.ts";
import { createTwin } from "../../src/device/twin.ts";
import { openPty } from "../rigs/pty.ts";

const NMEA = [
  "$GPGGA,120000.00,1321.00,N,10318.00,E,1,08,1.0,14.0,M,-10.0,M,,",
  "$GPRMC,120000.00,A,1321.00,N,10318.00,E,0.1,90.0,251126,,,A",
];
const checked = (body: string) => {
  let sum = 0;
  for (const ch of body.slice(1)) sum ^= ch.charCodeAt(0);
  return `${body}*${sum.toString(16).toUpperCase().padStart(2, "0")}\r\n`;
};
const sentences = Array.from({ length: 6 }, (_, s) =>
  NMEA.map((b) => checked(b.replace("120000", `12000${s}`))).join(""),
).join("");
const pvts = Buffer.concat(
  Array.from({ length: 4 }, (_, i) => encodeUbx(0x01, 0x07, encodeNavPvt({ iTow: i * 200, fixType: 3, flags: 1 }))),
);
const a02 = Buffer.from(Array.from({ length: 10 }, () => [0xff, 0x07, 0xa1, 0xa7]).flat());

describe("a scan of an I2C bus", () => {
  const twin = (device: typeof adxl375, options: unknown = {}) =>
    createTwin({ device, options, clock: systemClock, value: () => 0 });

  it("knows parts by their identity, names those without one as what they may be, and a stranger as a stranger", () => {
    const bus = createMemoryI2c({ name: "i2c-1" });
    bus.attach(0x1d, twin(adxl375));
    bus.attach(0x68, twin(ds3231));
    const other = twin(tmp117);
    other.disguise();
    bus.attach(0x49, other);
    bus.attach(0x0c, { read: () => undefined, write: () => undefined });
    const { answers } = scanI2c(bus, catalogue);
    expect(answers).toEqual([
      { address: 0x0c, kind: "answers", parts: [] },
      { address: 0x1d, kind: "part", parts: ["adxl375"] },
      { address: 0x49, kind: "answers", parts: expect.arrayContaining(["tmp102"]) },
      { address: 0x68, kind: "answers", parts: ["ds1338", "ds3231"] },
    ]);
    expect(answers[2]!.parts).not.toContain("tmp117");
  });

  it("names a display as what an address may be, because nothing can be read from it", () => {
    const bus = createMemoryI2c({ name: "i2c-1" });
    bus.attach(0x3c, createDisplayTwin(ssd1306, "128x64"));
    const [answer] = scanI2c(bus, catalogue).answers;
    expect(answer).toMatchObject({ address: 0x3c, kind: "answers" });
    expect(answer!.parts).toContain("ssd1306");
  });

  it("writes nothing to anything, and asks a part without identity for no register", () => {
    const inner = createMemoryI2c({ name: "i2c-1" });
    for (let address = 0x08; address <= 0x77; address++)
      inner.attach(address, { read: () => undefined, write: () => undefined });
    const asked = new Set<number>();
    const bus: I2cBus = {
      ...inner,
      readRegister(address, register, into, length) {
        asked.add(address);
        inner.readRegister(address, register, into, length);
      },
      writeRegister() {
        throw new Error("a scan wrote");
      },
    };
    expect(scanI2c(bus, catalogue).answers).toHaveLength(0x70);
    // Expanders take any byte, also a register's number, for their outputs.
    for (const expander of [0x20, 0x27, 0x38, 0x3f, 0x68]) expect(asked.has(expander)).toBe(false);
  });

  it("leaves to the kernel what it has, and gives a bus up whose wires hang", () => {
    const bus = createMemoryI2c({ name: "i2c-1" });
    bus.attach(0x68, twin(ds3231));
    bus.faults.inject(0x68, "busy");
    expect(scanI2c(bus, catalogue).answers).toEqual([{ address: 0x68, kind: "kernel", parts: [] }]);
    for (const address of [0x30, 0x31, 0x32]) {
      bus.attach(address, twin(ds3231));
      bus.faults.inject(address, "timeout");
    }
    expect(scanI2c(bus, catalogue).givenUp).toContain("0x31");
  });
});

describe("a guess from the first bytes", () => {
  it.each([
    ["gnss-nmea", Buffer.from(sentences)],
    ["gnss-ubx", pvts],
    ["a02yyuw", a02],
    ["maxbotix-hrxl", Buffer.from("R1234\rR1235\rR1236\rR1237\r")],
  ])("is %s for what it sends, also from the middle of a message", (part, bytes) => {
    expect(guess(bytes, catalogue)[0]?.part).toBe(part);
    expect(guess(bytes.subarray(3), catalogue)[0]?.part).toBe(part);
  });

  it("is nothing for noise", () => {
    let seed = 7;
    const noise = Uint8Array.from({ length: 4000 }, () => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return seed >> 16;
    });
    expect(guess(noise, catalogue)).toEqual([]);
    expect(guess(new Uint8Array(0), catalogue)).toEqual([]);
  });
});

describe("a scan of a serial port", () => {
  it("listens at each speed in turn until it knows what speaks, and sends nothing", async () => {
    const pty = await openPty();
    const timer = setInterval(
      () => void pty.baud().then((baud) => pty.write(baud === 9600 ? a02 : Buffer.from([0x80, 0xfe]))),
      50,
    );
    try {
      const options = { catalogue, bauds: [38_400, 9600, 115_200], listenMs: 1500, clock: systemClock };
      const found = await scanPort(pty.path, options);
      expect(found.heard.map((h) => h.baud)).toEqual([38_400, 9600]);
      expect(found.heard[1]!.parts[0]!.part).toBe("a02yyuw");
      expect(pty.received()).toHaveLength(0);
    } finally {
      clearInterval(timer);
      await pty.stop();
    }
  });

  it("says of a port that is not there that it is not, and of wrong words how to use it", async () => {
    const text: string[] = [];
    const out = { write: (t: string) => text.push(t) };
    expect(await scan(["--port", "/dev/not-there"], out)).toBe(1);
    expect(text.join("")).toMatch(/\/dev\/not-there/);
    expect(await scan(["--frob"], out)).toBe(64);
    expect(await scan(["--baud", "fast"], out)).toBe(64);
    expect(text.at(-1)).toContain("usage: swath scan");
  });
});
