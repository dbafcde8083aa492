import { QUALITY } from "../model/quality.ts";
import { clipOf } from "./count-decoder.ts";
import type { I2cPlan } from "./define.ts";
import { codecOf } from "./encoding.ts";
import { frameKey, framesOf } from "./scans.ts";
import type { ChannelTable, CountChannel, Frame } from "./table.ts";

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
  const frames = framesOf(plan);
  const first = frameKey(frames[0]!);
  const tables = Object.entries(plan.channels);
  const calibration = Uint8Array.from(plan.calibration?.example ?? []);
  const encoders = new Map(
    tables.flatMap(([key, table]) => ("encoding" in table ? [[key, createEncoder(key, table)] as const] : [])),
  );

  function createEncoder(key: string, channel: CountChannel) {
    const { lowest, highest, write } = codecOf(channel.encoding);
    const { scale, offset = 0, ratio } = channel;
    const [low, high] = clipOf(channel) ?? [lowest, highest];
    const none = channel.bands?.find((band) => (band.q & QUALITY.missing) !== 0);
    const noCount = none === undefined ? 0 : Math.max(none.from, Math.min(none.to, 0), lowest);

    function count(tMs: number): number {
      const x = value(key, tMs);
      if (x === undefined) return noCount;
      let exact = (x - offset) / scale;
      if (ratio !== undefined) exact *= encoders.get(ratio.channel)!.count(tMs) / ratio.count;
      return Math.round(Math.max(low, lowest, Math.min(high, highest, exact)));
    }
    return { count, write };
  }

  /** The channels of a frame, worked out once for each frame and tag. */
  const members = new Map<string, readonly (readonly [string, ChannelTable])[]>();
  function membersOf(frame: string, tag: number | undefined): readonly (readonly [string, ChannelTable])[] {
    const id = `${frame} ${tag}`;
    let mine = members.get(id);
    if (mine === undefined) {
      mine = tables.filter(([, c]) => (c.frame ?? first) === frame && ("tag" in c ? c.tag : undefined) === tag);
      members.set(id, mine);
    }
    return mine;
  }

  return {
    count: (key, tMs) => encoders.get(key)!.count(tMs),
    put(key, tMs, into, at) {
      const { count, write } = encoders.get(key)!;
      write(count(tMs), into, at);
    },
    encode(frame, tMs, into, at, tag) {
      const mine = membersOf(frame, tag);
      const table: Frame | undefined = frames.find((f) => frameKey(f) === frame);
      if (table?.encode !== undefined) {
        const values = Float64Array.from(mine, ([key]) => value(key, tMs) ?? Number.NaN);
        table.encode(values, calibration, into.subarray(at, at + table.bytes));
        return;
      }
      for (const [key, channel] of mine) {
        const { count, write } = encoders.get(key)!;
        write(count(tMs), into, at + (channel as CountChannel).byte);
      }
    },
  };
}
