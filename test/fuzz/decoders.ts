import { decodeCompact, encodeMessage } from "../../src/codec/compact-message.ts";
import { encodeBody } from "../../src/codec/compact-record.ts";
import { createJ1939Transport } from "../../src/codec/j1939-transport.ts";
import { encodeModbusAnswer, judgeModbusAnswer } from "../../src/codec/modbus-rtu.ts";
import { createEpochAssembler } from "../../src/codec/nmea-epoch.ts";
import { createNmeaFramer } from "../../src/codec/nmea-framer.ts";
import { createNmeaParser } from "../../src/codec/nmea-parse.ts";
import { createNumberLines } from "../../src/codec/number-lines.ts";
import { createSlcanFramer, encodeSlcanHeard } from "../../src/codec/slcan.ts";
import { createSummedFrames, encodeSummedFrame } from "../../src/codec/summed-frames.ts";
import { createUbxFramer, encodeUbx } from "../../src/codec/ubx-framer.ts";
import { decodeNavPvt, encodeNavPvt, fixOfNavPvt, NAV_PVT } from "../../src/codec/ubx-nav-pvt.ts";
import { decodeRelPos, encodeRelPos, NAV_RELPOSNED } from "../../src/codec/ubx-relposned.ts";
import { createVeDirectFramer, encodeVeDirect } from "../../src/codec/vedirect.ts";
import { createFrameReader, encodeAck, encodeNote, encodeScreen } from "../../src/link/frame.ts";
import type { Descriptor, Draft } from "../../src/model/record.ts";

/**
 * A byte decoder as the fuzzer drives it. `stream`: bytes without end, one decoder for all inputs; `connection`: a stream that is
 * closed when it is out of step, a fresh decoder for each input; `message`: one call, one input.
 */
export interface FuzzedDecoder {
  readonly name: string;
  readonly kind: "stream" | "connection" | "message";
  /** Good frames, end to end. */
  readonly corpus: Uint8Array;
  /** Of a stream: bytes after which even the longest half frame is over, so that what follows must be read again. */
  readonly settle?: Uint8Array;
  /** A new decoder: a function that takes bytes; `emit` hears a 32-bit digest of each frame that came out. */
  open(emit: (digest: number) => void): (bytes: Uint8Array) => void;
}

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** FNV-1a over `length` bytes, from `seed`. */
function digest(bytes: Uint8Array, length = bytes.length, seed = 0): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return h;
}

const nmea: FuzzedDecoder = {
  name: "nmea",
  kind: "stream",
  corpus: ascii(
    "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n$GPRMC,,V,,,,,,,,,,N*53\r\n" +
      "$GPVTG,188.36,T,,M,0.820,N,1.519,K,A*3F\r\n$GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99*30\r\n" +
      "$GPZDA,160012.71,11,03,2004,-1,00*7D\r\n$GNHDT,274.07,T*1D\r\n",
  ),
  settle: ascii("\r\n"),
  open(emit) {
    const parser = createNmeaParser();
    const assembler = createEpochAssembler({
      dateFloorMs: 0,
      onFix: ({ lat, lon }) => {
        if (Math.abs(lat) > 90 || Math.abs(lon) > 180) throw new Error(`position off the earth: ${lat} ${lon}`);
      },
    });
    const framer = createNmeaFramer((body, length, atMs) => {
      emit(digest(body, length));
      const sentence = parser.parse(body, length);
      if (sentence !== undefined) assembler.sentence(sentence, atMs);
    });
    return (bytes) => {
      framer.push(bytes, 0);
      assembler.flush();
    };
  },
};

