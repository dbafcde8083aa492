import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { modbusRtu } from "../../devices/modbus-rtu.ts";
import {
  encodeModbusAnswer,
  encodeModbusException,
  judgeModbusAnswer,
  MODBUS_TYPES,
  readModbusValue,
  writeModbusValue,
} from "../../src/codec/modbus-rtu.ts";
import { silenceMs } from "../../src/device/modbus-master.ts";
import fc from "../properties.ts";
import { pieces, serialRig } from "./serial-rig.ts";

interface Exchange {
  register: number;
  slave?: number;
  fn?: number;
  type: string;
  scale: number;
  offset?: number;
  ask: string;
  answer: string | null;
  value: number | null;
}
const golden = JSON.parse(readFileSync(resolve(import.meta.dirname, "../golden/modbus-rtu.json"), "utf8")) as {
  exchanges: Exchange[];
};
const DEPTH = { slave: 1, register: 256, unit: "m", scale: 0.001, range: [30, 4500] };
const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const asked = (link: { written(): Uint8Array }) => link.written().length / 8;

describe("a Modbus master", () => {
  it.each(golden.exchanges)(
    "asks $ask and reads $value",
    ({ register, slave, fn, type, scale, offset, ask, answer, value }) => {
      const p = {
        slave: slave ?? 1,
        function: fn ?? 3,
        register,
        type,
        unit: "1",
        scale,
        offset,
        range: [-1e10, 1e10],
      };
      const { run, link, scans, send, source } = serialRig(modbusRtu, { points: { p } });
      run(10);
      expect(Buffer.from(link.written()).toString("hex")).toBe(ask);
      if (answer === null) return;
      send(bytes(answer));
      expect(Math.abs(scans[0]!.x["p"]! - value!)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(value!)));
      expect(source.verified).toBe("ack-only");
    },
  );

  it("keeps the silence between frames", () => {
    expect(silenceMs(9600)).toBeCloseTo(4.01, 2);
    expect(silenceMs(115_200)).toBe(1.75);
  });

  it("asks once more after a time-out, then says missing, and after three times asks rarely", () => {
    const { run, link, scans, source, states } = serialRig(modbusRtu, { points: { d: { ...DEPTH, everyMs: 500 } } });
    run(450);
    expect(asked(link)).toBe(2);
    expect(scans.at(-1)!.q["d"]).toBe(136);
    run(1200);
    expect(source.counters).toMatchObject({ timeouts: 6, retries: 3, parked: 1, answers: 0 });
    run(3000);
    expect(asked(link)).toBe(6);
    expect(states).toEqual(["starting: opened", "degraded: silent"]);
  });

  it("takes no answer of another slave, function, length or CRC", () => {
    const good = bytes("010302 02f2 38a1");
    const wrong = [
      encodeModbusAnswer(2, 3, [2, 0xf2]),
      encodeModbusAnswer(1, 4, [2, 0xf2]),
      encodeModbusAnswer(1, 3, [0, 0, 0, 1]),
    ];
    for (const frame of [...wrong, Uint8Array.from(good, (b, i) => (i === 4 ? b ^ 1 : b))]) {
      const { run, send, scans, source } = serialRig(modbusRtu, { points: { d: DEPTH } });
      run(10);
      send(frame);
      expect(scans).toEqual([]);
      expect(source.counters["crc"]! + source.counters["stranger"]!).toBe(1);
      run(205);
      send(good);
      expect(scans.at(-1)!.x["d"]).toBe(0.754);
    }
  });

  it("asks rarely what a slave refuses, and goes on with the others", () => {
    const points = { d: { ...DEPTH, everyMs: 100 }, other: { ...DEPTH, slave: 2, everyMs: 100 } };
    const { run, send, source, samples } = serialRig(modbusRtu, { points });
    for (let i = 0; i < 200; i++) {
      run(10);
      send(i === 0 ? encodeModbusException(1, 3, 2) : encodeModbusAnswer(2, 3, [2, 0xf2]));
    }
    expect(source.counters).toMatchObject({ exceptions: 1, timeouts: 0 });
    expect(samples["d"]).toHaveLength(1);
    expect(samples["other"]!.length).toBeGreaterThan(15);
  });

  it("marks the ends of the range, what lies beyond, and the numbers that mean nothing", () => {
    const say = (raw: number) => {
      const { run, send, scans } = serialRig(modbusRtu, { points: { d: { ...DEPTH, absent: [65_535] } } });
      run(10);
      send(encodeModbusAnswer(1, 3, writeModbusValue("u16", raw)));
      return scans[0]!.q["d"];
    };
    expect([100, 30, 4500, 5000, 65_535].map(say)).toEqual([0, 1, 1, 21, 8]);
  });

  it("reads through its twin what went in, of every type", () => {
    for (const type of MODBUS_TYPES) {
      const points = { d: { ...DEPTH, type, everyMs: 100 } };
      let hears: (b: Uint8Array) => void = () => undefined;
      const rig = serialRig(modbusRtu, { points }, (link) => link.onWrite((b) => hears(b)));
      const twin = modbusRtu.plan({ points }).twin!({ startMs: 1000, value: () => 1.234, send: (b) => rig.send(b) });
      hears = (b) => twin.hears?.(b);
      rig.run(1000, twin);
      expect(rig.source.state, type).toBe("running");
      expect(rig.scans.at(-1)!.x["d"], type).toBeCloseTo(1.234, 6);
    }
  });

  it("is never confused by noise, however it is cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(400), { maxLength: 6 }), (noise, cuts) => {
        const asks = { slave: 1, fn: 3, count: 1 } as const;
        const read = (chunks: Uint8Array[]) => {
          const { run, send, scans, source } = serialRig(modbusRtu, { points: { d: DEPTH } });
          run(10);
          for (const chunk of chunks) send(chunk);
          return { scans, counters: source.counters };
        };
        expect(judgeModbusAnswer(noise, noise.length, asks)).not.toBe("values");
        expect(read([noise]).scans).toEqual([]);
        expect(read(pieces(noise, cuts)).scans).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it("reads words in either order", () => {
    expect(readModbusValue("f32", bytes("43480000"), 0)).toBe(200);
    expect(readModbusValue("f32swapped", bytes("00004348"), 0)).toBe(200);
    expect(readModbusValue("i32", bytes("fffffffe"), 0)).toBe(-2);
  });
});
