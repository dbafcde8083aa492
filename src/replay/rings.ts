import type { LoadedConfig } from "../config/loaded.ts";
import { createFrameReader, type Frame, type RingsWord } from "../link/frame.ts";
import { type Block, createBlock } from "../model/block.ts";
import { SwathError } from "../model/errors.ts";
import { encode, type Head } from "./format.ts";

/** Samples of different channels are played in turns of this length, in ms; shorter than a row waits for what comes late. */
const TURN_MS = 100;

/**
 * What the sampler told of its rings (frames of the link) as a recording: the samples of all channels in the order of their
 * instants, as if they came now. `config` is what the sampler ran. Throws `config/invalid` for what is no such answer.
 */
export function ringsAsRecording(frames: Uint8Array, config: LoadedConfig): Uint8Array {
  const { begin, pieces } = read(frames);
  const names = [...new Set(begin.channels.map((c) => c.part))];
  const parts: Head["parts"] = names.flatMap((name) => {
    const part = config.parts.find((p) => p.name === name);
    return part === undefined ? [] : [{ name, part: part.device.part, channels: part.channels.map((c) => c.key) }];
  });
  const { identity, machine, hash } = config;
  const startMs = Math.min(...pieces.map((p) => p.block.t[0]!));
  const head = { config: hash, unit: identity.unit, machine, startMs, buses: [], parts };
  const turns = pieces.flatMap(({ channel, block }) => {
    const told = begin.channels[channel];
    const part = parts.findIndex((p) => p.name === told?.part);
    if (told === undefined || part < 0) return [];
    return cut(block, startMs).map((turn) => ({ part, channel: told.channel, turn, toMs: turn.t[turn.n - 1]! }));
  });
  turns.sort((a, b) => a.toMs - b.toMs || a.part - b.part || a.channel - b.channel);
  const lastMs = turns.at(-1)?.toMs ?? startMs;
  return Buffer.concat([
    encode.head(startMs, { software: "the rings", ...head }),
    ...turns.map(({ part, channel, turn, toMs }) => encode.block(toMs, part, channel, turn)),
    encode.end(lastMs, "asked"),
  ]);
}

interface Piece {
  readonly channel: number;
  readonly block: Block;
}

function read(bytes: Uint8Array): { begin: Extract<RingsWord, { word: "begin" }>; pieces: Piece[] } {
  const frames: Frame[] = [];
  const reader = createFrameReader(
    (frame) => frames.push(frame),
    () => undefined,
  );
  reader(bytes);
  const [first] = frames;
  const pieces = frames.flatMap((f) => (f.type === "samples" && f.block.n > 0 ? [f] : []));
  if (first?.type !== "rings" || first.body.word !== "begin" || pieces.length === 0)
    throw new SwathError("config/invalid", "this is not what a sampler tells of its rings");
  return { begin: first.body, pieces };
}

/** A block in turns: none reaches over a whole multiple of `TURN_MS` after the start. */
function cut({ n, t, x, q }: Block, startMs: number): Block[] {
  const turnOf = (ms: number) => Math.floor((ms - startMs) / TURN_MS);
  const out: Block[] = [];
  for (let from = 0; from < n; ) {
    let to = from + 1;
    while (to < n && turnOf(t[to]!) === turnOf(t[from]!)) to++;
    const block = createBlock(to - from);
    block.n = to - from;
    block.t.set(t.subarray(from, to));
    block.x.set(x.subarray(from, to));
    block.q.set(q.subarray(from, to));
    out.push(block);
    from = to;
  }
  return out;
}
