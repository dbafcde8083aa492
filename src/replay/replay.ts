import { createMemorySerial, type MemorySerial } from "../bus/memory-serial.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import type { SourceSink } from "../device/source.ts";
import { decodeFrame, type Note, type Row } from "../link/frame.ts";
import { createOutbox } from "../link/outbox.ts";
import { SwathError } from "../model/errors.ts";
import { compose } from "../sampler/compose.ts";
import { createGnssAnchor } from "../sampler/gnss-anchor.ts";
import { createLateness } from "../sampler/lateness.ts";
import { openPart } from "../sampler/open-parts.ts";
import { createSampler } from "../sampler/sampler.ts";
import { steppedClock, stepUntil } from "../sampler/schedule.ts";
import { type ChannelFigures, watchFigures } from "./figures.ts";
import { type Entry, entriesOf, type Head } from "./format.ts";

/** What a configuration makes of a recording. */
export interface Replayed {
  readonly head: Head;
  /** Columns of each table of rows (0 telemetry, 1 track). */
  readonly columns: readonly (readonly string[])[];
  readonly rows: readonly Row[];
  /** What went into the filters of every channel and came out of them. */
  readonly channels: readonly ChannelFigures[];
  /** Events, captures, states of sources and time anchors, in the order they were told. */
  readonly notes: readonly Note[];
  /** The same as the frames a unit would have got, numbered from 1. */
  readonly frames: readonly Uint8Array[];
  readonly fromMs: number;
  readonly toMs: number;
  /** Bytes at the end of the file that are no whole entries: it was cut, or damaged. */
  readonly unread: number;
  /** Buses and parts of the configuration that the recording has nothing of, and the other way round. */
  readonly notRecorded: readonly string[];
  readonly notConfigured: readonly string[];
}

/**
 * Runs a recording through the chain of a configuration: the same sources, filters, rows and detectors as in the live loop, in
 * the time of the recording. The same recording and configuration give the same frames byte for byte. Throws
 * `config/invalid` for a file that is no recording; never for what is in it.
 */
export function replayRecording(file: Uint8Array, config: LoadedConfig): Replayed {
  const entries = entriesOf(file);
  const first = entries.next();
  if (first.done === true || first.value.kind !== "head")
    throw new SwathError("config/invalid", "this is no recording of `swath record`: expected it to begin with SWREC 1");
  const { head } = first.value;
  const clock = steppedClock(head.startMs);
  const rows: Row[] = [];
  const notes: Note[] = [];
  const frames: Uint8Array[] = [];
  const outbox = createOutbox({ holdMs: Infinity, maxBytes: Infinity, onLost: () => undefined });
  const sampler = createSampler({
    ...compose(config),
    startMs: head.startMs,
    outbox,
    link: {
      connected: true,
      pump() {
        for (let next = outbox.after(frames.length); next !== undefined; next = outbox.after(frames.length)) {
          frames.push(next.bytes);
          outbox.ack(next.number);
          const frame = decodeFrame(next.bytes);
          if (frame?.type === "row") rows.push(frame.row);
          else if (frame?.type === "note") notes.push(frame.body);
        }
      },
      status: () => undefined,
      close: () => Promise.resolve(),
    },
    lateness: createLateness(),
    nowMs: () => clock.monoMs(),
  });

  const figures = sampler.pipelines.map(watchFigures);
  const links = new Map<string, MemorySerial>();
  for (const name of head.buses)
    if (config.buses[name]?.kind === "serial") links.set(name, createMemorySerial({ name, clock }));
  const time = createGnssAnchor((anchor) => sampler.anchor(anchor));
  const recorded = new Set(head.parts.map((p) => p.name));
  const notRecorded: string[] = [];
  for (const part of config.parts) {
    const link = links.get(part.bus);
    const { kind } = part.device;
    if (link !== undefined && kind !== "i2c" && kind !== "counter" && kind !== "board")
      sampler.addSource(openPart(part, { kind: "serial", link }, { clock, sink: sampler.sinkFor(part.name), time }));
    else if (!recorded.has(part.name)) notRecorded.push(part.name);
  }
  /** Of each recorded part: its sink, and where its channels are in this configuration. */
  const sinks = head.parts.map(({ name, channels }) => {
    const part = config.parts.find((p) => p.name === name);
    const places = channels.map((key) => part?.channels.findIndex((c) => c.key === key) ?? -1);
    return { sink: part === undefined ? undefined : sampler.sinkFor(name), places };
  });
  const notConfigured = [
    ...head.buses.filter((name) => !links.has(name)),
    ...head.parts.filter((_, i) => sinks[i]!.sink === undefined).map((p) => p.name),
  ];

  function play(entry: Entry): void {
    if (entry.kind === "bytes" || entry.kind === "link") {
      const link = links.get(head.buses[entry.bus] ?? "");
      if (entry.kind === "bytes") link?.feed(entry.bytes);
      else if (entry.isUp) link?.plug();
      else link?.pull();
      return;
    }
    if (entry.kind === "head" || entry.kind === "end") return;
    const to: { sink: SourceSink | undefined; places: number[] } | undefined = sinks[entry.part];
    if (to?.sink === undefined) return;
    if (entry.kind === "scan") to.sink.scan(entry.tMs);
    else if (entry.kind === "state") to.sink.state(entry.state, entry.previous, entry.reason);
    else if ((to.places[entry.channel] ?? -1) >= 0) to.sink.block(to.places[entry.channel]!, entry.block);
  }

  const dues = sampler.dues();
  let next = entries.next();
  while (next.done !== true) {
    // What is due before an entry is done before it; what is due with it, after.
    stepUntil(dues, clock, next.value.mono, true);
    play(next.value);
    next = entries.next();
  }
  stepUntil(dues, clock, clock.monoMs());
  return {
    head,
    columns: [config.channels.flatMap((c) => c.columns), config.track?.columns.map((c) => c.column) ?? []],
    rows,
    channels: figures.map((figuresNow) => figuresNow()),
    notes,
    frames,
    fromMs: head.startMs,
    toMs: clock.monoMs(),
    unread: next.value,
    notRecorded,
    notConfigured,
  };
}
