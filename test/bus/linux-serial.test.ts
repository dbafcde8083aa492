import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/bus/clock.ts";
import { openLinuxSerial } from "../../src/bus/linux-serial.ts";
import type { SerialLink } from "../../src/bus/serial.ts";
import { openPty } from "../rigs/pty.ts";
import { hear, serialPort } from "./serial-port.ts";

function linkTo(path: string, more: Partial<Parameters<typeof openLinuxSerial>[0]> = {}): SerialLink {
  return openLinuxSerial({
    name: "gnss",
    path,
    baud: 115_200,
    silenceS: Number.POSITIVE_INFINITY,
    clock: systemClock,
    ...more,
  });
}

serialPort("serialport's binding and a tty stream on a real pty", async () => {
  const pty = await openPty();
  return {
    link: linkTo(pty.path),
    feed: pty.write,
    received: pty.received,
    pull: pty.pull,
    plug: pty.plug,
    stop: pty.stop,
  };
});

describe("a serial link on a real tty", () => {
  const undo: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });

  async function pty() {
    const rig = await openPty();
    undo.push(rig.stop);
    return rig;
  }

  function start(path: string, more: Parameters<typeof linkTo>[1] = {}) {
    const link = linkTo(path, more);
    const heard = hear();
    link.start(heard.listener);
    undo.push(() => link.close());
    return { link, heard };
  }

  it("sets the line speed and passes raw bytes", async () => {
    const rig = await pty();
    const { link } = start(rig.path, { baud: 38_400 });
    await expect.poll(() => link.isOpen).toBe(true);
    expect(await rig.baud()).toBe(38_400);
  });

  it("drops what lay in the tty before it was opened, since its time is unknown", async () => {
    const rig = await pty();
    rig.write("old");
    await rig.baud(); // answered after the bytes went in
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { heard } = start(rig.path);
    await expect.poll(() => heard.log).toEqual(["opened"]);
    rig.write("new");
    await expect.poll(() => heard.all().toString()).toBe("new");
  });

  it("follows its name to another tty when the one before falls silent, and counts the silence", async () => {
    const rig = await pty();
    const { link, heard } = start(rig.path, { silenceS: 0.4 });
    await expect.poll(() => link.isOpen).toBe(true);
    rig.write("one");
    await expect.poll(() => heard.all().toString()).toBe("one");
    await rig.move();
    await expect.poll(() => link.counters.opens, { timeout: 3000 }).toBe(2);
    rig.write("two");
    await expect.poll(() => heard.all().toString()).toBe("onetwo");
    expect(link.counters.silences).toBe(1);
    expect(heard.log).toEqual(["opened", "closed", "opened"]);
    expect(heard.errors[0]).toMatchObject({ code: "bus/timeout" });
  });

  it("lets bytes gather between two reads for a listener that says so, and loses none", async () => {
    const rig = await pty();
    const heard = hear();
    const link = linkTo(rig.path);
    undo.push(() => link.close());
    link.start({ ...heard.listener, gatherMs: 100 });
    await expect.poll(() => link.isOpen).toBe(true);
    const text = Array.from({ length: 40 }, (_, i) => `${i}\n`);
    for (const line of text) {
      rig.write(line);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await expect.poll(() => heard.all().toString()).toBe(text.join(""));
    expect(heard.chunks.length).toBeGreaterThan(1);
    for (const [i, { monoMs }] of heard.chunks.entries()) {
      if (i > 0) expect(monoMs - heard.chunks[i - 1]!.monoMs).toBeGreaterThan(98);
    }
  });

  it("notices a pulled cable while bytes gather", async () => {
    const rig = await pty();
    const heard = hear();
    const link = linkTo(rig.path);
    undo.push(() => link.close());
    link.start({ ...heard.listener, gatherMs: 100 });
    await expect.poll(() => link.isOpen).toBe(true);
    rig.write("one");
    await expect.poll(() => heard.all().toString()).toBe("one");
    await rig.pull();
    await expect.poll(() => heard.log).toEqual(["opened", "closed"]);
    await rig.plug();
    await expect.poll(() => link.counters.opens, { timeout: 3000 }).toBe(2);
    rig.write("two");
    await expect.poll(() => heard.all().toString()).toBe("onetwo");
  });

  it("leaves a port alone that keeps talking, however short the silence allowed", async () => {
    const rig = await pty();
    const { link, heard } = start(rig.path, { silenceS: 0.4 });
    await expect.poll(() => link.isOpen).toBe(true);
    const endMs = performance.now() + 1200;
    for (let n = 1; performance.now() < endMs; n++) {
      rig.write("x");
      await expect.poll(() => heard.all().length).toBe(n);
    }
    expect(link.counters).toMatchObject({ opens: 1, silences: 0 });
    expect(heard.log).toEqual(["opened"]);
  });

  it("waits for a port that is not there yet, and says once why it is down", async () => {
    const rig = await pty();
    await rig.pull();
    const { link, heard } = start(rig.path);
    await expect.poll(() => link.counters.failedOpens, { timeout: 8000 }).toBe(4);
    expect(heard.log).toEqual(["closed"]);
    expect(heard.errors[0]).toMatchObject({ code: "bus/absent" });
    const before = performance.now();
    await rig.plug();
    await expect.poll(() => link.isOpen, { interval: 5 }).toBe(true);
    expect(performance.now() - before).toBeLessThan(1200); // not the back-off, which is 2 s by now
  });

  it("takes the end of the stream, which a USB adapter gives when it is unplugged, for a pulled cable", async () => {
    const rig = await pty();
    const { link, heard } = start(rig.path);
    await expect.poll(() => link.isOpen).toBe(true);
    execFileSync("stty", ["-F", rig.tty, "icanon"]); // in this mode a tty can be told to end the stream
    rig.write("\u0004");
    await expect.poll(() => link.counters.opens, { timeout: 3000 }).toBe(2);
    expect(heard.errors).toMatchObject([{ code: "bus/closed" }]);
    rig.write("raw again");
    await expect.poll(() => heard.all().toString()).toBe("raw again");
  });

  it("is busy while another program holds the lock, and opens when that lets go", async () => {
    const rig = await pty();
    const other = await SerialPort.binding.open({ path: rig.path, baudRate: 9600 });
    const { link, heard } = start(rig.path);
    await expect.poll(() => heard.errors[0]?.code).toBe("bus/busy");
    await other.close();
    await expect.poll(() => link.isOpen, { timeout: 5000 }).toBe(true);
    await expect(SerialPort.binding.open({ path: rig.path, baudRate: 9600 })).rejects.toThrow(/lock/);
  });

  it("keeps trying a port that it may not open, and opens it when it may", async () => {
    const rig = await pty();
    chmodSync(rig.tty, 0);
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65534);
    const { link, heard } = start(rig.path);
    try {
      await expect.poll(() => link.counters.failedOpens, { timeout: 5000 }).toBeGreaterThanOrEqual(2);
    } finally {
      if (root) process.seteuid?.(0);
    }
    expect(heard.log).toEqual(["closed"]);
    expect(heard.errors[0]).toMatchObject({ code: "bus/denied", retry: "later" });
    chmodSync(rig.tty, 0o600);
    await expect.poll(() => link.isOpen, { timeout: 5000 }).toBe(true);
  });

  it("says that a file is not a serial port", async () => {
    const dir = mkdtempSync(join(tmpdir(), "swath-tty-"));
    undo.push(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, "port"), "not a tty");
    const { heard } = start(join(dir, "port"));
    await expect.poll(() => heard.errors[0]?.code).toBe("bus/unsupported");
  });

  it("says that the addon is not installed, once, and does not try again", async () => {
    const rig = await pty();
    let asked = 0;
    const { link, heard } = start(rig.path, {
      addon: () => {
        asked += 1;
        return Promise.reject(new Error("Cannot find package 'serialport'"));
      },
    });
    await expect.poll(() => heard.errors[0]).toMatchObject({ code: "bus/addon", retry: "never" });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(asked).toBe(1);
    expect(link.isOpen).toBe(false);
  });

  it("keeps no descriptor of a port that was pulled", async () => {
    const rig = await pty();
    const { link } = start(rig.path);
    await expect.poll(() => link.isOpen).toBe(true);
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    for (let i = 0; i < 5; i++) {
      await rig.pull();
      await expect.poll(() => link.isOpen, { interval: 5 }).toBe(false);
      await rig.plug();
      await expect.poll(() => link.isOpen, { interval: 5, timeout: 3000 }).toBe(true);
    }
    await expect.poll(open).toBeLessThanOrEqual(before);
    expect(link.counters).toMatchObject({ opens: 6, closes: 5 });
  });
});
