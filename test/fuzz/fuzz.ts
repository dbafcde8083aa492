import type { FuzzedDecoder } from "./decoders.ts";

/** What a run of the fuzzer found; `slowestMs` is the longest a single input took. */
export interface FuzzResult {
  readonly decoder: string;
  readonly inputs: number;
  readonly frames: number;
  readonly slowestMs: number;
}

/**
 * Drives a decoder over `runs` damaged streams: bytes changed, left out, doubled, cut short, or all random. Throws with seed and
 * run when the decoder does, when bytes cut in two give other frames than whole, or when good frames that follow the damage
 * are not all read once the decoder had a chance to find its place again. Ends early after `limitMs`.
 */
export function fuzzDecoder(
  decoder: FuzzedDecoder,
  seed: number,
  runs: number,
  limitMs = Number.POSITIVE_INFINITY,
): FuzzResult {
  let x = seed >>> 0 || 1;
  const random = (n: number): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % n;
  };
  const { corpus, settle } = decoder;
  const good = decoder.decode([corpus]);
  if (good.length === 0) throw new Error(`${decoder.name}: the corpus gives nothing`);
  let frames = 0;
  let slowestMs = 0;

  function damaged(): Uint8Array {
    const kind = random(8);
    if (kind === 0) return Uint8Array.from({ length: random(200) }, () => random(256));
    let bytes = Buffer.from(corpus);
    for (let hits = random(6); hits > 0; hits--) bytes[random(bytes.length)] = random(256);
    const at = random(bytes.length);
    if (kind === 1) bytes = bytes.subarray(0, at);
    if (kind === 2)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random(5)))]);
    if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(bytes.length))]);
    return bytes;
  }

  const endMs = performance.now() + limitMs;
  let run = 0;
  for (; run < runs; run++) {
    if ((run & 1023) === 0 && performance.now() > endMs) break;
    const head = damaged();
    // Two good corpora: a half frame at the end of the damage may take the first with it, never the second.
    const bytes = settle === undefined ? head : Buffer.concat([head, settle, corpus, corpus]);
    const cut = random(bytes.length + 1);
    const before = performance.now();
    const whole = decoder.decode([bytes]);
    slowestMs = Math.max(slowestMs, performance.now() - before);
    const halves = decoder.decode([bytes.subarray(0, cut), bytes.subarray(cut)]);
    const where = `${decoder.name}, seed ${seed}, run ${run}`;
    if (whole.join() !== halves.join()) throw new Error(`${where}: cut at ${cut} gives other frames`);
    if (settle !== undefined && whole.slice(-good.length).join() !== good.join()) {
      throw new Error(`${where}: good frames were lost after ${Buffer.from(head).toString("hex")}`);
    }
    frames += whole.length;
  }
  return { decoder: decoder.name, inputs: run, frames, slowestMs };
}
