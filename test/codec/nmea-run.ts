import { nmeaChecksum } from "../../src/codec/nmea-encode.ts";
import { createEpochAssembler } from "../../src/codec/nmea-epoch.ts";
import type { Fix } from "../../src/codec/nmea-fix.ts";
import { createNmeaFramer } from "../../src/codec/nmea-framer.ts";
import { createNmeaParser } from "../../src/codec/nmea-parse.ts";

/** A body with `$`, checksum and line end around it. */
export function line(body: string): string {
  return `$${body}*${nmeaChecksum(body)}\r\n`;
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** Framer, parser and assembler in a row, as the source has them. */
export function createReceiver(dateFloor = "2024-01-01") {
  const fixes: Fix[] = [];
  const parser = createNmeaParser();
  const assembler = createEpochAssembler({ dateFloorMs: Date.parse(dateFloor), onFix: (fix) => fixes.push(fix) });
  const framer = createNmeaFramer((body, length, startedMs) => {
    const sentence = parser.parse(body, length);
    if (sentence !== undefined) assembler.sentence(sentence, startedMs);
  });
  return {
    fixes,
    assembler,
    push: (bytes: Uint8Array, atMs = 0) => framer.push(bytes, atMs),
    say: (...bodies: string[]) => {
      for (const body of bodies) framer.push(bytesOf(line(body)), 0);
      return fixes.length;
    },
    counters: () => ({ ...framer.counters, ...parser.counters, ...assembler.counters }),
  };
}

/** All that came of a stream, cut at the given places, and flushed at its end. */
export function receive(bytes: Uint8Array, cuts: readonly number[] = [], dateFloor?: string) {
  const receiver = createReceiver(dateFloor);
  let from = 0;
  for (const cut of [...cuts.filter((c) => c <= bytes.length).sort((a, b) => a - b), bytes.length]) {
    receiver.push(bytes.subarray(from, cut));
    from = cut;
  }
  receiver.assembler.flush();
  return { fixes: receiver.fixes, counters: receiver.counters() };
}
