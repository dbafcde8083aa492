import { describe, it } from "vitest";
import type * as Modbus from "../../src/codec/modbus-rtu.ts";
import { bytesOf, close, goldenOf, hexOf, judge } from "../rigs/source-judge.ts";
import { sourceMutants } from "../rigs/source-mutants.ts";

describe("a mistake in the text of", () => {
  it("the Modbus codec is found by exchanges that were worked out or recorded", () => {
    const { many, exception, exchanges: told } = goldenOf("modbus-rtu");
    const refusal = bytesOf(exception.answer);
    const exchanges = told as {
      register: number;
      slave?: number;
      fn?: 3 | 4;
      type: Modbus.ModbusType;
      scale: number;
      offset?: number;
      ask: string;
      answer: string | null;
      value: number;
    }[];
    judge<typeof Modbus>(
      "Modbus codec",
      sourceMutants("src/codec/modbus-rtu", {}, ["encodeModbusAnswer", "encodeModbusException", "writeModbusValue"]),
      (m) =>
        exchanges.some(({ register, slave = 1, fn = 3, type, scale, offset = 0, ask, answer, value }) => {
          const count = m.registersOf(type);
          if (!m.MODBUS_TYPES.includes(type)) return true;
          if (hexOf(m.encodeModbusRead(slave, fn, register, count)) !== ask) return true;
          if (answer === null) return false;
          const bytes = bytesOf(answer);
          const asked = { slave, fn, count };
          const judged = (b: Uint8Array, of = asked) => m.judgeModbusAnswer(b, b.length, of);
          for (let n = 0; n < bytes.length; n++) if (judged(bytes.subarray(0, n)) !== "more") return true;
          if (judged(bytes) !== "values" || judged(Uint8Array.from([...bytes, 0])) !== "stranger") return true;
          const bad = (at: number) => Uint8Array.from(bytes, (b, i) => (i === at ? b ^ 1 : b));
          if ([3, bytes.length - 2, bytes.length - 1].some((at) => judged(bad(at)) !== "crc")) return true;
          if ([0, 1, 2].some((at) => judged(bad(at)) !== "stranger")) return true;
          return !close(m.readModbusValue(type, bytes, 3) * scale + offset, value);
        }) ||
        hexOf(m.encodeModbusRead(many.slave, many.fn, many.register, many.count)) !== many.ask ||
        // An exception, the same damaged, of another slave, and too short to tell whose it is.
        (
          [
            [refusal, "exception"],
            [Uint8Array.from(refusal, (b, i) => (i === 4 ? b ^ 1 : b)), "crc"],
            [Uint8Array.from(refusal, (b, i) => (i === 0 ? b ^ 2 : b)), "stranger"],
            [Uint8Array.from([3, 4, 2, 0]), "more"],
          ] as const
        ).some(([b, is]) => m.judgeModbusAnswer(b, b.length, { slave: 1, fn: 4, count: 1 }) !== is),
      // The places of the CRC are written over; the buffer may be longer; what lies behind the last register is not read.
      [
        /Uint8Array\.from\(\[\.\.\.body, 0, 0\]\)/,
        /^4 → \(5\) in .*new ArrayBuffer\(4\)/,
        /^0 → .* in view\.setUint8\(i, .* \?\? 0\);/,
      ],
    );
  });
});
