import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
} from "node:crypto";

/** First bytes of a sealed stream, with the version of its form. */
const MAGIC = Buffer.from("SWATHSR1", "latin1");
const INFO = "swath sealed stream 1";
const CHUNK_BYTES = 65_536;
const TAG_BYTES = 16;
const RAW_KEY_BYTES = 32;
const HEADER_MAX_BYTES = 4096;
/** A chunk begins with the place of the first frame that begins in it, and a frame with its length. */
const START_BYTES = 4;
const LENGTH_BYTES = 4;
const NO_FRAME = 0xffff_ffff;
/** Longest frame: more than the longest message of a unit. */
export const FRAME_MAX_BYTES = 8 << 20;
/** What stands before the 32 raw bytes of an X25519 public key in its SPKI form (RFC 8410). */
const SPKI = Buffer.from("302a300506032b656e032100", "hex");

const rawOf = (key: KeyObject): Buffer => {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return publicKey.export({ format: "der", type: "spki" }).subarray(-RAW_KEY_BYTES);
};

/** The id of an X25519 key, public or private: the first 8 bytes of the SHA-256 of its 32 raw public bytes, in hex. */
export function sealKeyIdOf(key: KeyObject): string {
  return createHash("sha256").update(rawOf(key)).digest("hex").slice(0, 16);
}

/**
 * The key of one stream: X25519 of a key pair made for it alone with the reader's, through HKDF-SHA-256. Both public keys and
 * all that stands before the chunks go into it, so that nothing of that can be changed.
 */
function streamKey(own: KeyObject, other: KeyObject, before: Uint8Array, ephemeral: Buffer, reader: Buffer): Buffer {
  const shared = diffieHellman({ privateKey: own, publicKey: other });
  const digest = createHash("sha256").update(before).digest();
  return Buffer.from(
    hkdfSync("sha256", shared, Buffer.concat([ephemeral, reader]), Buffer.concat([Buffer.from(INFO), digest]), 32),
  );
}

