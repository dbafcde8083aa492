import type { SerialLink } from "../bus/serial.ts";

/** As many bytes as one line of a terminal shows. */
const TAIL_BYTES = 48;

/** A link that is used as before, and the newest bytes that came over it: what a part really says, decoded or not. */
export function overhear(link: SerialLink): { readonly link: SerialLink; tail(): Uint8Array } {
  let tail: Uint8Array = new Uint8Array(0);
  return {
    tail: () => tail,
    link: {
      name: link.name,
      get isOpen() {
        return link.isOpen;
      },
      counters: link.counters,
      write: (bytes) => link.write(bytes),
      close: () => link.close(),
      start(listener) {
        link.start({
          opened: () => listener.opened(),
          closed: (error) => listener.closed(error),
          get gatherMs() {
            return listener.gatherMs ?? 0;
          },
          bytes(chunk, monoMs) {
            tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
            listener.bytes(chunk, monoMs);
          },
        });
      },
    },
  };
}

/** Bytes for people: as text where all of them are printable or ends of lines, else in hex. */
export function readable(bytes: Uint8Array): string {
  const isText = bytes.every((b) => (b >= 0x20 && b < 0x7f) || b === 0x09 || b === 0x0a || b === 0x0d);
  const buffer = Buffer.from(bytes);
  if (isText) return JSON.stringify(buffer.toString("latin1"));
  return buffer.toString("hex").replace(/..(?=.)/g, "$& ");
}
