/** Reads of registers: holding (3) and input (4). No other function is ever written. */
export type ModbusFunction = 3 | 4;
/** How the bytes of registers make a number; `swapped` for 32 bits means the low word comes first. */
export const MODBUS_TYPES = ["u16", "i16", "u32", "i32", "f32", "u32swapped", "i32swapped", "f32swapped"] as const;
export type ModbusType = (typeof MODBUS_TYPES)[number];

/** CRC-16 of the first `n` bytes: polynomial 0xA001, start 0xFFFF; sent low byte first. */
export function modbusCrc(bytes: Uint8Array, n: number): number {
  let crc = 0xffff;
  for (let i = 0; i < n; i++) {
    crc ^= bytes[i]!;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0xa001;
  }
  return crc;
}

function withCrc(body: readonly number[]): Uint8Array {
  const frame = Uint8Array.from([...body, 0, 0]);
  const crc = modbusCrc(frame, body.length);
  frame[body.length] = crc & 0xff;
  frame[body.length + 1] = crc >> 8;
  return frame;
}

/** Registers that a type takes. */
export function registersOf(type: ModbusType): 1 | 2 {
  return type === "u16" || type === "i16" ? 1 : 2;
}

/** The request for `count` registers from `register`. */
export function encodeModbusRead(slave: number, fn: ModbusFunction, register: number, count: number): Uint8Array {
  return withCrc([slave, fn, register >> 8, register & 0xff, count >> 8, count & 0xff]);
}

/** The answer with these register bytes, or the exception: what a slave sends. */
export function encodeModbusAnswer(slave: number, fn: number, data: readonly number[]): Uint8Array {
  return withCrc([slave, fn, data.length, ...data]);
}
export function encodeModbusException(slave: number, fn: number, code: number): Uint8Array {
  return withCrc([slave, fn | 0x80, code]);
}

/** What an answer amounts to. `more`: it is not all there. */
export type ModbusAnswer = "more" | "values" | "exception" | "crc" | "stranger";

/** Judges the bytes so far of the answer to a read of `count` registers. */
export function judgeModbusAnswer(
  bytes: Uint8Array,
  length: number,
  asked: { readonly slave: number; readonly fn: ModbusFunction; readonly count: number },
): ModbusAnswer {
  if (length < 5) return "more";
  const isException = bytes[1] === (asked.fn | 0x80);
  const wanted = isException ? 5 : 5 + 2 * asked.count;
  const isOurs = bytes[0] === asked.slave && (isException || (bytes[1] === asked.fn && bytes[2] === 2 * asked.count));
  if (!isOurs) return "stranger";
  if (length < wanted) return "more";
  const crc = modbusCrc(bytes, wanted - 2);
  if (bytes[wanted - 2] !== (crc & 0xff) || bytes[wanted - 1] !== crc >> 8) return "crc";
  return length > wanted ? "stranger" : isException ? "exception" : "values";
}

/** The number in register bytes from `at`. */
export function readModbusValue(type: ModbusType, bytes: Uint8Array, at: number): number {
  const view = new DataView(new ArrayBuffer(4));
  const isSwapped = type.endsWith("swapped");
  for (let i = 0; i < 4; i++) view.setUint8(i, bytes[at + (isSwapped ? i ^ 2 : i)] ?? 0);
  if (type === "u16") return view.getUint16(0);
  if (type === "i16") return view.getInt16(0);
  if (type.startsWith("u32")) return view.getUint32(0);
  return type.startsWith("i32") ? view.getInt32(0) : view.getFloat32(0);
}

/** The register bytes of a number: the inverse of `readModbusValue`. */
export function writeModbusValue(type: ModbusType, x: number): number[] {
  const view = new DataView(new ArrayBuffer(4));
  if (registersOf(type) === 1) view.setUint16(0, Math.round(x) & 0xffff);
  else if (type.startsWith("f32")) view.setFloat32(0, x);
  else view.setUint32(0, Math.round(x) >>> 0);
  const bytes = [0, 1, 2, 3].map((i) => view.getUint8(type.endsWith("swapped") ? i ^ 2 : i));
  return bytes.slice(0, 2 * registersOf(type));
}
