import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { j1939Slcan } from "../../devices/j1939-slcan.ts";
import { J1939_SIGNALS, readJ1939Id, readSignal, writeSignal } from "../../src/codec/j1939-signals.ts";
import { createSlcanFramer, encodeSlcanHeard, SLCAN_COMMANDS } from "../../src/codec/slcan.ts";
import { SLCAN_DIALECTS, type SlcanDialect } from "../../src/device/slcan-dialects.ts";
import fc from "../properties.ts";
import { pieces, serialRig } from "./serial-rig.ts";

interface Golden {
  frames: { line: string; expect: Record<string, [number | null, number]> }[];
}
const golden = JSON.parse(readFileSync(resolve(import.meta.dirname, "../golden/j1939-slcan.json"), "utf8")) as Golden;

/** A source whose adapter has acknowledged that it only listens. */
function listening(options: object = {}) {
  const rig = serialRig(j1939Slcan, { dialect: "lawicel", ...options });
  rig.run(150);
  rig.send("V1013\r");
  rig.send("\r");
  rig.send("\r");
  return rig;
}

const written = (link: { written(): Uint8Array }) => Buffer.from(link.written()).toString("latin1");

describe("an SLCAN adapter", () => {
  it("is opened listen-only, each command answered before the next, and only then read", () => {
    const { run, send, link, source, scans } = serialRig(j1939Slcan, { dialect: "lawicel" });
    const eec1 = `${golden.frames[0]!.line}\r`;
    send(`\u0007\r${eec1}`);
    run(150);
    expect(written(link)).toBe("C\rC\rC\rV\r");
    send(`\r${eec1}V1013\r`);
    expect(written(link)).toBe("C\rC\rC\rV\rS5\r");
    send(`${eec1}\r`);
    expect(written(link)).toBe("C\rC\rC\rV\rS5\rL\r");
    send(eec1);
    expect(scans).toEqual([]);
    expect(source.verified).toBe("none");
    send(`\r${eec1}`);
    expect(scans).toHaveLength(1);
    expect(source.verified).toBe("ack-only");
    expect(source.counters).toMatchObject({ early: 4, notListenOnly: 0 });
  });

  it("that refuses to listen only is not read, is closed, and is tried again later", () => {
    const { run, send, link, source, scans, states } = serialRig(j1939Slcan, { dialect: "lawicel" });
    run(150);
    send("V1013\r\r\u0007");
    for (let i = 0; i < 5; i++) send(`${golden.frames[0]!.line}\r`);
    expect(scans).toEqual([]);
    expect(source.counters["notListenOnly"]).toBe(1);
    expect(written(link)).toBe("C\rC\rC\rV\rS5\rL\rC\r");
    run(10_200);
    expect(states).toEqual(["starting: opened", "failed: not-listen-only", "starting: retry"]);
    send("V1013\r\r\r");
    for (let i = 0; i < 3; i++) send(`${golden.frames[0]!.line}\r`);
    expect(source.state).toBe("running");
  });

  it("that never answers is refused after three tries of a command", () => {
    const { run, source, states } = serialRig(j1939Slcan, { dialect: "lawicel" });
    run(6500);
    expect(source.counters).toMatchObject({ adapterTimeouts: 3, notListenOnly: 1 });
    expect(states.at(-1)).toBe("failed: no-answer");
  });

  it("can be sent nothing but set-up: no frame, and no opening for sending but that of what was set silent", () => {
    for (const text of Object.values(SLCAN_COMMANDS)) expect(text).toMatch(/^(C|V|L|S[0-8]|M1|O|[Mm][0-9A-F]{8})$/);
    for (const { steps } of Object.values(SLCAN_DIALECTS) as SlcanDialect[])
      if (steps.includes("openAsSet")) expect(steps.slice(0, -1)).toContain("silent");
  });
});

