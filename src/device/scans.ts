import { type Block, createBlock } from "../model/block.ts";
import { QUALITY, UNUSABLE } from "../model/quality.ts";
import { decoderOf } from "./count-decoder.ts";
import type { I2cPlan } from "./define.ts";
import { codecOf } from "./encoding.ts";
import type { FailureLog } from "./failures.ts";
import type { SourceChannel, SourceSink } from "./source.ts";
import type { CountChannel, Frame } from "./table.ts";

/** The channels of one frame (of one tag, in a FIFO of several sensors): their samples between two deliveries. */
export interface ScanGroup {
  /** Scans taken since the last delivery. */
  readonly n: number;
  /** Their times (mono ms), shared by all channels of the group; a FIFO writes them after it has counted. */
  readonly t: Float64Array;
  /** Decodes one frame; every sample carries `q` besides what its own count says. */
  take(bytes: Uint8Array, at: number, tMs: number, q: number): void;
  /** A scan that should have been there: NaN, `missing` and `q` on every channel. */
  miss(tMs: number, q: number): void;
  /** Hands the samples to the sink; true when there were any. */
  deliver(): boolean;
}

/** What all groups of one source share. */
export interface Scans {
  readonly channels: readonly SourceChannel[];
  /** The group of a frame's channels; `tag` in FIFOs of several sensors. */
  group(frame: string, capacity: number, tag?: number): ScanGroup;
  /** Reads the flags that a frame carries. */
  flags(frame: string, bytes: Uint8Array): void;
  /** A part that is never still repeats itself. */
  readonly stuck: boolean;
  /** Constants of the part, for frames that are worked out with them. */
  readonly calibration: Uint8Array;
  /** Forgets what was seen, before the part starts anew. */
  reset(): void;
}

/** The name of a frame among those of its part. */
export function frameKey(frame: Frame): string {
  return frame.key ?? frame.reg ?? "";
}

/** The frames of a plan's verb, in table order; for a FIFO, its entry. */
export function framesOf(plan: I2cPlan): readonly (Frame & { readonly everyMs?: number })[] {
  const { read } = plan;
  if (read.verb === "poll") return read.frames;
  if (read.verb === "oneShot") return read.shots;
  return [{ reg: read.data, bytes: read.bytes }];
}

/** What a plan's channels are, as a running source tells it. */
export function channelsOf(plan: I2cPlan): SourceChannel[] {
  const frames = framesOf(plan);
  const first = frameKey(frames[0]!);
  return Object.entries(plan.channels).map(([key, table]) => {
    const everyMs = frames.find((f) => frameKey(f) === (table.frame ?? first))?.everyMs;
    const rateHz =
      everyMs !== undefined ? 1000 / everyMs : plan.read.verb === "streamFifo" ? plan.read.odrHz : undefined;
    const resolution = "scale" in table ? Math.abs(table.scale) : table.resolution;
    const { label, unit, range } = table;
    return { key, label, unit, range, resolution, ...(rateHz === undefined ? {} : { rateHz }) };
  });
}

