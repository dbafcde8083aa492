import { QUALITY } from "../model/quality.ts";
import { clipOf } from "./count-decoder.ts";
import type { I2cPlan } from "./define.ts";
import { codecOf } from "./encoding.ts";
import { frameKey, framesOf } from "./scans.ts";
import type { CountChannel, Frame } from "./table.ts";

/** What the twin's world is: the value of a channel at an instant, undefined where there is none. */
export type TwinValue = (channelKey: string, tMs: number) => number | undefined;

/** Values into bytes: the inverse of decoding. */
export interface TwinCodec {
  /** Puts the channels of a frame (of one tag) as they are at `tMs` into `into` from `at`; checksums are not made here. */
  encode(frame: string, tMs: number, into: Uint8Array, at: number, tag?: number): void;
  /** Puts one channel as it is at `tMs` at byte `at`, wherever its frame has it. */
  put(key: string, tMs: number, into: Uint8Array, at: number): void;
  /** The count that a channel shows at `tMs`. */
  count(key: string, tMs: number): number;
}

export function createTwinCodec(plan: I2cPlan, value: TwinValue): TwinCodec {
  const first = frameKey(framesOf(plan)[0]!);
  const keys = Object.keys(plan.channels);
  const calibration = Uint8Array.from(plan.calibration?.example ?? []);

  function count(key: string, tMs: number): number {
    const channel = plan.channels[key] as CountChannel;
    const { lowest, highest } = codecOf(channel.encoding);
    const x = value(key, tMs);
    if (x === undefined) {
      const none = channel.bands?.find((band) => (band.q & QUALITY.missing) !== 0);
      return none === undefined ? 0 : Math.max(none.from, Math.min(none.to, 0), lowest);
    }
    const [low, high] = clipOf(channel) ?? [lowest, highest];
    let exact = (x - (channel.offset ?? 0)) / channel.scale;
    if (channel.ratio !== undefined) exact *= count(channel.ratio.channel, tMs) / channel.ratio.count;
    return Math.round(Math.max(low, lowest, Math.min(high, highest, exact)));
  }

  return {
    count,
    put(key, tMs, into, at) {
      codecOf((plan.channels[key] as CountChannel).encoding).write(count(key, tMs), into, at);
    },
    encode(frame, tMs, into, at, tag) {
      const mine = keys.filter((key) => {
        const channel = plan.channels[key]!;
        return (channel.frame ?? first) === frame && ("tag" in channel ? channel.tag : undefined) === tag;
      });
      const table: Frame | undefined = framesOf(plan).find((f) => frameKey(f) === frame);
      if (table?.encode !== undefined) {
        const values = Float64Array.from(mine, (key) => value(key, tMs) ?? Number.NaN);
        table.encode(values, calibration, into.subarray(at, at + table.bytes));
        return;
      }
      for (const key of mine) {
        const channel = plan.channels[key] as CountChannel;
        codecOf(channel.encoding).write(count(key, tMs), into, at + channel.byte);
      }
    },
  };
}
