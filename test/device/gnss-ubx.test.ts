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
    const { fields } = golden.navPvt;
    send(hex(golden.navPvt.frame));
    for (let i = 1; i < 3; i++) send(encodeUbx(0x01, 0x07, encodeNavPvt({ ...fields, iTow: fields.iTow + 200 * i })));
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
    for (let i = 0; i < 3; i++) send(encodeUbx(0x01, 0x07, encodeNavPvt({ ...golden.navPvt.fields, iTow: i })));
    expect(source.counters).toMatchObject({ setupNaks: 1, setupFailures: 1 });
    expect(source.state).toBe("running");
    expect(source.verified).toBe("none");
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
    send(encodeUbx(1, 7, encodeNavPvt({ ...golden.navPvt.fields, iTow: 1000, flags: 0 })));
    expect(scans[0]!.q).toMatchObject({ lat: QUALITY.missing | QUALITY.fault, speed: QUALITY.missing, satellites: 0 });
    send(encodeUbx(1, 7, encodeNavPvt({ ...golden.navPvt.fields, iTow: 1200, flags: 0x83, flags3: 9 << 1 })));
    expect(scans[1]!.q).toMatchObject({ lat: QUALITY.stale, lon: QUALITY.stale, speed: 0 });
  });

  it("tells no time until three epochs agree", () => {
    const { send, told, clock } = serialRig(gnssUbx);
    const at = { ...golden.navPvt.fields, year: 2026 };
    for (let i = 0; i < 4; i++) {
      send(encodeUbx(1, 7, encodeNavPvt({ ...at, iTow: 1000 * i, second: 15 + i })));
      expect(told).toHaveLength(Math.max(0, i - 1));
      clock.advance(1000);
    }
  });
});

describe("a receiver that hangs and repeats its last message", () => {
  it("gives no more samples and is silent, though bytes come: the counter of its epochs stands still", () => {
    const { send, run, scans, source } = serialRig(gnssUbx, { dateFloor: "2014-01-01" });
    const { fields } = golden.navPvt;
    const say = (iTow: number) => send(encodeUbx(0x01, 0x07, encodeNavPvt({ ...fields, iTow })));
    for (let i = 0; i < 5; i++) {
      say(1000 + 200 * i);
      run(200);
    }
    expect(source.state).toBe("running");
    const before = scans.length;
    for (let i = 0; i < 30; i++) {
      say(1800);
      run(200);
    }
    expect(scans).toHaveLength(before);
    expect(source.state).toBe("degraded");
    expect(source.counters["repeated"]).toBe(30);
  });
});

describe("two antennas on one machine", () => {
  const { fields } = golden.navPvt;
  interface Own {
    iTow?: number;
    cm?: number;
    heading?: number;
    flags?: number;
    version?: number;
  }
  const pvt = (iTow: number) => encodeUbx(0x01, 0x07, encodeNavPvt({ ...fields, iTow }));

  /** A NAV-RELPOSNED by the byte offsets of the interface description, worked by hand. */
  function relPos(iTow: number, own: Own = {}) {
    const payload = new Uint8Array(64);
    const view = new DataView(payload.buffer);
    payload[0] = own.version ?? 1;
    view.setUint32(4, iTow, true);
    view.setInt32(20, own.cm ?? 123, true);
    view.setInt8(35, 45); // 45 tenths of a millimetre more: 1.2345 m
    view.setInt32(24, Math.round((own.heading ?? 300.12345) * 1e5), true);
    view.setUint32(52, 21_000, true);
    view.setUint32(60, own.flags ?? 0b1_0001_0111, true); // fix, differential, position valid, carrier 2, heading valid
    return encodeUbx(0x01, 0x3c, payload);
  }
  const pair = { dateFloor: "2014-01-01", dualAntenna: { baselineM: 1.25, offsetDeg: 90 } };

  it("give the heading of the machine, its accuracy and the baseline in the same scan as the fix, in either order", () => {
    for (const order of [0, 1]) {
      const { send, scans } = serialRig(gnssUbx, pair);
      const both = [pvt(1000), relPos(1000)];
      for (const frame of order === 0 ? both : both.reverse()) send(frame);
      expect(scans).toHaveLength(1);
      expect(scans[0]!.x).toMatchObject({ lat: 53.4506691, headingAcc: 0.21, baseline: 1.2345 });
      expect(scans[0]!.x["headingTrue"]).toBeCloseTo(30.12345, 9);
    }
  });

  it("do not hold a fix back when the message about them does not come", () => {
    const { send, run, scans, source } = serialRig(gnssUbx, pair);
    send(pvt(1000));
    run(400);
    expect(scans).toHaveLength(1);
    expect(scans[0]!.x).toMatchObject({ lat: 53.4506691 });
    expect(scans[0]!.x["headingTrue"]).toBeNaN();
    expect(source.counters["noHeading"]).toBe(1);
  });

  it.each<[string, Own, string]>([
    ["belongs to another epoch", { iTow: 800 }, "noHeading"],
    ["has a float solution only", { flags: 0b1_0000_1111 }, "noHeading"],
    ["is not valid", { flags: 0b0_0001_0111 }, "noHeading"],
    ["has another version", { version: 0 }, "noHeading"],
    ["was fixed over a baseline that is not theirs", { cm: 140 }, "wrongBaseline"],
  ])("give no heading when the message %s", (_, own: Own, counter) => {
    const { send, run, scans, source } = serialRig(gnssUbx, pair);
    send(relPos(own.iTow ?? 1000, own));
    send(pvt(1000));
    run(400);
    expect(scans).toHaveLength(1);
    expect(scans[0]!.x["headingTrue"]).toBeNaN();
    expect(source.counters[counter]).toBe(1);
  });

  it("are simulated by the twin through the same message", () => {
    let hears: (bytes: Uint8Array) => void = () => undefined;
    const rig = serialRig(gnssUbx, { ...pair, setup: true }, (link) => link.onWrite((bytes) => hears(bytes)));
    const scene: Record<string, number> = { lat: 13, lon: 103, fixQuality: 4, headingTrue: 271.5, baseline: 1.25 };
    const twin = ubxTwin(
      { startMs: 1000, value: (key, t) => (key === "utc" ? UTC + t : scene[key]), send: (b) => rig.send(b) },
      { epochMs: 200, pair: { baselineM: 1.25, offsetDeg: 90, toleranceM: 0.1 } },
    );
    hears = (bytes) => twin.hears?.(bytes);
    rig.link.pull();
    rig.link.plug();
    rig.run(3000, twin);
    expect(rig.scans.at(-1)!.x).toMatchObject({ headingTrue: 271.5, baseline: 1.25, lat: 13 });
    expect(rig.source.verified).toBe("readback");
  });
});