describe("SLCAN lines", () => {
  const read = (chunks: Uint8Array[]) => {
    const heard: unknown[] = [];
    const framer = createSlcanFramer(
      (f) =>
        heard.push([
          f.id,
          f.isExtended,
          f.isRemote,
          f.length,
          Buffer.from(f.data.subarray(0, f.length)).toString("hex"),
        ]),
      (answer) => heard.push(answer),
    );
    for (const chunk of chunks) framer.push(chunk);
    return { heard, counters: { ...framer.counters } };
  };
  const one = (text: string) => read([Buffer.from(`${text}\r`, "latin1")]).heard[0];

  it("are read with either kind of identifier, remote, and with a time stamp", () => {
    expect(one("T12ABCDEF2AA55")).toEqual([0x12abcdef, true, false, 2, "aa55"]);
    expect(one("t4563112233")).toEqual([0x456, false, false, 3, "112233"]);
    expect(one("r1238")).toEqual([0x123, false, true, 8, "ffffffffffffffff"]);
    expect(one("R12ABCDEF6")).toEqual([0x12abcdef, true, true, 6, "ffffffffffff"]);
    expect(one("T1111222281122334455667788EA5F")).toEqual([0x11112222, true, false, 8, "1122334455667788"]);
  });

  it("that are no frame are counted", () => {
    for (const bad of ["T12ABCDEF2AA5", "T12ABCDEF9", "T3FFFFFFF0", "t8000", "x", "T12ABCDEG2AA55", "z"])
      expect(read([Buffer.from(`${bad}\r`, "latin1")]), bad).toMatchObject({ heard: [], counters: { malformed: 1 } });
  });

  it("that tell a version are read up to 80 characters; any other is at most as long as a frame", () => {
    const version = "b158aa7 github.com/normaldotcom/canable-fw";
    expect(one("V1013")).toEqual({ kind: "text", text: "V1013" });
    expect(one(version)).toEqual({ kind: "text", text: version });
    for (const long of [`${version}${" ".repeat(60)}`, `T0CF004008${"0".repeat(16)}000000`, "0".repeat(32)])
      expect(read([Buffer.from(`${long}\r`, "latin1")]), long).toMatchObject({ heard: [], counters: { tooLong: 1 } });
    expect(one(`T0CF004008${"0".repeat(16)}EA5F`)).toMatchObject([0x0cf00400, true, false, 8, "0".repeat(16)]);
  });

  it("are the same for any chunks, and a good one is read after any noise", () => {
    const good = encodeSlcanHeard(0x0cf00400, Uint8Array.from([1, 2, 3]));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(260), { maxLength: 8 }), (noise, cuts) => {
        const stream = Uint8Array.from([...noise, 13, ...good, ...good]);
        const whole = read([stream]);
        expect(read(pieces(stream, cuts))).toEqual(whole);
        expect(whole.heard.at(-1)).toEqual([0x0cf00400, true, false, 3, "010203"]);
      }),
    );
  });
});

