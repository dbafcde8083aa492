import { createVeDirectFramer, encodeVeDirect } from "../codec/vedirect.ts";
import type { ChannelSpec } from "../model/channel.ts";
import type { SerialOutput, SerialProtocol, SerialTwin, SerialTwinSpec } from "./serial-device.ts";

/** A channel of a VE.Direct product: the label of its field, and what one count of it is worth. */
export interface VeDirectChannel extends ChannelSpec {
  readonly field: string;
  readonly scale: number;
  /** The field is ON or OFF. */
  readonly isSwitch?: true;
  /** A number that says that there is none. */
  readonly absent?: number;
}
export type VeDirectTable = Readonly<Record<string, VeDirectChannel>>;

/** Blocks come each second; some products divide their fields over two. */
const BLOCK_MS = 1000;
const INTEGER = /^-?\d{1,12}$/;

/** NaN for what is absent (`---`); undefined for what is not a value of this field. */
function fieldValue(channel: VeDirectChannel, text: string): number | undefined {
  if (text === "---") return Number.NaN;
  if (channel.isSwitch) return text.toUpperCase() === "ON" ? 1 : text.toUpperCase() === "OFF" ? 0 : undefined;
  const n = INTEGER.test(text) ? Number(text) : undefined;
  return n === channel.absent && n !== undefined ? Number.NaN : n === undefined ? n : n * channel.scale;
}

/** Each block that carries at least one channel is a scan, as of its first byte. */
export function veDirectProtocol(table: VeDirectTable, out: SerialOutput): SerialProtocol {
  const channels = Object.values(table);
  const own = { badFields: 0 };
  const framer = createVeDirectFramer((fields, startedMs) => {
    out.verified(true);
    let some = false;
    for (let i = 0; i < channels.length; i++) {
      const text = fields.get(channels[i]!.field);
      if (text === undefined) continue;
      const x = fieldValue(channels[i]!, text);
      if (x === undefined) {
        own.badFields++;
        continue;
      }
      out.put(i, x, 0);
      some = true;
    }
    if (some) out.scan(startedMs);
    else out.heard(startedMs);
  });
  return {
    get counters() {
      return { ...framer.counters, ...own };
    },
    take: (chunk, atMs) => framer.push(chunk, atMs),
    reset: () => framer.reset(),
  };
}

/** A product that sends a block a second with what the scene knows; the rest is absent. */
export function veDirectTwin(table: VeDirectTable, spec: SerialTwinSpec): SerialTwin {
  let dueMs = spec.startMs;
  return {
    get dueMs() {
      return dueMs;
    },
    step(nowMs) {
      while (dueMs < nowMs - 2 * BLOCK_MS) dueMs += BLOCK_MS;
      const fields = Object.entries(table).map(([key, channel]): [string, string] => {
        const x = spec.value(key, dueMs);
        if (x === undefined) return [channel.field, "---"];
        return [channel.field, channel.isSwitch ? (x >= 0.5 ? "ON" : "OFF") : `${Math.round(x / channel.scale)}`];
      });
      spec.send(encodeVeDirect(fields));
      dueMs += BLOCK_MS;
    },
  };
}
