import { QUALITY } from "../model/quality.ts";
import { codecOf } from "./encoding.ts";
import type { CountBand, CountChannel } from "./table.ts";

/** A channel ready to be decoded: its bands in order, and the counts between which none of them applies. */
export interface CountDecoder {
  readonly index: number;
  readonly byte: number;
  readonly read: (bytes: Uint8Array, at: number) => number;
  readonly scale: number;
  readonly offset: number;
  readonly calmFrom: number;
  readonly calmTo: number;
  readonly bands: readonly CountBand[];
  readonly ratioIndex: number;
  readonly ratioCount: number;
}

/** A clip limit as it applies at both ends. */
export function clipOf(channel: CountChannel): readonly [number, number] | undefined {
  return typeof channel.clip === "number" ? [-channel.clip, channel.clip] : channel.clip;
}

/** Makes a channel of a table ready; `keys` are all channels of the part, in order. */
export function decoderOf(channel: CountChannel, index: number, keys: readonly string[]): CountDecoder {
  const isNone = (band: CountBand) => (band.q & QUALITY.missing) !== 0;
  const own = channel.bands ?? [];
  const bands = [...own.filter(isNone), ...own.filter((band) => !isNone(band))];
  const clip = clipOf(channel);
  if (clip !== undefined) {
    bands.push({ from: Number.NEGATIVE_INFINITY, to: clip[0], q: QUALITY.clipped });
    bands.push({ from: clip[1], to: Number.POSITIVE_INFINITY, q: QUALITY.clipped });
  }
  if (channel.plausible !== undefined) {
    const q = QUALITY.suspect | QUALITY.range;
    bands.push({ from: Number.NEGATIVE_INFINITY, to: channel.plausible[0] - 1, q });
    bands.push({ from: channel.plausible[1] + 1, to: Number.POSITIVE_INFINITY, q });
  }
  // The calm middle is the widest gap around the middle of what the channel can show; most samples need no other test.
  const middle = clip === undefined ? (bands.length === 0 ? 0 : middleOf(channel)) : (clip[0] + clip[1]) / 2;
  let calmFrom = Number.NEGATIVE_INFINITY;
  let calmTo = Number.POSITIVE_INFINITY;
  for (const { from, to } of bands) {
    if (to < middle) calmFrom = Math.max(calmFrom, to);
    else if (from > middle) calmTo = Math.min(calmTo, from);
    else calmFrom = Number.POSITIVE_INFINITY;
  }
  return {
    index,
    byte: channel.byte,
    read: codecOf(channel.encoding).read,
    scale: channel.scale,
    offset: channel.offset ?? 0,
    calmFrom,
    calmTo,
    bands,
    ratioIndex: channel.ratio === undefined ? -1 : keys.indexOf(channel.ratio.channel),
    ratioCount: channel.ratio?.count ?? 0,
  };
}

function middleOf(channel: CountChannel): number {
  return ((channel.range[0] + channel.range[1]) / 2 - (channel.offset ?? 0)) / channel.scale;
}
