import { describe, expect, it } from "vitest";
import { gnssNmea } from "../../devices/gnss-nmea.ts";
import type { SerialLink, SerialListener } from "../../src/bus/serial.ts";
import { encodeNmea } from "../../src/codec/nmea-encode.ts";
import { createNmeaSource } from "../../src/device/nmea-source.ts";
import { type ErrorCode, SwathError } from "../../src/model/errors.ts";
import { QUALITY } from "../../src/model/quality.ts";

const DAY = Date.UTC(2026, 2, 24);
const START_MS = 5000;

/** A receiver on a link that the test opens and closes, with a clock that the test moves. */
function rig(options: unknown = {}) {
  let now = START_MS;
  let listener: SerialListener | undefined;
  let isOpen = false;
  const link: SerialLink = {
    name: "gnss",
    get isOpen() {
      return isOpen;
    },
    counters: { opens: 0, closes: 0, failedOpens: 0, bytes: 0, silences: 0 },
    start: (l) => {
      listener = l;
    },
    write: () => false,
    close: () => Promise.resolve(),
  };
  const states: string[] = [];
  const scans: { t: number; x: Record<string, number>; q: Record<string, number> }[] = [];
  const told: { utcMs: number; monoMs: number; uncMs: number }[] = [];
  let scan: (typeof scans)[number] = { t: 0, x: {}, q: {} };
  const source = createNmeaSource({
    device: gnssNmea,
    name: "gnss",
    options,
    link,
    clock: { monoMs: () => now },
    sink: {
      block: (channel, b) => {
        const { key } = source.channels[channel]!;
        expect(b.n).toBe(1);
        scan.t = b.t[0]!;
        scan.x[key] = b.x[0]!;
        scan.q[key] = b.q[0]!;
      },
      scan: (t) => {
        expect(t).toBe(scan.t);
        scans.push(scan);
        scan = { t: 0, x: {}, q: {} };
      },
      state: (to, from, reason) => states.push(`${from} → ${to}: ${reason}`),
    },
    time: { utc: (utcMs, monoMs, uncMs) => told.push({ utcMs, monoMs, uncMs }) },
  });
  const send = (text: string): void => listener!.bytes(Buffer.from(text, "latin1"), now);
  const open = (): void => {
    isOpen = true;
    listener!.opened();
  };
  const close = (code: ErrorCode): void => {
    isOpen = false;
    listener!.closed(new SwathError(code, "gnss: down"));
  };
  /** Moves the clock, stepping the source whenever it is due. */
  const pass = (ms: number): void => {
    const end = now + ms;
    while (source.dueMs <= end) {
      now = Math.max(now, source.dueMs);
      source.step(now);
    }
    now = end;
  };
  /** Lets the machine stall: time passes and nobody steps the source. */
  const stall = (ms: number): void => {
    now += ms;
  };
  return { source, send, open, close, pass, stall, states, scans, told, now: () => now };
}

function epoch(second: number, fix: { quality?: number; status?: string; dayMs?: number } = {}): string {
  const utc = 11_700_000 + second * 1000;
  const { quality = 4, status = "A", dayMs = DAY } = fix;
  const place = { lat: 13.357613, lon: 103.3020575 };
  return (
    encodeNmea("GN", "GGA", { utc, ...place, quality, satsUsed: 19, hdop: 0.58, altMsl: 14.3 }) +
    encodeNmea("GN", "RMC", { utc, status, ...place, speedKn: 1, date: dayMs, mode: "A" })
  );
}

/** A receiver that has sent `n` epochs, one each second. */
function running(n = 5, options?: unknown) {
  const r = rig(options);
  r.open();
  for (let s = 0; s < n; s++) {
    r.send(epoch(s));
    r.pass(1000);
  }
  return r;
}

