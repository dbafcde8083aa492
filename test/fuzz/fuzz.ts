import type { FuzzedDecoder } from "./decoders.ts";

/** What a run of the fuzzer found; `slowestMs` is the longest a single input took. */
export interface FuzzResult {
  readonly decoder: string;
  readonly inputs: number;
  readonly frames: number;
  readonly slowestMs: number;
}

/** A stream is asked to prove that it found its place again after every so many inputs. */
const INPUTS_PER_PROOF = 8;

/** The digests of one input's frames, in a buffer that is used again. */
function ear() {
  const heard = { digests: new Int32Array(4096), n: 0 };
  return {
    heard,
    emit(digest: number): void {
      if (heard.n === heard.digests.length) throw new Error("more frames than an input can hold");
      heard.digests[heard.n++] = digest;
    },
  };
}
type Heard = ReturnType<typeof ear>["heard"];

function same(a: Heard, b: Heard): boolean {
  if (a.n !== b.n) return false;
  for (let i = 0; i < a.n; i++) if (a.digests[i] !== b.digests[i]) return false;
  return true;
}

/**
 * Drives a decoder over `runs` damaged inputs: bytes changed, left out, doubled, cut short, or all random. Throws with seed and
 * run when the decoder does, when bytes cut in two give other frames than whole, or when good frames that follow the damage
 * are not all read once a stream had a chance to find its place again. Ends early after `limitMs`.
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
  const { corpus, settle, kind } = decoder;
  const good = ear();
  decoder.open(good.emit)(corpus);
  if (good.heard.n === 0) throw new Error(`${decoder.name}: the corpus gives nothing`);
  // Two good corpora: a half frame at the end of the damage may take the first with it, never the second.
  const proof = Buffer.concat([settle ?? new Uint8Array(0), corpus, corpus]);
  const input = Buffer.alloc(Math.max(2 * corpus.length, 200) + proof.length);

  const whole = ear();
  const parts = ear();
  let takeWhole = decoder.open(whole.emit);
  let takeParts = decoder.open(parts.emit);
  let frames = 0;
  let slowestMs = 0;

  /** Writes a damaged input at the start of `input` and returns its length in bytes. */
  function damaged(): number {
    const how = random(8);
    if (how === 0) {
      const n = random(200);
      for (let i = 0; i < n; i++) input[i] = random(256);
      return n;
    }
    input.set(corpus);
    for (let hits = random(6); hits > 0; hits--) input[random(corpus.length)] = random(256);
    const at = random(corpus.length);
    if (how === 1) return at;
    if (how > 3) return corpus.length;
    // Left out (2), or some of it left out or sent twice (3).
    const from = how === 2 ? Math.min(corpus.length, at + 1 + random(5)) : random(corpus.length);
    const tail = corpus.subarray(from);
    input.set(tail, at);
    return at + tail.length;
  }

  const endMs = performance.now() + limitMs;
  let run = 0;
  for (; run < runs; run++) {
    if ((run & 1023) === 0 && performance.now() > endMs) break;
    let n = damaged();
    const mustFind = kind === "stream" && run % INPUTS_PER_PROOF === 0;
    if (mustFind) {
      input.set(proof, n);
      n += proof.length;
    }
    whole.heard.n = 0;
    parts.heard.n = 0;
    if (kind === "connection") {
      takeWhole = decoder.open(whole.emit);
      takeParts = decoder.open(parts.emit);
    }
    const bytes = input.subarray(0, n);
    const before = performance.now();
    takeWhole(bytes);
    slowestMs = Math.max(slowestMs, performance.now() - before);
    frames += whole.heard.n;
    if (kind === "message") continue;
    const cut = random(n + 1);
    takeParts(bytes.subarray(0, cut));
    takeParts(bytes.subarray(cut));
    const where = `${decoder.name}, seed ${seed}, run ${run}`;
    if (!same(whole.heard, parts.heard)) throw new Error(`${where}: cut at ${cut} gives other frames`);
    if (mustFind) {
      const last = whole.heard.digests.subarray(whole.heard.n - good.heard.n, whole.heard.n);
      if (whole.heard.n < good.heard.n || last.some((d, i) => d !== good.heard.digests[i])) {
        throw new Error(`${where}: good frames were lost after ${bytes.toString("hex")}`);
      }
    }
  }
  return { decoder: decoder.name, inputs: run, frames, slowestMs };
}
