import { encodeUbx } from "./ubx-framer.ts";

/** One item of a u-blox receiver's configuration: its key and the value wanted. */
export interface UbxItem {
  readonly key: number;
  readonly value: number;
}

export const UBX_ACK = { cls: 0x05, ack: 0x01, nak: 0x00 } as const;
export const UBX_CFG = { cls: 0x06, valset: 0x8a, valget: 0x8b } as const;
export const UBX_MON_VER = { cls: 0x0a, id: 0x04 } as const;

const RAM = 1;
const HEAD = 4;

/** Bytes of a value, which bits 30 to 28 of its key tell; 0 for a key that is none. */
export function valueBytes(key: number): number {
  return [0, 1, 1, 2, 4, 8, 0, 0][(key >>> 28) & 7]!;
}

function items(list: readonly UbxItem[]): number[] {
  return list.flatMap(({ key, value }) => [...little(key, 4), ...little(value, valueBytes(key))]);
}

function little(x: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => Math.floor(x / 2 ** (8 * i)) & 0xff);
}

/** UBX-CFG-VALSET into RAM only: nothing wears out, and a receiver that was switched off is as its maker left it. */
export function encodeValset(list: readonly UbxItem[]): Uint8Array {
  return encodeUbx(UBX_CFG.cls, UBX_CFG.valset, Uint8Array.from([0, RAM, 0, 0, ...items(list)]));
}

/** UBX-CFG-VALGET of what is in force. */
export function encodeValget(keys: readonly number[]): Uint8Array {
  return encodeUbx(UBX_CFG.cls, UBX_CFG.valget, Uint8Array.from([0, 0, 0, 0, ...keys.flatMap((k) => little(k, 4))]));
}

/** The answer to a VALGET: the inverse of `decodeItems`. */
export function encodeValues(list: readonly UbxItem[]): Uint8Array {
  return encodeUbx(UBX_CFG.cls, UBX_CFG.valget, Uint8Array.from([1, 0, 0, 0, ...items(list)]));
}

/** Keys and values in the payload of a VALSET or of the answer to a VALGET, as far as they can be read. */
export function decodeItems(payload: Uint8Array): UbxItem[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const list: UbxItem[] = [];
  for (let at = HEAD; at + 4 < payload.length; ) {
    const key = view.getUint32(at, true);
    const bytes = valueBytes(key);
    if (bytes === 0 || at + 4 + bytes > payload.length) break;
    let value = 0;
    for (let i = 0; i < bytes; i++) value += payload[at + 4 + i]! * 2 ** (8 * i);
    list.push({ key, value });
    at += 4 + bytes;
  }
  return list;
}

/** The keys a VALGET asks for. */
export function decodeKeys(payload: Uint8Array): number[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const keys: number[] = [];
  for (let at = HEAD; at + 4 <= payload.length; at += 4) keys.push(view.getUint32(at, true));
  return keys;
}
