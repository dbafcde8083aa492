import type { LoadedConfig } from "../config/loaded.ts";
import { SwathError } from "../model/errors.ts";
import { encode } from "./format.ts";

/** `(1436509052.249713) can0 18FEF100#FFFF…`: seconds, port, identifier, data. Remote and error frames have another form. */
const CANDUMP = /^\((\d+\.\d+)\)\s+\S+\s+([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#((?:[0-9A-Fa-f]{2}){0,8})\s*$/;
/** Raw bytes are given to the port in pieces of this many ms at its speed. */
const PIECE_MS = 20;
/** Bits on the wire for one byte. */
const WIRE_BITS = 10;

/**
 * A log of one serial port as a recording: lines of candump become those of an SLCAN adapter at their own times; any other
 * file is the port's bytes as they came, at the speed of the port. Throws `config/invalid` where the port is not one of the configuration's.
 */
export function logAsRecording(file: Uint8Array, config: LoadedConfig, busName: string | undefined): Uint8Array {
  const ports = Object.entries(config.buses).filter(([, bus]) => bus.kind === "serial");
  const [name, bus] =
    ports.find(([n]) => n === busName) ?? (ports.length === 1 && busName === undefined ? ports[0]! : []);
  if (name === undefined || bus?.kind !== "serial") {
    const names = ports.map(([n]) => n).join(", ");
    const found = busName === undefined ? "no port is named for it" : `there is no serial port "${busName}"`;
    throw new SwathError(
      "config/invalid",
      `this is no recording of \`swath record\`, and as a log of one port ${found}: expected --bus with one of ${names || "none"}`,
    );
  }
  const pieces: Uint8Array[] = [];
  const put = (mono: number, bytes: Uint8Array) => pieces.push(encode.bytes(mono, 0, bytes));
  const { identity, machine, hash } = config;
  pieces.push(
    encode.head(0, {
      software: "a log",
      config: hash,
      unit: identity.unit,
      machine,
      startMs: 0,
      buses: [name],
      parts: [],
    }),
  );
  const text = Buffer.from(file.buffer, file.byteOffset, file.length);
  const lines = text.subarray(0, 200).toString("latin1").startsWith("(") ? text.toString("latin1").split("\n") : [];
  let endMs = 0;
  if (lines.some((line) => CANDUMP.test(line))) {
    let startS: number | undefined;
    for (const line of lines) {
      const [, timeS, id = "", data = ""] = CANDUMP.exec(line) ?? [];
      if (timeS === undefined) continue;
      startS ??= Number(timeS);
      endMs = Math.max(endMs, (Number(timeS) - startS) * 1000);
      const kind = id.length === 8 ? "T" : "t";
      put(endMs, Buffer.from(`${kind}${id.toUpperCase()}${data.length / 2}${data.toUpperCase()}\r`, "latin1"));
    }
  } else {
    const size = Math.max(1, Math.floor((bus.baud * PIECE_MS) / (1000 * WIRE_BITS)));
    for (let at = 0; at < text.length; at += size, endMs += PIECE_MS) put(endMs, text.subarray(at, at + size));
  }
  pieces.push(encode.end(endMs + PIECE_MS, "asked"));
  return Buffer.concat(pieces);
}
