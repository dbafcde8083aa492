import { isDeepStrictEqual } from "node:util";
import { describe, it } from "vitest";
import { z } from "zod";
import type * as Device from "../../devices/modbus-rtu.ts";
import type * as Modbus from "../../src/codec/modbus-rtu.ts";
import * as codec from "../../src/codec/modbus-rtu.ts";
import * as master from "../../src/device/modbus-master.ts";
import * as serialDevice from "../../src/device/serial-device.ts";
import * as quality from "../../src/model/quality.ts";
import * as units from "../../src/model/units.ts";
import { serialRig } from "../device/serial-rig.ts";
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

  const point = (more: object = {}) => ({
    slave: 1,
    register: 256,
    unit: "m",
    range: [30, 4500],
    scale: 0.001,
    ...more,
  });

  it("the table of points is found by plans that were worked out and by the limits of its options", () => {
    const imports = {
      zod: { z },
      "../src/codec/modbus-rtu": codec,
      "../src/device/modbus-master": master,
      "../src/device/serial-device": serialDevice,
      "../src/model/units": units,
    };
    /** Options with this at its place, and whether each of these values may stand there. */
    const limits = (at: (x: number) => object, values: Readonly<Record<number, boolean>>) =>
      Object.entries(values).map(([x, isGood]): [object, boolean] => [at(Number(x)), isGood]);
    const onePoint = (key: string) => (x: number) => ({ points: { p: point({ [key]: x }) } });
    const cases: [options: object, isGood: boolean][] = [
      ...limits(onePoint("slave"), { 0: false, 1: true, 247: true, 248: false }),
      ...limits(onePoint("function"), { 2: false, 3: true, 4: true, 5: false }),
      ...limits(onePoint("register"), { 0: true, 65535: true, 65536: false }),
      [{ points: { p: point({ register: -1 }) } }, false],
      ...limits(onePoint("everyMs"), { 19: false, 20: true, 3600000: true, 3600001: false }),
      ...limits(onePoint("scale"), { 0: false, 1: true }),
      ...limits((n) => ({ points: { p: point({ label: "x".repeat(n) }) } }), {
        0: false,
        1: true,
        60: true,
        61: false,
      }),
      ...limits((n) => ({ points: { p: point({ absent: Array(n).fill(1) }) } }), { 8: true, 9: false }),
      ...limits((n) => ({ points: Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, point()])) }), {
        ...{ 0: false, 1: true, 64: true, 65: false },
      }),
      ...limits((baud) => ({ points: { p: point() }, baud }), { 1199: false, 1200: true, 921600: true, 921601: false }),
      ...limits((timeoutMs) => ({ points: { p: point() }, timeoutMs }), {
        9: false,
        10: true,
        5000: true,
        5001: false,
      }),
    ];
    // One bit a second more or less is the same silence.
    const same = [/^9600 → /];
    judge<typeof Device>(
      "modbus-rtu",
      sourceMutants("devices/modbus-rtu", imports, []),
      ({ modbusRtu: part }) => {
        const plan = part.plan({
          points: { d: point({ everyMs: 500, offset: 1 }), e: point({ type: "f32", scale: -2, everyMs: 1000 }) },
        });
        const { d, e } = plan.channels;
        const one = part.plan({ points: { d: point({ everyMs: 100 }) }, timeoutMs: 300 });
        const slow = part.plan({ points: { d: point() } });
        // 8 asked and 7 answered with one register, 9 with two; twice 3.5 characters of silence.
        const facts = [plan.charsPerSecond, plan.silentMs, one.silentMs, slow.silentMs, slow.channels["d"]?.rateHz];
        const { run, link, send, scans } = serialRig(part, { points: { d: point({ offset: 1, absent: [65_535] }) } });
        run(20);
        const asked = hexOf(link.written());
        send(bytesOf("010302 02f2 38a1"));
        const plain = serialRig(part, { points: { d: { slave: 1, register: 256, unit: "m", range: [0, 65_535] } } });
        plain.run(20);
        plain.send(codec.encodeModbusAnswer(1, 3, [0x80, 1]));
        // What is not said: 9600 baud, whose silence is 4.01 ms, and 200 ms for an answer.
        const quiet = serialRig(part, { points: { d: point() } });
        quiet.run(204, undefined, 1);
        const before = quiet.link.written().length;
        quiet.run(2, undefined, 1);
        return (
          cases.some(([options, isGood]) => part.options.safeParse(options).success !== isGood) ||
          !isDeepStrictEqual(facts, [(22 * 1000) / 500 + 24, 3400, 2000, 3400, 1]) ||
          [d?.range[0], d?.range[1], d?.resolution, d?.rateHz].some(
            (x, i) => !close(x ?? -1, [1.03, 5.5, 0.001, 2][i]!),
          ) ||
          [e?.range[0], e?.range[1], e?.resolution].some((x, i) => !close(x ?? -1, [-9000, -60, 0.002][i]!)) ||
          asked !== "01030100000185f6" ||
          !close(scans[0]?.x["d"] ?? -1, 1.754) ||
          plain.scans[0]?.x["d"] !== 32_769 ||
          !isDeepStrictEqual([before, quiet.link.written().length], [8, 16])
        );
      },
      same,
    );
  });

  it("the master is found by dialogues with late, damaged, refused, strange and missing answers", () => {
    const P: master.ModbusPoint = {
      ...{ slave: 1, fn: 3, register: 256, type: "u16", scale: 0.001, offset: 1 },
      ...{ everyMs: 500, absent: [65_535], range: [30, 4500] },
    };
    const answer = (raw: number, slave = 1) => codec.encodeModbusAnswer(slave, 3, [raw >> 8, raw & 255]);
    /** A master on a line of its own; what it does is noted with the instant. Eager: it is stepped also when it did not ask for it. */
    function line(m: typeof master, points: readonly master.ModbusPoint[], isEager = false) {
      const heard: string[] = [];
      let put = "";
      let nowMs = 1000;
      const note = (text: string) => {
        heard.push(`${text}${put}`);
        put = "";
      };
      const out: serialDevice.SerialOutput = {
        put: (channel, x, q) => {
          put += ` ${channel}=${Math.round(x * 1e6) / 1e6}/${q}`;
        },
        scan: (t) => note(`${t}`),
        missed: (t) => note(`${t} missed`),
        write: (b) => {
          heard.push(`${nowMs} ask ${b[0]} ${hexOf(b.subarray(1, 4))}`);
          return true;
        },
        verified: (is) => {
          put += is ? " v" : " x";
        },
        heard: () => undefined,
        refuse: () => undefined,
        retry: () => undefined,
        utc: () => undefined,
      };
      const protocol = m.modbusProtocol(points, { baud: 9600, timeoutMs: 200 }, out);
      protocol.opened?.(nowMs);
      return {
        heard,
        protocol,
        counters: () => Object.fromEntries(Object.entries(protocol.counters).filter(([, n]) => n > 0)),
        /** Steps every ms up to this instant; then these bytes come. */
        at(ms: number, bytes?: Uint8Array) {
          for (; nowMs < ms; nowMs++) if (isEager || (protocol.dueMs ?? 0) <= nowMs) protocol.step?.(nowMs);
          if (bytes !== undefined) protocol.take(bytes, nowMs);
        },
      };
    }
    const ASK = "ask 1 030100";
    const ALL = "0=1.754/0 v";
    /** Asked twice, and nothing good came. */
    const failed = (t: number) => [`${t} ${ASK}`, `${t + 200} ${ASK}`, `${t + 400} missed 0=NaN/136`];
    type Line = ReturnType<typeof line>;
    const dialogues: [play: (l: Line) => void, heard: string[], counters: Record<string, number>][] = [
      // Asked when the line was quiet for 3.5 characters, and again on the grid of 500 ms, however late the answer was.
      [
        (l) => {
          l.at(1100, answer(754));
          l.at(1600, answer(754));
          l.at(2100);
        },
        [`1005 ${ASK}`, `1100 ${ALL}`, `1505 ${ASK}`, `1600 ${ALL}`, `2005 ${ASK}`],
        { answers: 2 },
      ],
      // No answer: once more after 200 ms, then missing; the third time it is parked and asked at a tenth of its rate.
      [(l) => l.at(7500), [1005, 1505, 2005, 7005].flatMap(failed), { timeouts: 8, retries: 4, parked: 1 }],
      // The ends of the range and beyond, and the number that is none.
      ...(
        [
          [29, "1.029/21"],
          [30, "1.03/1"],
          [31, "1.031/0"],
          [4499, "5.499/0"],
          [4500, "5.5/1"],
          [4501, "5.501/21"],
          [65_535, "NaN/8"],
        ] as const
      ).map(([raw, put]): (typeof dialogues)[number] => [
        (l) => l.at(1050, answer(raw)),
        [`1005 ${ASK}`, `1050 0=${put} v`],
        { answers: 1 },
      ]),
      // Refused for what was asked: once a minute; for being busy: after 10 s.
      ...([1, 2, 3, 4, 6] as const).map((code): (typeof dialogues)[number] => [
        (l) => {
          l.at(1050, codec.encodeModbusException(1, 3, code));
          l.at(code <= 3 ? 61_007 : 11_007);
        },
        [`1005 ${ASK}`, "1050 missed 0=NaN/136", `${code <= 3 ? 61_005 : 11_005} ${ASK}`],
        { exceptions: 1 },
      ]),
      // A strange answer, a damaged one: what comes after it is not taken either, and it is asked once more.
      ...(
        [
          [answer(754, 2), "stranger"],
          [answer(754).map((b, i) => (i === 3 ? b ^ 1 : b)), "crc"],
        ] as const
      ).map(([bad, kind]): (typeof dialogues)[number] => [
        (l) => {
          l.at(1050, bad);
          l.at(1051, answer(754));
          l.at(1210, answer(755));
        },
        [`1005 ${ASK}`, `1205 ${ASK}`, "1210 0=1.755/0 v"],
        { [kind]: 1, timeouts: 1, retries: 1, answers: 1 },
      ]),
      // Bytes that nobody asked for: counted, and the line must be quiet after them.
      [
        (l) => {
          l.at(1003, new Uint8Array(5));
          l.at(1050);
        },
        [`1008 ${ASK}`],
        { unasked: 5 },
      ],
      // An answer in pieces, and a break of the line in the middle of one.
      [
        (l) => {
          l.at(1050, answer(754).subarray(0, 3));
          l.at(1060, answer(754).subarray(3));
        },
        [`1005 ${ASK}`, `1060 ${ALL}`],
        { answers: 1 },
      ],
      [
        (l) => {
          l.at(1050, answer(754).subarray(0, 3));
          l.protocol.reset();
          l.at(2000, answer(754));
          l.protocol.opened?.(2000);
          l.at(2100, answer(754));
        },
        [`1005 ${ASK}`, `2005 ${ASK}`, `2100 ${ALL}`],
        { unasked: 7, answers: 1 },
      ],
      // Bytes just before the time-out do not put it off; more of them than an answer can have.
      [
        (l) => {
          l.at(1203, answer(754).subarray(0, 2));
          l.at(1204, new Uint8Array(300));
          l.at(1210, answer(755));
        },
        [`1005 ${ASK}`, `1205 ${ASK}`, "1210 0=1.755/0 v"],
        { stranger: 1, timeouts: 1, retries: 1, answers: 1 },
      ],
      // After a failure a good answer counts anew: three more failures park it, not two, and no more.
      [
        (l) => {
          l.at(2105, answer(754));
          l.at(8600);
        },
        [
          ...[...failed(1005), ...failed(1505), `2005 ${ASK}`, `2105 ${ALL}`],
          ...[...failed(2505), ...failed(3005), ...failed(3505), `8505 ${ASK}`],
        ],
        { timeouts: 10, retries: 5, answers: 1, parked: 1 },
      ],
    ];
    const imports = { "../codec/modbus-rtu": codec, "../model/quality": quality };
    judge<typeof master>(
      "Modbus master",
      sourceMutants("src/device/modbus-master", imports, ["modbusTwin"]),
      (m) => {
        // Two points: the one that is due longest is asked first, and the silence is kept between them.
        const two = line(m, [
          { ...P, everyMs: 300 },
          { ...P, slave: 2, everyMs: 1000 },
        ]);
        for (const [ms, slave] of [
          [1010, 1],
          [1030, 2],
          [1310, 1],
          [1610, 1],
        ] as const)
          two.at(ms, answer(754, slave));
        // An answer at the very instant at which the next was due, and one that is later than that.
        const exactMs = 1000 + 38_500 / 9600 + 100;
        const fast = line(m, [{ ...P, everyMs: 100 }]);
        fast.at(1100);
        fast.protocol.take(answer(754), exactMs);
        fast.at(1350, answer(754));
        fast.at(1460);
        return (
          [9600, 19_200].some((baud) => !close(m.silenceMs(baud), 38_500 / baud)) ||
          [19_201, 115_200].some((baud) => m.silenceMs(baud) !== 1.75) ||
          !isDeepStrictEqual(fast.heard, [
            ...[`1005 ${ASK}`, `${exactMs} ${ALL}`, `1205 ${ASK}`, `1350 ${ALL}`, `1450 ${ASK}`],
          ]) ||
          !isDeepStrictEqual(two.heard, [
            ...["1005 ask 1 030100", "1010 0=1.754/0 v", "1015 ask 2 030100", "1030 1=1.754/0 v"],
            ...["1305 ask 1 030100", "1310 0=1.754/0 v", "1605 ask 1 030100", "1610 0=1.754/0 v"],
          ]) ||
          dialogues.some(([play, heard, counters]) =>
            [false, true].some((isEager) => {
              const l = line(m, [P], isEager);
              play(l);
              return !isDeepStrictEqual([l.heard, l.counters()], [heard, counters]);
            }),
          )
        );
      },
      [
        // What is set anew when the line opens or a point is asked; any place below 0 is none; the buffer may be longer.
        /^(0 → \((1|-1)\)|- → {2}|1 → \([02]\)) in let (length|asked|tries|quietMs) = /,
        /^0 → \((1|-1)\) in length = 0;/,
        /^1 → \(2\) in asked = -1;/,
        /^256 → \((255|257)\) in const bytes/,
        // When the line opens, the first point is due no earlier than the line is quiet.
        /^\+ → - in quietMs = atMs \+ gapMs/,
        // The silence is kept where it is told when to step, and again in the step.
        /^0 → \(-1\) in return asked < 0/,
        // The silence ends at no whole ms, and steps are whole ones here.
        /^< → <= in if \(nowMs < dueMs \|\|/,
        // The first is compared with itself, or with what is behind the last.
        /^(1 → \(0\)|< → <=) in for \(let i = 1; i < dueAtMs/,
      ],
    );
  });
});
