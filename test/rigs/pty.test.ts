import { closeSync, openSync, readlinkSync, writeSync } from "node:fs";
import { expect, it } from "vitest";
import { openPty } from "./pty.ts";

it("the pty rig carries bytes back, loses its name when pulled and gets a new tty when plugged in", async () => {
  const rig = await openPty();
  try {
    const fd = openSync(rig.path, "r+");
    writeSync(fd, "hello");
    await expect.poll(() => rig.received().toString()).toBe("hello");
    await rig.pull();
    expect(() => openSync(rig.path, "r+")).toThrow(/ENOENT/);
    expect(() => writeSync(fd, "x")).toThrow(/EIO/);
    closeSync(fd);
    await rig.plug();
    expect(readlinkSync(rig.path)).toBe(rig.tty);
    const before = rig.tty;
    await rig.move();
    expect(rig.tty).not.toBe(before);
    expect(readlinkSync(rig.path)).toBe(rig.tty);
  } finally {
    await rig.stop();
  }
});
