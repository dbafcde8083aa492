import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { gnssUbx } from "../../devices/gnss-ubx.ts";
import { encodeUbx } from "../../src/codec/ubx-framer.ts";
import { encodeNavPvt, type NavPvt } from "../../src/codec/ubx-nav-pvt.ts";
import { ubxTwin } from "../../src/device/ubx-twin.ts";
import { QUALITY } from "../../src/model/quality.ts";
import { hex } from "../codec/ubx-run.ts";
import { serialRig } from "./serial-rig.ts";

interface Golden {
  navPvt: { frame: string; fields: NavPvt };
  written: Record<string, string>;
  ack: string;
  nak: string;
}
const golden = JSON.parse(readFileSync(resolve(import.meta.dirname, "../golden/gnss-ubx.json"), "utf8")) as Golden;
const UTC = Date.UTC(2026, 10, 25, 4);

/** A receiver beside the source, answering or not. */
function setUp(deaf = false) {
  let hears: (bytes: Uint8Array) => void = () => undefined;
  const rig = serialRig(gnssUbx, { setup: true }, (link) => {
    if (!deaf) link.onWrite((bytes) => hears(bytes));
  });
  const scene: Record<string, number> = { lat: 13.35, lon: 103.3, alt: 14, fixQuality: 4, satellites: 19, speed: 0.14 };
  const twin = ubxTwin(
    {
      startMs: 1000,
      value: (key, tMs) => (key === "utc" ? UTC + tMs : scene[key]),
      send: (bytes) => rig.send(bytes),
    },
    { epochMs: 200 },
  );
  hears = (bytes) => twin.hears?.(bytes);
  if (!deaf) {
    rig.link.pull();
    rig.link.plug();
  }
  return { ...rig, twin, scene };
}

const frames = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const text = (hexText: string) => hexText.replaceAll(" ", "");

describe("a u-blox receiver", () => {
  it("only listens unless it is told to set up", () => {
    const { send, link, scans, source } = serialRig(gnssUbx, { dateFloor: "2014-01-01" });
    for (let i = 0; i < 3; i++) send(hex(golden.navPvt.frame));
    expect(link.written()).toHaveLength(0);
    expect(scans[0]!.x).toMatchObject({
      lat: 53.4506691,
      lon: -2.2402964,
      hAcc: 6.298,
      vAcc: 8.101,
      headAcc: 39.05453,
    });
    expect(source.state).toBe("running");
    expect(source.verified).toBe("sentences");
  });

  it("is asked for its version and sent the frames of the sheet, each only after the one before is acknowledged", () => {
    const { send, link, run } = serialRig(gnssUbx, { setup: true });
    expect(frames(link.written())).toBe(text(golden.written["version"]!));
    send(encodeUbx(0x0a, 0x04, new Uint8Array(100)));
    let sent = text(golden.written["version"]!);
    for (const name of ["rate5Hz", "navPvtOn", "nmeaOff"]) {
      sent += text(golden.written[name]!);
      run(20);
      expect(frames(link.written()), name).toBe(sent);
      send(hex(golden.ack));
    }
    expect(frames(link.written()).slice(sent.length)).toMatch(/^b562068b20000000000001002130020021302100112/);
  });

  it("counts as read back once every setting has been, and is looked at again", () => {
    const { run, twin, source, told, scans } = setUp();
    run(3000, twin);
    expect(source.verified).toBe("readback");
    expect(source.counters).toMatchObject({ setups: 1, setupTimeouts: 0, setupNaks: 0, readback: 0 });
    expect(scans.at(-1)!.x).toMatchObject({ lat: 13.35, lon: 103.3, fixQuality: 4, satellites: 19, fixMode: 3 });
    expect(scans.length).toBeGreaterThan(10);
    expect(told.length).toBeGreaterThan(5);
    expect(told.at(-1)!.utcMs - UTC).toBeGreaterThan(2000);
    twin.powerCycle();
    run(12_000, twin);
    expect(source.counters).toMatchObject({ lostSettings: 1, setups: 2, setupNaks: 0 });
  });

  it("that refuses a setting is heard all the same, counted, and asked again later", () => {
    const { send, link, run, source } = serialRig(gnssUbx, { setup: true, dateFloor: "2014-01-01" });
    send(encodeUbx(0x0a, 0x04, new Uint8Array(100)));
    send(hex(golden.nak));
    for (let i = 0; i < 3; i++) send(hex(golden.navPvt.frame));
    expect(source.counters).toMatchObject({ setupNaks: 1, setupFailures: 1 });
    expect(source.state).toBe("running");
    expect(source.verified).toBeUndefined();
    const before = link.written().length;
    run(31_000, undefined, 250);
    expect(link.written().length).toBeGreaterThan(before);
  });

  it("that does not answer is asked three times, then left alone for half a minute", () => {
    const { run, twin, source, link } = setUp(true);
    run(20_000, twin);
    expect(source.counters).toMatchObject({ setupTimeouts: 3, setupFailures: 1, setups: 0 });
    expect(frames(link.written())).toBe(text(golden.written["version"]!).repeat(3));
    expect(source.state).toBe("running");
  });

  it("without a fix says so on position alone, and marks a fixed solution with old corrections stale", () => {
    const { send, scans } = serialRig(gnssUbx);
    send(encodeUbx(1, 7, encodeNavPvt({ ...golden.navPvt.fields, flags: 0 })));
    expect(scans[0]!.q).toMatchObject({ lat: QUALITY.missing | QUALITY.fault, speed: QUALITY.missing, satellites: 0 });
    send(encodeUbx(1, 7, encodeNavPvt({ ...golden.navPvt.fields, flags: 0x83, flags3: 9 << 1 })));
    expect(scans[1]!.q).toMatchObject({ lat: QUALITY.stale, lon: QUALITY.stale, speed: 0 });
  });

  it("tells no time until three epochs agree", () => {
    const { send, told, clock } = serialRig(gnssUbx);
    const at = { ...golden.navPvt.fields, year: 2026 };
    for (let i = 0; i < 4; i++) {
      send(encodeUbx(1, 7, encodeNavPvt({ ...at, second: 15 + i })));
      expect(told).toHaveLength(Math.max(0, i - 1));
      clock.advance(1000);
    }
  });
});