export function createScans(plan: I2cPlan, sink: SourceSink, log: FailureLog): Scans {
  const channels = channelsOf(plan);
  const keys = Object.keys(plan.channels);
  const tables = Object.values(plan.channels);
  const first = frameKey(framesOf(plan)[0]!);
  const { counters } = log;
  const flagged = new Uint16Array(keys.length);
  const raised = new Uint8Array(plan.flags.length);
  const latest = new Float64Array(keys.length).fill(Number.NaN);
  const calibration = new Uint8Array((plan.calibration?.frames ?? []).reduce((sum, f) => sum + f.bytes, 0));
  const groups: { stuck: boolean; reset(): void }[] = [];

  /** Puts the bits of every raised flag on its channels. */
  function spread(): void {
    flagged.fill(0);
    for (let f = 0; f < plan.flags.length; f++) {
      const { channels: named, q } = plan.flags[f]!;
      if (raised[f] === 0) continue;
      for (let i = 0; i < keys.length; i++) if (named === undefined || named.includes(keys[i]!)) flagged[i]! |= q;
    }
  }

  function group(frame: string, capacity: number, tag?: number): ScanGroup {
    const mine = keys.flatMap((_, i) => {
      const table = tables[i]!;
      return (table.frame ?? first) === frame && ("tag" in table ? table.tag : undefined) === tag ? [i] : [];
    });
    const { decode, bytes: ownBytes = 0 } = framesOf(plan).find((f) => frameKey(f) === frame) ?? {};
    const decoders = decode === undefined ? mine.map((i) => decoderOf(tables[i] as CountChannel, i, keys)) : [];
    const values = new Float64Array(mine.length);
    const t = new Float64Array(capacity);
    const blocks: Block[] = mine.map(() => ({ ...createBlock(capacity), t }));
    const last = new Uint8Array(frameBytes(plan, frame));
    const isWatched = plan.stuckFrame === undefined || plan.stuckFrame === frame;
    const stuckAfter = (isWatched ? plan.stuckAfter : undefined) ?? Number.POSITIVE_INFINITY;
    const stuckBytes = Math.max(
      decode === undefined ? 0 : ownBytes,
      ...decoders.map((d) => d.byte + codecOf((tables[d.index] as CountChannel).encoding).bytes),
    );
    let n = 0;
    let repeats = 0;
    const mark = {
      stuck: false,
      reset() {
        n = 0;
        // A part that was stuck is so until it shows another frame: setting it up anew proves nothing.
        if (!mark.stuck) repeats = 0;
      },
    };
    groups.push(mark);

    /** Whether this frame repeats the one before for too long. */
    function repeated(bytes: Uint8Array, at: number): boolean {
      let same = true;
      for (let i = 0; i < stuckBytes; i++) {
        const byte = bytes[at + i]!;
        if (byte !== last[i]) {
          same = false;
          last[i] = byte;
        }
      }
      repeats = same ? repeats + 1 : 0;
      const stuck = repeats >= stuckAfter;
      if (stuck && !mark.stuck) log.count("stuck");
      mark.stuck = stuck;
      return stuck;
    }

    function put(c: number, index: number, x: number, q: number): void {
      const bits = q | flagged[index]!;
      const block = blocks[c]!;
      if ((bits & QUALITY.missing) !== 0 || Number.isNaN(x)) {
        block.x[n] = Number.NaN;
        block.q[n] = bits | QUALITY.missing;
        counters.missing += 1;
      } else {
        block.x[n] = x;
        block.q[n] = bits;
      }
      if (bits !== 0) {
        if ((bits & QUALITY.clipped) !== 0) counters.clipped += 1;
        if ((bits & QUALITY.range) !== 0) counters.implausible += 1;
        if ((bits & QUALITY.fault) !== 0) counters.fault += 1;
      }
    }

    function takeCounts(bytes: Uint8Array, at: number, q: number): void {
      for (let c = 0; c < decoders.length; c++) {
        const d = decoders[c]!;
        let count = d.read(bytes, at + d.byte);
        if (d.ratioIndex >= 0) count *= d.ratioCount / latest[d.ratioIndex]!;
        let bits = q;
        if (!(count > d.calmFrom && count < d.calmTo))
          for (const band of d.bands) {
            if (!(count >= band.from && count <= band.to)) continue;
            bits |= band.q;
            // A code for "no value" is not a count: nothing else follows from it.
            if ((band.q & QUALITY.missing) !== 0) break;
          }
        const x = count * d.scale + d.offset;
        if ((bits | flagged[d.index]!) === 0 && !Number.isNaN(x)) {
          const block = blocks[c]!;
          block.x[n] = x;
          block.q[n] = 0;
          latest[d.index] = count;
        } else {
          latest[d.index] = (bits & UNUSABLE) === 0 ? count : Number.NaN;
          put(c, d.index, x, bits);
        }
      }
    }

    function takeValues(q: number): void {
      for (let c = 0; c < values.length; c++) {
        const index = mine[c]!;
        const x = values[c]!;
        const [low, high] = channels[index]!.range;
        put(c, index, x, x < low || x > high ? q | QUALITY.suspect | QUALITY.range : q);
      }
    }

    return {
      get n() {
        return n;
      },
      t,
      take(bytes, at, tMs, q) {
        if (n === capacity) return;
        t[n] = tMs;
        const bits =
          stuckBytes > 0 && stuckAfter < Infinity && repeated(bytes, at) ? q | QUALITY.stuck | QUALITY.suspect : q;
        if (decode !== undefined) {
          decode(bytes, calibration, values);
          takeValues(bits);
        } else takeCounts(bytes, at, bits);
        n += 1;
        counters.samples += mine.length;
      },
      miss(tMs, q) {
        if (n === capacity) return;
        t[n] = tMs;
        for (let c = 0; c < mine.length; c++) put(c, mine[c]!, Number.NaN, q | QUALITY.missing);
        n += 1;
      },
      deliver() {
        if (n === 0) return false;
        for (let c = 0; c < mine.length; c++) {
          blocks[c]!.n = n;
          sink.block(mine[c]!, blocks[c]!);
        }
        n = 0;
        return mine.length > 0;
      },
    };
  }

  return {
    channels,
    calibration,
    group,
    flags(frame, bytes) {
      let changed = false;
      for (let f = 0; f < plan.flags.length; f++) {
        const flag = plan.flags[f]!;
        if (flag.frame !== frame) continue;
        const set = (bytes[flag.byte]! & flag.mask) === flag.equals ? 1 : 0;
        if (set !== raised[f]) changed = true;
        raised[f] = set;
      }
      if (changed) spread();
    },
    get stuck() {
      return groups.some((g) => g.stuck);
    },
    reset() {
      raised.fill(0);
      flagged.fill(0);
      latest.fill(Number.NaN);
      for (const g of groups) g.reset();
    },
  };
}

function frameBytes(plan: I2cPlan, frame: string): number {
  return framesOf(plan).find((f) => frameKey(f) === frame)?.bytes ?? 0;
}
