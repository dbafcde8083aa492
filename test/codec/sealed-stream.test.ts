import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createSealer, FRAME_MAX_BYTES, openSealed, readSealedHead } from "../../src/codec/sealed-stream.ts";
import fc from "../properties.ts";

const reader = generateKeyPairSync("x25519");
const CHUNK = 65_536;
const SEALED = CHUNK + 16;

function sealed(frames: readonly Uint8Array[], to: KeyObject = reader.publicKey): Buffer {
  const sealer = createSealer('{"a":"é"}', to, generateKeyPairSync("x25519").privateKey);
  return Buffer.concat([sealer.head, ...frames.map((frame) => sealer.push(frame)), sealer.end()]);
}

function opened(file: Uint8Array, key = reader.privateKey) {
  const out = openSealed(file, key);
  return "refused" in out ? { frames: [], damaged: [], ended: false, refused: out.refused } : { ...out, refused: "" };
}

const areSame = (some: readonly Buffer[], others: readonly Uint8Array[]) =>
  some.length === others.length && some.every((one, i) => one.equals(others[i]!));

const isSame = (file: Uint8Array, frames: readonly Uint8Array[]) => {
  const { frames: read, damaged, ended } = opened(file);
  return ended && damaged.length === 0 && areSame(read, frames);
};

/** Frames that tell which they are, however long. */
const numbered = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, i) => Buffer.alloc(bytes, `${i} `));
const headOf = (file: Buffer) => {
  const read = readSealedHead(file);
  if ("refused" in read) throw new Error(read.refused);
  return read.head.length;
};

describe("a sealed stream", () => {
  it.each([0, 1, CHUNK - 9, CHUNK - 8, CHUNK - 7, CHUNK, 3 * CHUNK + 7])("of a frame of %i bytes opens to it", (n) => {
    const frames = [Buffer.alloc(n, "swath"), Buffer.from("behind it")];
    expect(isSame(sealed(frames), frames)).toBe(true);
    expect(isSame(sealed(frames.slice(0, 1)), frames.slice(0, 1))).toBe(true);
    expect(isSame(sealed([]), [])).toBe(true);
    expect(readSealedHead(sealed(frames))).toMatchObject({ header: '{"a":"é"}' });
  });

  it("gives back any frames, and behind a damaged chunk all that do not touch it", () => {
    const lengths = fc.array(fc.oneof(fc.nat(300), fc.nat(90_000)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(lengths, fc.nat(), fc.nat(), (bytes, at, cut) => {
        const frames = bytes.map((n, i) => Buffer.alloc(n, `${i} `));
        const file = sealed(frames);
        expect(isSame(file, frames)).toBe(true);
        const head = headOf(file);
        const place = head + (at % (file.length - head));
        const [from, upTo] = [place - ((place - head) % SEALED), place - ((place - head) % SEALED) + SEALED];
        const changed = Buffer.from(file);
        changed[place]! ^= 1 << (cut % 8);
        // Where each frame lies among the bytes that are sealed, by hand: 4 of each chunk are its own.
        let stream = 0;
        const kept = frames.filter((frame) => {
          const [first, last] = [stream, stream + frame.length + 3].map(
            (x) => head + Math.floor(x / (CHUNK - 4)) * SEALED,
          );
          stream += frame.length + 4;
          return first! >= upTo || last! < from;
        });
        const read = opened(changed);
        expect(areSame(read.frames, kept)).toBe(true);
        expect(read.damaged.length === 1 || read.refused !== "").toBe(true);
        const prefix = opened(file.subarray(0, place));
        expect(prefix.ended).toBe(false);
        expect(areSame(frames.slice(0, prefix.frames.length), prefix.frames)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it("shows every changed byte and every cut", () => {
    const file = sealed([Buffer.from("twelve bytes")]);
    let flips = 0;
    let cuts = 0;
    for (let i = 0; i < file.length; i++) {
      for (const mask of [0x01, 0x80]) {
        const changed = Buffer.from(file);
        changed[i]! ^= mask;
        if (opened(changed).refused !== "") flips++;
      }
      if (opened(file.subarray(0, i)).refused !== "") cuts++;
    }
    console.log(
      `sealed stream of ${file.length} bytes: ${flips} of ${2 * file.length} changes and ${cuts} of ${file.length} cuts refused`,
    );
    expect([flips, cuts]).toEqual([2 * file.length, file.length]);
    expect(opened(file).refused).toBe("");
  });

  it("takes no chunk that is missing, exchanged, doubled, of another stream, or behind the end", () => {
    const frames = numbered(300, 1000);
    const file = sealed(frames);
    const start = headOf(file);
    const chunk = (i: number) => file.subarray(start + i * SEALED, Math.min(start + (i + 1) * SEALED, file.length));
    const [head, last] = [file.subarray(0, start), chunk(4)];
    const of = (...chunks: Buffer[]) => opened(Buffer.concat([head, ...chunks]));
    expect(of(chunk(0), chunk(1), chunk(2), chunk(3), last)).toMatchObject({ ended: true, damaged: [] });
    const other = sealed(frames);
    for (const chunks of [
      [chunk(0), chunk(1)],
      [chunk(0), chunk(1), chunk(2), chunk(3)],
      [chunk(0), chunk(1), chunk(2), last],
      [chunk(0), chunk(2), chunk(1), chunk(3), last],
      [chunk(0), chunk(1), chunk(1), chunk(2), chunk(3), last],
      [chunk(0), chunk(1), chunk(2), chunk(3), last, Buffer.of(0)],
      [chunk(0), chunk(1), chunk(2), chunk(3), last, last],
      [chunk(0), other.subarray(headOf(other) + SEALED)],
    ]) {
      const { frames: read, damaged, ended } = of(...chunks);
      expect(damaged.length > 0 || !ended).toBe(true);
      // In order, each once, none of another stream.
      const places = read.map((frame) => frames.findIndex((one) => one.equals(frame)));
      expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
    }
    expect(of(last).refused).not.toBe("");
  });

  it("opens for no other key", () => {
    expect(opened(sealed([Buffer.from("x")]), generateKeyPairSync("x25519").privateKey).refused).not.toBe("");
  });

  it("takes no frame that a reader would not", () => {
    expect(() => sealed([Buffer.alloc(FRAME_MAX_BYTES + 1)])).toThrow(RangeError);
  });

  it("never throws, whatever the bytes are", () => {
    const { privateKey } = reader;
    const key = createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, withMagic) => {
        const file = withMagic ? Buffer.concat([Buffer.from("SWATHSR1\0\0\0\0"), bytes]) : bytes;
        expect(opened(file, key).refused).not.toBe("");
      }),
    );
  });
});