const ubx: FuzzedDecoder = {
  name: "ubx",
  kind: "stream",
  corpus: Buffer.concat([
    encodeUbx(1, 7, new Uint8Array(92).fill(0x5a)),
    encodeUbx(5, 1, Uint8Array.of(6, 0x8a)),
    encodeUbx(10, 4, new Uint8Array(40).fill(0xb5)),
  ]),
  // As long as the longest payload: a damaged length is waited for.
  settle: new Uint8Array(4200),
  open(emit) {
    const framer = createUbxFramer((cls, id, payload) => emit(digest(payload, payload.length, (cls << 8) | id)));
    return (bytes) => framer.push(bytes, 0);
  },
};

/** Payloads behind a right checksum: what a receiver with a bug, or a bit turned over before the sum was made, may send. */
const ubxNav: FuzzedDecoder = {
  name: "ubx-nav",
  kind: "message",
  corpus: Buffer.concat([
    encodeNavPvt({
      iTow: 1000,
      lat: 13.35,
      lon: 103.3,
      fixType: 3,
      flags: 0x81,
      valid: 7,
      year: 2026,
      month: 3,
      day: 4,
    }),
    encodeRelPos({ iTowMs: 1000, lengthM: 1.2345, headingDeg: 30, headingAccDeg: 0.2, carrier: 2, isValid: true }),
  ]),
  open(emit) {
    return (bytes) => {
      const all = Buffer.from(bytes);
      const pvt = decodeNavPvt(all.subarray(0, NAV_PVT.bytes));
      const pos = decodeRelPos(all.subarray(NAV_PVT.bytes, NAV_PVT.bytes + NAV_RELPOSNED.bytes));
      const fix = pvt && fixOfNavPvt(pvt, 0, Date.UTC(2026, 0, 1));
      emit((fix === undefined ? 0 : 2) | (pos === undefined ? 0 : 1));
    };
  },
};

const compactDescriptor: Descriptor = {
  machine: "m-1",
  unit: "u-1",
  config: "0123456789abcdef",
  quality: { missing: 8 },
  channels: {
    rotor: {
      label: "Rotor",
      unit: "rpm",
      range: [0, 400],
      resolution: 0.1,
      source: "adc.a0",
      table: "telemetry",
      columns: ["rotor.mean", "rotor.max"],
      filters: [],
    },
  },
};
const compactDraft: Draft = {
  v: 1,
  kind: "telemetry",
  boot: "0123456789abcdef",
  mono: 5000,
  trust: "none",
  desc: "fedcba9876543210",
  n: 4,
  dt: 1000,
  c: { "rotor.mean": [200.1, 200.3, null, 199.9], "rotor.max": [201, 201.2, null, 200.5] },
  q: { "rotor.mean": [0, 0, 8, 0] },
};
const compactDescriptorOf = (hash: string) => (hash === compactDraft.desc ? compactDescriptor : undefined);

const compact: FuzzedDecoder = {
  name: "compact",
  kind: "message",
  corpus: encodeMessage(
    "cbor",
    "0011223344556677",
    [
      { seq: 7, body: encodeBody(compactDraft, compactDescriptorOf) },
      { seq: 8, body: encodeBody({ ...compactDraft, mono: 9000 }, compactDescriptorOf) },
    ],
    compactDescriptorOf,
  ),
  open(emit) {
    return (bytes) => {
      const read = decodeCompact(Buffer.from(bytes), compactDescriptorOf);
      emit("records" in read ? read.records.length : 0);
    };
  },
};

const vedirect: FuzzedDecoder = {
  name: "vedirect",
  kind: "stream",
  corpus: Buffer.concat([
    encodeVeDirect([
      ["V", "26201"],
      ["I", "0"],
      ["SOC", "1000"],
    ]),
    ascii(":7F0ED0071\n"),
    encodeVeDirect([
      ["H1", "-4500"],
      ["H2", "---"],
    ]),
  ]),
  // A half block swallows the next one, as the protocol has it: two whole corpora follow, and the second must be read.
  settle: ascii("\n\r\n"),
  open(emit) {
    const framer = createVeDirectFramer((fields) => {
      let h = 0;
      for (const [label, value] of fields) h = digest(ascii(`${label}\t${value}`), undefined, h);
      emit(h);
    });
    return (bytes) => framer.push(bytes, 0);
  },
};