describe("a GNSS receiver as a source", () => {
  it("gives every channel of an epoch one sample, as of the first bytes, then the scan", () => {
    const r = running(3);
    const text = epoch(3);
    const firstMs = r.now();
    r.send(text.slice(0, 10));
    r.pass(40);
    r.send(text.slice(10));
    const scan = r.scans.at(-1)!;
    expect(scan.t).toBe(firstMs);
    expect(Object.keys(scan.x)).toEqual(Object.keys(gnssNmea.channels));
    expect(scan.x).toMatchObject({ fixMode: 3, fixQuality: 4, satellites: 19, hdop: 0.58, alt: 14.3 });
    expect(scan.x["lat"]).toBeCloseTo(13.357613, 10);
    expect(scan.x["utc"]).toBe(DAY + 11_703_000);
    expect(scan.q).toMatchObject({ lat: 0, lon: 0, utc: 0, heading: QUALITY.missing });
    expect(scan.x["heading"]).toBeNaN();
    expect(r.source.counters).toMatchObject({ samples: 4, epochs: 4, sentences: 8, late: 0 });
  });

  it("marks a position without a fix as missing for a fault, never as 0", () => {
    const r = rig();
    r.open();
    r.send(epoch(0, { quality: 0, status: "V" }) + epoch(1, { quality: 8 }) + epoch(2));
    for (const { x, q } of r.scans.slice(0, 2)) {
      expect(x).toMatchObject({ lat: Number.NaN, lon: Number.NaN, alt: Number.NaN, fixMode: 1 });
      for (const key of ["lat", "lon", "alt"]) expect(q[key]).toBe(QUALITY.missing | QUALITY.fault);
      expect(q["fixMode"]).toBe(0);
    }
    expect(r.scans.map((s) => s.x["fixQuality"])).toEqual([0, 8, 4]);
  });

  it("tells resolution and range of every channel, and carries no true value at the end of its range", () => {
    const r = running();
    for (const { key, range, resolution } of r.source.channels) {
      expect(resolution, key).toBeGreaterThan(0);
      for (const { x } of r.scans)
        if (!Number.isNaN(x[key])) expect(x[key]! > range[0] && x[key]! < range[1], key).toBe(true);
    }
    expect(r.source.channels.find((c) => c.key === "lat")).toMatchObject({ unit: "deg", resolution: 1e-9 });
  });

  it("refuses options that its table does not know", () => {
    expect(() => rig({ talker: "GP" })).toThrow(/talker/);
    expect(() => rig({ dateFloor: "soon" })).toThrow();
  });
});

describe("the state of a GNSS receiver", () => {
  it("is running after three epochs, and verified by its sentences", () => {
    const r = rig();
    expect(r.source.state).toBe("absent");
    r.open();
    r.pass(100);
    r.send(epoch(0) + epoch(1));
    expect(r.source.state).toBe("starting");
    r.send(epoch(2));
    expect(r.states).toEqual(["absent → starting: opened", "starting → running: epochs"]);
    expect(r.source.verified).toBe("sentences");
  });

  it("is running without a fix: no position is not silence", () => {
    const r = rig();
    r.open();
    for (let s = 0; s < 8; s++) {
      r.send(epoch(s, { quality: 0, status: "V" }));
      r.pass(1000);
    }
    expect(r.source.state).toBe("running");
  });

  it("is degraded when nothing comes for two seconds after the start", () => {
    const r = rig();
    r.open();
    r.pass(1900);
    expect(r.source.state).toBe("starting");
    r.pass(600);
    expect(r.states.at(-1)).toBe("starting → degraded: silent");
    expect(r.source.verified).toBe("none");
  });

  it("is degraded for another reason when bytes come that make no epoch", () => {
    const r = rig();
    r.open();
    for (let i = 0; i < 30; i++) {
      r.send("\x8f\x00garbage");
      r.pass(100);
    }
    expect(r.states.at(-1)).toBe("starting → degraded: no-epochs");
    expect(r.source.counters["junkBytes"]).toBe(30 * 9);
  });

  it("is degraded after three silent periods, and running again after three epochs", () => {
    const r = running();
    r.pass(1500);
    expect(r.source.state).toBe("running");
    r.pass(1000);
    expect(r.states.at(-1)).toBe("running → degraded: silent");
    for (let s = 20; s < 22; s++) {
      r.send(epoch(s));
      r.pass(1000);
      expect(r.source.state).toBe("degraded");
    }
    r.send(epoch(22));
    expect(r.states.at(-1)).toBe("degraded → running: epochs");
    expect(r.source.counters["silences"]).toBe(1);
  });

  it("does not call the receiver silent when the loop itself had stalled", () => {
    const r = running();
    r.stall(6000);
    r.source.step(r.now());
    expect(r.source.state).toBe("running");
    r.send(epoch(5));
    r.pass(900);
    expect(r.source.state).toBe("running");
    r.pass(4000);
    expect(r.source.state).toBe("degraded");
  });

  it("is failed when the link goes down, absent when it is not there, and recovers", () => {
    const r = running();
    r.close("bus/closed");
    r.close("bus/absent");
    r.pass(10_000);
    r.open();
    for (let s = 20; s < 23; s++) {
      r.send(epoch(s) + epoch(s + 0.5));
      r.pass(1000);
    }
    expect(r.states.slice(2)).toEqual([
      "running → failed: bus/closed",
      "failed → absent: bus/absent",
      "absent → starting: opened",
      "starting → running: epochs",
    ]);
    expect(r.source.counters["linkFailures"]).toBe(2);
  });

  it("does not flap while its silent port is opened again and again", () => {
    const r = running();
    r.pass(5000);
    const before = r.states.length;
    for (let i = 0; i < 3; i++) {
      r.close("bus/timeout");
      r.pass(100);
      r.open();
      r.pass(5000);
    }
    expect(r.states).toHaveLength(before);
    expect(r.source.state).toBe("degraded");
  });

  it("never joins two halves of a sentence across a break of the line", () => {
    const r = running();
    const text = epoch(6);
    r.send(text.slice(0, 30));
    r.close("bus/closed");
    r.open();
    r.send(text.slice(30));
    r.pass(2000);
    expect(r.scans.slice(5).every((s) => Number.isNaN(s.x["alt"]))).toBe(true);
  });
});

