import { type Block, createBlock } from "../../../src/model/block.ts";
import { QUALITY } from "../../../src/model/quality.ts";

/** A damped half-sine: a pulse and the ringing after it. Times in ms, peak in m/s2. */
export interface TestBlow {
  readonly atMs: number;
  readonly peak: number;
  readonly pulseMs: number;
  readonly ringHz: number;
  readonly decayMs: number;
}

export const blast = (atMs: number, peak = 1500): TestBlow => ({ atMs, peak, pulseMs: 4, ringHz: 120, decayMs: 30 });
export const stone = (atMs: number, peak = 300): TestBlow => ({ atMs, peak, pulseMs: 6, ringHz: 90, decayMs: 12 });

export function blowAt(blow: TestBlow, tMs: number): number {
  const since = tMs - blow.atMs;
  if (since < 0 || since > blow.pulseMs + 6 * blow.decayMs) return 0;
  if (since < blow.pulseMs) return blow.peak * Math.sin((Math.PI * since) / blow.pulseMs);
  const ring = since - blow.pulseMs;
  return -0.5 * blow.peak * Math.exp(-ring / blow.decayMs) * Math.sin((2 * Math.PI * blow.ringHz * ring) / 1000);
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function randomFrom(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let h = Math.imul(s ^ (s >>> 15), 1 | s);
    h = (h + Math.imul(h ^ (h >>> 7), 61 | h)) ^ h;
    return ((h ^ (h >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Normally distributed, by Box and Muller. */
export function normalFrom(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export const RANGE = 1962;

/** Fills `block` with samples from `fromMs` on, clipped at ±200 g as the part does. */
export function fill(block: Block, fromMs: number, periodMs: number, value: (tMs: number) => number): Block {
  block.n = block.t.length;
  for (let i = 0; i < block.n; i++) {
    const t = fromMs + i * periodMs;
    const v = value(t);
    block.t[i] = t;
    block.x[i] = Math.max(-RANGE, Math.min(RANGE, v));
    block.q[i] = Math.abs(v) >= RANGE ? QUALITY.clipped : 0;
  }
  return block;
}

export const block = (n: number): Block => createBlock(n);