const lines: FuzzedDecoder = {
  name: "number-lines",
  kind: "stream",
  corpus: ascii("R1234\rR0480 \rR5000\rR300\r"),
  settle: ascii("\r"),
  open(emit) {
    const framer = createNumberLines("R", (value) => {
      if (!Number.isFinite(value)) throw new Error(`not a number: ${value}`);
      emit(value | 0);
    });
    return (bytes) => framer.push(bytes);
  },
};

const TFMINI = { head: [0x59, 0x59], bytes: 9 };
const summed: FuzzedDecoder = {
  name: "summed-frames",
  kind: "stream",
  corpus: Buffer.concat([
    encodeSummedFrame(TFMINI, [0x64, 0x00, 0x10, 0x27, 0x00, 0x00]),
    encodeSummedFrame(TFMINI, [0x59, 0x59, 0x59, 0x59, 0x59, 0x59]),
  ]),
  settle: new Uint8Array(9),
  open(emit) {
    const framer = createSummedFrames(TFMINI, (frame) => emit(digest(frame)));
    return (bytes) => framer.push(bytes);
  },
};

const slcan: FuzzedDecoder = {
  name: "slcan",
  kind: "stream",
  corpus: Buffer.concat([
    encodeSlcanHeard(0x0cf00400, Uint8Array.of(0xf0, 0x7d, 0x7d, 0x40, 0x1f, 0, 0xff, 0x7d)),
    ascii("\r"),
    encodeSlcanHeard(0x18feca00, Uint8Array.of(0x54, 0x55, 0x64, 0, 1, 1, 0xff, 0xff)),
  ]),
  settle: ascii("\r"),
  open(emit) {
    const transport = createJ1939Transport((pgn, from, data, length) => emit(digest(data, length, (pgn << 8) | from)));
    const framer = createSlcanFramer(
      (frame) => {
        emit(digest(frame.data, frame.length, frame.id));
        // Whatever the identifier says: the transport must bear it.
        transport.frame((frame.id >> 8) & 0x3ff00, frame.id & 0xff, (frame.id >> 8) & 0xff, frame.data, 0);
      },
      () => undefined,
    );
    return (bytes) => framer.push(bytes);
  },
};

const modbus: FuzzedDecoder = {
  name: "modbus-rtu",
  kind: "message",
  corpus: encodeModbusAnswer(1, 3, [0x01, 0x02, 0x03, 0x04]),
  open(emit) {
    return (bytes) => {
      // An answer is whole or not: it is judged byte by byte as it grows, as the master does it.
      const all = bytes.subarray(0, 256);
      for (let n = 1; n <= all.length; n++) {
        const word = judgeModbusAnswer(all, n, { slave: 1, fn: 3, count: 2 });
        if (word !== "more") return emit(word.length);
      }
    };
  },
};

const link: FuzzedDecoder = {
  name: "link",
  kind: "connection",
  corpus: Buffer.concat([
    encodeNote(1, { kind: "overflow", mono: 5, from: 1, to: 2 }),
    encodeAck(7),
    encodeNote(2, { kind: "anchor", mono: 5, offsetMs: 1e12, trust: "gnss", uncMs: 20 }),
    encodeScreen(["OK", "DEPTH  0.18/0.20 LOW"]),
  ]),
  // Out of step the link is closed, not resynchronised: both ends are our own.
  open(emit) {
    return createFrameReader(
      (frame) => emit(frame.number ^ frame.type.length),
      () => emit(-1),
    );
  },
};

/** Every decoder of bytes that come from outside a process. */
export const DECODERS: readonly FuzzedDecoder[] = [
  nmea,
  ubx,
  ubxNav,
  vedirect,
  lines,
  summed,
  slcan,
  modbus,
  link,
  compact,
];