describe("an epoch whose end does not come", () => {
  it("is out after a second and a half of silence, as of its own time", () => {
    const r = rig();
    r.open();
    const sentMs = r.now();
    r.send(epoch(0));
    expect(r.scans).toHaveLength(0);
    r.pass(1400);
    expect(r.scans).toHaveLength(0);
    r.pass(400);
    expect(r.scans.map((s) => s.t)).toEqual([sentMs]);
  });
});

describe("a receiver that begins its cycle with a heading", () => {
  it("has each heading with the position sent after it, because the line is quiet between cycles", () => {
    const r = rig();
    r.open();
    for (let s = 0; s < 8; s++) {
      r.send(encodeNmea("GN", "HDT", { heading: s }));
      r.pass(20);
      r.send(epoch(s));
      r.pass(980);
    }
    expect(r.scans.slice(3).map((s) => s.x["heading"])).toEqual([3, 4, 5, 6, 7]);
    expect(r.scans.at(-1)!.t).toBe(START_MS + 7000);
  });
});

describe("the time a GNSS receiver tells", () => {
  it("is told from the third epoch on that agrees with the clock, as of the arrival of the epoch", () => {
    const r = rig();
    r.open();
    for (let s = 0; s < 6; s++) {
      r.send(epoch(s));
      r.pass(1000);
    }
    expect(r.told[0]).toEqual({ utcMs: DAY + 11_702_000, monoMs: START_MS + 2000, uncMs: 250 });
    expect(r.told).toHaveLength(4);
  });

  it.each([
    ["without a fix", { quality: 0, status: "V" }],
    ["with RMC void", { status: "V" }],
    ["simulated", { quality: 8 }],
    ["rolled over by 1024 weeks", { dayMs: DAY - 1024 * 7 * 86_400_000 }],
    ["of a cold start", { dayMs: Date.UTC(1980, 0, 6) }],
  ])("is not told %s", (_, fix) => {
    const r = rig();
    r.open();
    for (let s = 0; s < 8; s++) {
      r.send(epoch(s, fix));
      r.pass(1000);
    }
    expect(r.scans.length).toBeGreaterThan(5);
    expect(r.told).toEqual([]);
  });

  it("is not told while it jumps, and only after three epochs that agree again", () => {
    const r = running(5);
    const before = r.told.length;
    for (const s of [105, 106, 107]) {
      r.send(epoch(s));
      r.pass(1000);
    }
    expect(r.told.slice(before).map((t) => t.utcMs)).toEqual([DAY + 11_807_000]);
  });

  it("is believed for older days when the configuration lowers the floor", () => {
    const r = rig({ dateFloor: "2014-01-01" });
    r.open();
    for (let s = 0; s < 5; s++) {
      r.send(epoch(s, { dayMs: Date.UTC(2015, 2, 18) }));
      r.pass(1000);
    }
    expect(r.told.length).toBeGreaterThan(0);
  });
});