/** 11 bytes of the chunk's number, big-endian, and one that says whether it is the last. */
function nonceOf(chunk: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(chunk, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** Seals frames for one reader, as they come. */
export interface Sealer {
  /** What the stream begins with: magic, header as it stands, public key of this stream. */
  readonly head: Buffer;
  /** Whole chunks of what was given so far; may be empty. A frame has at most `FRAME_MAX_BYTES`. */
  push(frame: Uint8Array): Buffer;
  /** The last chunk. Nothing follows it. */
  end(): Buffer;
}

/**
 * A stream of frames that only the owner of an X25519 private key can read: AES-256-GCM in chunks of 64 KiB, whose number and
 * whether it is the last are in the nonce, so that order and end are authenticated. Each chunk says where its first frame
 * begins, so that one that is damaged costs only the frames in it. The header is authenticated and readable. `ephemeral` must
 * be made for this stream alone.
 */
export function createSealer(header: string, reader: KeyObject, ephemeral: KeyObject): Sealer {
  const text = Buffer.from(header);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  const publicBytes = rawOf(ephemeral);
  const head = Buffer.concat([MAGIC, length, text, publicBytes]);
  const key = streamKey(ephemeral, reader, head, publicBytes, rawOf(reader));
  const plain = Buffer.alloc(CHUNK_BYTES);
  let used = START_BYTES;
  let firstFrame = NO_FRAME;
  let chunk = 0;

  function seal(isLast: boolean): Buffer {
    plain.writeUInt32BE(firstFrame, 0);
    const cipher = createCipheriv("aes-256-gcm", key, nonceOf(chunk++, isLast));
    const sealed = Buffer.concat([cipher.update(plain.subarray(0, used)), cipher.final(), cipher.getAuthTag()]);
    used = START_BYTES;
    firstFrame = NO_FRAME;
    return sealed;
  }

  return {
    head,
    push(frame) {
      if (frame.length > FRAME_MAX_BYTES) throw new RangeError(`a frame of ${frame.length} bytes`);
      const all = Buffer.alloc(LENGTH_BYTES + frame.length);
      all.writeUInt32BE(frame.length, 0);
      all.set(frame, LENGTH_BYTES);
      const out: Buffer[] = [];
      // A full chunk waits for what follows: it may be the last.
      for (let at = 0; at < all.length; ) {
        if (used === CHUNK_BYTES) out.push(seal(false));
        if (at === 0 && firstFrame === NO_FRAME) firstFrame = used;
        const n = all.copy(plain, used, at);
        used += n;
        at += n;
      }
      return Buffer.concat(out);
    },
    end: () => seal(true),
  };
}

/** The readable part of a sealed stream. */
export interface SealedHead {
  readonly header: string;
  /** Magic, header and public key as they stand; the chunks follow. */
  readonly head: Buffer;
}

/** Reads what stands before the chunks, or says why it cannot. Nothing of it is proven before the stream is opened. */
export function readSealedHead(file: Uint8Array): SealedHead | { readonly refused: string } {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < MAGIC.length + 4 || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    return { refused: "it is not a file of records" };
  const length = bytes.readUInt32BE(MAGIC.length);
  const start = MAGIC.length + 4;
  if (length > HEADER_MAX_BYTES || bytes.length < start + length + RAW_KEY_BYTES)
    return { refused: "its end is missing, or its header is damaged" };
  return {
    header: bytes.toString("utf8", start, start + length),
    head: bytes.subarray(0, start + length + RAW_KEY_BYTES),
  };
}

/** What could be read of a sealed stream. */
export interface Opened {
  readonly frames: readonly Buffer[];
  /** Chunks that were changed, exchanged or cut, as bytes of the file from and up to. */
  readonly damaged: readonly (readonly [from: number, upTo: number])[];
  /** Whether its end was there: nothing was cut off behind what is told here. */
  readonly ended: boolean;
}

/** Every frame that lies in chunks which verify; or why there is none: another reader's key, or damage of what all depends on. */
export function openSealed(file: Uint8Array, key: KeyObject): Opened | { readonly refused: string } {
  const read = readSealedHead(file);
  if ("refused" in read) return read;
  const { head } = read;
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const ephemeral = head.subarray(-RAW_KEY_BYTES);
  let secret: Buffer;
  try {
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI, ephemeral]), format: "der", type: "spki" });
    secret = streamKey(key, publicKey, head, ephemeral, rawOf(key));
  } catch {
    return { refused: "its public key is damaged" };
  }
  const frames: Buffer[] = [];
  const damaged: [number, number][] = [];
  let ended = false;
  let good = 0;
  /** What was read and is no whole frame yet; undefined behind damage, until the next frame begins. */
  let rest: Buffer | undefined = Buffer.alloc(0);
  for (let at = head.length, chunk = 0; at < bytes.length && !ended; chunk++) {
    const end = Math.min(at + CHUNK_BYTES + TAG_BYTES, bytes.length);
    const sealed = bytes.subarray(at, end);
    let plain = openChunk(sealed, secret, chunk, false);
    if (plain === undefined) {
      plain = openChunk(sealed, secret, chunk, true);
      ended = plain !== undefined;
    }
    if (plain === undefined) {
      damaged.push([at, end]);
      rest = undefined;
    } else {
      good++;
      rest = takeFrames(plain, rest, frames);
    }
    at = end;
    if (ended && at < bytes.length) damaged.push([at, bytes.length]);
  }
  if (good === 0) return { refused: "it is damaged or cut short near its beginning, or it was sealed for another key" };
  return { frames, damaged, ended };
}

function openChunk(sealed: Buffer, secret: Buffer, chunk: number, isLast: boolean): Buffer | undefined {
  if (sealed.length < START_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", secret, nonceOf(chunk, isLast));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** Reads the frames that end in a chunk, and returns the beginning of the next; undefined when none begins where one could. */
function takeFrames(plain: Buffer, before: Buffer | undefined, frames: Buffer[]): Buffer | undefined {
  const first = plain.readUInt32BE(0);
  if (before === undefined && first > plain.length) return undefined;
  let rest = before === undefined ? plain.subarray(first) : Buffer.concat([before, plain.subarray(START_BYTES)]);
  while (rest.length >= LENGTH_BYTES) {
    const length = rest.readUInt32BE(0);
    if (length > FRAME_MAX_BYTES) return undefined;
    if (rest.length < LENGTH_BYTES + length) break;
    frames.push(rest.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
    rest = rest.subarray(LENGTH_BYTES + length);
  }
  return rest;
}
