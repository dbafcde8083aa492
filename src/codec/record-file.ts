import { type KeyObject, sign, verify, X509Certificate } from "node:crypto";
import { z } from "zod";
import { LANES, type Lane } from "../model/record.ts";
import { topicLevel } from "../model/topics.ts";
import { createSealer, openSealed, readSealedHead, sealKeyIdOf } from "./sealed-stream.ts";

/** Numbers of one lane of one spool, first and last. */
const range = z.strictObject({
  spool: z.string().min(8).max(64),
  lane: z.enum(LANES),
  from: z.int().min(1),
  to: z.int().min(1),
});
export type RecordRange = z.infer<typeof range>;

/** The readable part of a file of records: whose they are, and for whom. Authenticated with the rest. */
const recordFileHeader = z.strictObject({
  v: z.literal(1),
  kind: z.literal("swath-records"),
  org: topicLevel,
  unit: topicLevel,
  key: z.string().regex(/^[0-9a-f]{16}$/),
});
export type RecordFileHeader = z.infer<typeof recordFileHeader>;

/** What stands first, and once more before the end: about the unit, and under which certificate it signed the head. */
const beginning = z.strictObject({
  machine: topicLevel,
  /** UTC, where the unit knew it. */
  made: z.iso.datetime({ precision: 3 }).optional(),
  cert: z.string().max(65_536).optional(),
  sig: z.base64().max(8192).optional(),
});

/** What the last frame says. */
const ending = z.strictObject({
  records: z.int().min(0),
  /** Records that were there and did not go into the file. */
  left: z.int().min(0),
  ranges: z.array(range).max(10_000),
});
export type RecordFileEnding = z.infer<typeof ending>;

/** Classes of frames in a file; the place in this list is the first byte of a frame. */
const CLASSES = ["desc", ...LANES, "begin", "end"] as const;
type FrameClass = (typeof CLASSES)[number];
/** What is signed begins with this: no other signature of that key is one of a file. */
const SIGNED = Buffer.from("swath record file 1\0", "latin1");

/** A message as it would have gone over MQTT. */
export interface FiledMessage {
  readonly cls: "desc" | Lane;
  readonly payload: Uint8Array;
}

/** A unit's certificate and its key, as the broker knows it. */
export interface UnitSigner {
  readonly cert: string;
  readonly key: KeyObject;
}

const frame = (cls: FrameClass, payload: Uint8Array) => Buffer.concat([Buffer.of(CLASSES.indexOf(cls)), payload]);

/** ed25519 hashes by itself. */
const hashFor = (key: KeyObject) => (key.asymmetricKeyType === "ed25519" ? null : "sha256");

/**
 * Writes a file of records for HQ alone: bytes come out as messages go in. `ephemeral` is an X25519 private key made for this
 * file alone. With `signer` the file proves who wrote it: the head is signed, which holds the public half of `ephemeral`, and
 * nobody but the writer and HQ can seal a chunk under that head. So also a part of a file is proven.
 */
export function createRecordFile(options: {
  readonly org: string;
  readonly unit: string;
  readonly machine: string;
  /** UTC as ISO 8601 with milliseconds. */
  readonly made?: string;
  readonly reader: KeyObject;
  readonly ephemeral: KeyObject;
  readonly signer: UnitSigner | undefined;
}) {
  const { org, unit, machine, made, reader, ephemeral, signer } = options;
  const header: RecordFileHeader = { v: 1, kind: "swath-records", org, unit, key: sealKeyIdOf(reader) };
  const sealer = createSealer(JSON.stringify(header), reader, ephemeral);
  const begin: z.infer<typeof beginning> = { machine, ...(made === undefined ? {} : { made }) };
  if (signer !== undefined) {
    const signed = Buffer.concat([SIGNED, sealer.head]);
    begin.cert = signer.cert;
    begin.sig = sign(hashFor(signer.key), signed, signer.key).toString("base64");
  }
  const put = (cls: FrameClass, what: object) => sealer.push(frame(cls, Buffer.from(JSON.stringify(what))));
  return {
    /** The first bytes of the file. */
    begin: (): Buffer => Buffer.concat([sealer.head, put("begin", begin)]),
    message: ({ cls, payload }: FiledMessage): Buffer => sealer.push(frame(cls, payload)),
    end: (what: RecordFileEnding): Buffer => Buffer.concat([put("begin", begin), put("end", what), sealer.end()]),
  };
}

/** What could be read of a file of records; held against its check sums, not yet against the schemas of records. */
export interface OpenedRecordFile {
  readonly header: RecordFileHeader;
  readonly machine: string | undefined;
  readonly made: string | undefined;
  /** The certificate of the unit that wrote it, when it is signed; its signature holds, who issued it is not asked here. */
  readonly cert: X509Certificate | undefined;
  readonly messages: readonly FiledMessage[];
  /** Undefined when the end of the file is missing or damaged. */
  readonly ending: RecordFileEnding | undefined;
  /** Parts of the file that do not verify, as bytes from and up to. */
  readonly damaged: readonly (readonly [from: number, upTo: number])[];
  /** Frames that verify and that this software does not know. */
  readonly strange: number;
}

/**
 * Opens a file of records with HQ's private key: all messages whose sealed chunks verify, and where the others were. Refused
 * are one for another key, one of which nothing verifies, and one whose signature does not hold. Never throws.
 */
export function openRecordFile(file: Uint8Array, key: KeyObject): OpenedRecordFile | { readonly refused: string } {
  const head = readSealedHead(file);
  if ("refused" in head) return head;
  const header = recordFileHeader.safeParse(jsonOf(head.header)).data;
  if (header === undefined) return { refused: "its header is damaged, or of a newer version" };
  if (header.key !== sealKeyIdOf(key))
    return { refused: `it is sealed for key ${header.key}, not ${sealKeyIdOf(key)}` };
  const opened = openSealed(file, key);
  if ("refused" in opened) return opened;
  const messages: FiledMessage[] = [];
  let begin: z.infer<typeof beginning> | undefined;
  let end: RecordFileEnding | undefined;
  let strange = 0;
  for (const bytes of opened.frames) {
    const cls = CLASSES[bytes[0] ?? -1];
    const payload = bytes.subarray(1);
    if (cls === "begin") begin ??= beginning.safeParse(jsonOf(payload.toString("utf8"))).data;
    else if (cls === "end") end = ending.safeParse(jsonOf(payload.toString("utf8"))).data;
    else if (cls === undefined) strange++;
    else messages.push({ cls, payload });
  }
  const cert = begin?.cert === undefined ? undefined : signerOf(begin.cert, begin.sig ?? "", head.head);
  if (begin?.cert !== undefined && cert === undefined) return { refused: "its signature does not hold" };
  return {
    ...{ header, cert, messages, strange },
    machine: begin?.machine,
    made: begin?.made,
    ending: opened.ended ? end : undefined,
    damaged: opened.damaged,
  };
}

/** The certificate under whose key the signature of the head holds. */
function signerOf(text: string, sig: string, head: Buffer): X509Certificate | undefined {
  try {
    const cert = new X509Certificate(text);
    const signed = Buffer.concat([SIGNED, head]);
    const holds = verify(hashFor(cert.publicKey), signed, cert.publicKey, Buffer.from(sig, "base64"));
    return holds ? cert : undefined;
  } catch {
    return undefined;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
