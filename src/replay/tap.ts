import type { SerialLink } from "../bus/serial.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import type { SourceSink } from "../device/source.ts";
import type { Clock } from "../model/time.ts";
import type { Port } from "../sampler/open-parts.ts";
import { encode, type Head } from "./format.ts";

/** Parts that make their samples of the bytes of a serial port and nothing else: their bytes are recorded. */
const FROM_BYTES: ReadonlySet<string> = new Set(["line", "serial", "nmea"]);

/** Which buses of a configuration are recorded byte by byte, and which parts sample by sample. */
export function recordedOf(config: LoadedConfig): Pick<Head, "buses" | "parts"> {
  const fromBytes = config.parts.filter((p) => FROM_BYTES.has(p.device.kind));
  return {
    buses: [...new Set(fromBytes.map((p) => p.bus))],
    parts: config.parts
      .filter((p) => !FROM_BYTES.has(p.device.kind))
      .map((p) => ({ name: p.name, part: p.device.part, channels: p.channels.map((c) => c.key) })),
  };
}

/**
 * Writes down what comes from the buses of a running configuration, as it comes. `write` gets whole entries; once `maxBytes`
 * are reached nothing more is written but the end, which says so.
 */
export function createTap(options: {
  readonly config: LoadedConfig;
  readonly software: string;
  readonly clock: Clock;
  readonly maxBytes: number;
  readonly write: (entry: Uint8Array) => void;
}) {
  const { config, clock, maxBytes, write } = options;
  const { buses, parts } = recordedOf(config);
  let bytes = 0;
  let isFull = false;

  function put(entry: Uint8Array): void {
    isFull ||= bytes + entry.length > maxBytes;
    if (isFull) return;
    bytes += entry.length;
    write(entry);
  }

  const startMs = clock.monoMs();
  const { identity, machine, hash } = config;
  put(
    encode.head(startMs, {
      software: options.software,
      config: hash,
      unit: identity.unit,
      machine,
      startMs,
      buses,
      parts,
    }),
  );

  function tapLink(link: SerialLink, bus: number): SerialLink {
    return {
      name: link.name,
      get isOpen() {
        return link.isOpen;
      },
      get counters() {
        return link.counters;
      },
      start(listener) {
        link.start({
          bytes(chunk, monoMs) {
            put(encode.bytes(monoMs, bus, chunk));
            listener.bytes(chunk, monoMs);
          },
          opened() {
            put(encode.link(clock.monoMs(), bus, true));
            listener.opened();
          },
          closed(error) {
            put(encode.link(clock.monoMs(), bus, false));
            listener.closed(error);
          },
          get gatherMs() {
            return listener.gatherMs ?? 0;
          },
        });
      },
      write: (chunk) => link.write(chunk),
      close: () => link.close(),
    };
  }

  return {
    get bytes() {
      return bytes;
    },
    get isFull() {
      return isFull;
    },
    /** The port to hand to the parts on it. */
    port(name: string, port: Port): Port {
      const bus = buses.indexOf(name);
      return port.kind === "serial" && bus >= 0 ? { kind: "serial", link: tapLink(port.link, bus) } : port;
    },
    /** The sink to hand to a part. */
    sink(name: string, sink: SourceSink): SourceSink {
      const part = parts.findIndex((p) => p.name === name);
      if (part < 0) return sink;
      return {
        block(channel, block) {
          if (block.n > 0) put(encode.block(clock.monoMs(), part, channel, block));
          sink.block(channel, block);
        },
        scan(tMs) {
          put(encode.scan(clock.monoMs(), part, tMs));
          sink.scan(tMs);
        },
        state(state, previous, reason) {
          put(encode.state(clock.monoMs(), { part, state, previous, reason }));
          sink.state(state, previous, reason);
        },
      };
    },
    end(): void {
      write(encode.end(clock.monoMs(), isFull ? "full" : "asked"));
    },
  };
}

export type Tap = ReturnType<typeof createTap>;