describe("J1939", () => {
  it.each(golden.frames)("reads $line", ({ line, expect: wanted }) => {
    const { scans, send } = listening();
    send(`${line}\r`);
    for (const [key, [x, q]] of Object.entries(wanted)) {
      expect(scans[0]!.q[key], key).toBe(q);
      if (x === null) expect(scans[0]!.x[key], key).toBeNaN();
      else expect(scans[0]!.x[key], key).toBeCloseTo(x, 5);
    }
  });

  it("keeps not available, error, reserved and parameter-specific apart from numbers, at every width", () => {
    const into = { x: 0, q: 0 };
    for (const signal of Object.values(J1939_SIGNALS)) {
      const data = new Uint8Array(8);
      for (const [top, q] of [
        [0xff, 8],
        [0xfe, 136],
        [0xfd, 8],
        [0xfc, 8],
        [0xfb, 8],
      ] as const) {
        data[signal.byte - 2 + signal.bytes] = top;
        readSignal(signal, data, 8, into);
        expect(into, `SPN ${signal.spn}`).toEqual({ x: Number.NaN, q });
      }
      data[signal.byte - 2 + signal.bytes] = 0xfa;
      readSignal(signal, data, 8, into);
      expect(into.x, `SPN ${signal.spn}`).not.toBeNaN();
      const middle = (signal.plausible[0] + signal.plausible[1]) / 2;
      writeSignal(signal, middle, data);
      readSignal(signal, data, 8, into);
      expect(Math.abs(into.x - middle), `SPN ${signal.spn}`).toBeLessThanOrEqual(signal.scale / 2 + 1e-9);
      readSignal(signal, data, signal.byte + signal.bytes - 2, into);
      expect(into.q, `SPN ${signal.spn} cut short`).toBe(8);
    }
  });

  it("lets no second address overwrite the first, unless it is preferred or the first falls silent", () => {
    const speed = (from: number, rpm: number) =>
      Buffer.from(
        encodeSlcanHeard(0x0cf00400 + from, Uint8Array.from([255, 255, 255, (rpm * 8) & 255, (rpm * 8) >> 8])),
      ).toString();
    const said = (rig: ReturnType<typeof listening>) => rig.samples["engineSpeed"]?.map((s) => s.x);
    const na = "T0CF004218FFFFFFFFFFFFF0FF\r";
    const first = listening();
    for (const text of [speed(0, 1000), na, speed(3, 50), speed(0, 1001)]) first.send(text);
    expect(said(first)).toEqual([1000, 1001]);
    expect(first.source.counters["otherSource"]).toBeGreaterThanOrEqual(2);
    first.clock.advance(6000);
    first.send(speed(3, 52));
    expect(said(first)?.at(-1)).toBe(52);
    const preferred = listening({ prefer: { engineSpeed: 3 } });
    for (const text of [speed(0, 1000), speed(3, 50), speed(0, 1001), speed(3, 51)]) preferred.send(text);
    expect(said(preferred)).toEqual([1000, 50, 51]);
  });

  it("knows groups to one address and to all", () => {
    expect(readJ1939Id(0x0cf00400)).toEqual({ pgn: 61444, from: 0, to: 255 });
    expect(readJ1939Id(0x18ea0017)).toEqual({ pgn: 59904, from: 0x17, to: 0 });
  });

  it.each([
    ["broadcast", "T1CECFF008200E0002FFCAFE00", "FF"],
    ["between two others", "T1CEC21008100E0002FFCAFE00", "21"],
  ])("puts a long DM1 %s together, and counts its codes once however often it comes", (_, begin, to) => {
    const rig = listening();
    const packets = [`T1CEB${to}0080104FF6400010564`, `T1CEB${to}0080200020101006103`];
    for (let round = 0; round < 2; round++) rig.send(`${[begin, ...packets].join("\r")}\r`);
    expect(rig.scans.map((s) => s.x["activeDtcs"])).toEqual([3, 3]);
    expect(rig.scans[0]!.x["amberLamp"]).toBe(1);
    expect(rig.source.counters).toMatchObject({ tpMessages: 2, dtc100fmi1: 1, dtc100fmi2: 1, dtc196609fmi1: 1 });
  });

  it("gives up a long message that pauses, and bounds how many are open", () => {
    const rig = listening();
    rig.send("T1CECFF008200E0002FFCAFE00\r");
    rig.clock.advance(2000);
    rig.send("T1CEBFF0080104FF6400010564\rT1CEBFF008020002010100610 3\r");
    expect(rig.scans).toEqual([]);
    expect(rig.source.counters["tpBroken"]).toBe(1);
    for (let from = 16; from < 48; from++) rig.send(`T1CECFF${from.toString(16)}8200E0002FFCAFE00\r`);
    expect(rig.source.counters["tpRefused"]).toBe(16);
  });

  it("adds the troubles of all control units up", () => {
    const { send, scans } = listening();
    send("T18FECA00804FF64000105FFFF\rT18FECA03800FF00000000FFFF\r");
    expect(scans.map((s) => [s.x["amberLamp"], s.x["activeDtcs"]])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    send("T18FECA00800FF00000000FFFF\r");
    expect(scans.at(-1)!.x).toMatchObject({ amberLamp: 0, activeDtcs: 0 });
  });
});
