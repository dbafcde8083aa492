import type { DisplayDriver } from "../device/display-driver.ts";
import type { Source, SourceSink } from "../device/source.ts";
import type { LinkClient } from "../link/client.ts";
import { encodeNote, encodeRow, encodeWrittenNote, type Note, type Row, type Status } from "../link/frame.ts";
import type { Outbox } from "../link/outbox.ts";
import type { MarkDetail, MarkKind } from "../model/operator.ts";
import type { SourceHealth } from "../model/record.ts";
import type { Anchor } from "../model/time.ts";
import { type BlackBoxSpec, createBlackBox } from "./black-box.ts";
import { type DerivedSpec, startDerived } from "./derived.ts";
import { startWatch, type WatchSpec } from "./detectors.ts";
import { runHook } from "./hook-run.ts";
import { createIgnitionSense, type IgnitionSpec } from "./ignition.ts";
import type { Lateness } from "./lateness.ts";
import { newestOf } from "./newest-value.ts";
import { createPipeline, type Pipeline, type PipelineSpec } from "./pipeline.ts";
import { createRecovery, type HookStarter, type RecoverySpec } from "./recovery.ts";
import { createRowGrid } from "./row-grid.ts";
import type { Due } from "./schedule.ts";
import { createTrackRows } from "./track-rows.ts";

const STATUS_MS = 2000;
/** A change of the ignition is told at once, but a contact that bounces not more often than this. */
const STATUS_SPACING_MS = 200;

/** What the acquisition core is made of; buses and parts come from outside. */
export interface SamplerOptions {
  readonly pipelines: readonly PipelineSpec[];
  /** Channels made of others, each after those it is made of. */
  readonly derived?: readonly DerivedSpec[];
  readonly track: { readonly part: string; readonly channels: readonly number[] } | undefined;
  /** What is watched for; channels by their place in `pipelines`. */
  readonly watches: readonly WatchSpec[];
  readonly blackBox: BlackBoxSpec | undefined;
  /** How the ignition is sensed, where it is. */
  readonly ignition?: IgnitionSpec;
  /** The channel of the serial number on the harness, by its place, where there is one. */
  readonly harness?: number;
  readonly rowMs: number;
  readonly startMs: number;
  /** What may be run for parts that the driver cannot bring back. */
  readonly recovery?: RecoverySpec;
  readonly startHook?: HookStarter;
  readonly outbox: Outbox;
  readonly link: Omit<LinkClient, "offer">;
  readonly lateness: Lateness;
  readonly nowMs: () => number;
}

/** The acquisition core: blocks in from sources, numbered rows and notes out to the unit. */
export function createSampler(options: SamplerOptions) {
  const { outbox, link, lateness, nowMs } = options;
  const pipelines: Pipeline[] = options.pipelines.map(createPipeline);
  const sources: Source[] = [];
  let display: DisplayDriver | undefined;
  const lastSampleMs = new Map<string, number>();
  let statusDueMs = options.startMs;
  let statusMs = Number.NEGATIVE_INFINITY;

  function sendRow(row: Row): void {
    outbox.add(row.monoMs, (number) => encodeRow(number, row));
    link.pump();
  }

  function sendNote(note: Note): void {
    outbox.add(note.mono, (number) => encodeNote(number, note));
    link.pump();
  }

  const box =
    options.blackBox &&
    createBlackBox({
      ...options.blackBox,
      rings: pipelines.map((p) => p.ring),
      emit(monoMs, json) {
        outbox.add(monoMs, (number) => encodeWrittenNote(number, json));
        link.pump();
      },
    });
  const settles = (options.derived ?? []).map((spec) => startDerived(spec, pipelines));
  for (const spec of options.watches)
    startWatch(spec, pipelines, { note: sendNote, trigger: (trigger) => box?.trigger(trigger) });

  for (const pipeline of pipelines)
    pipeline.onSwitch((to, from, reason, tMs) => {
      const severity = to > from ? "warning" : "info";
      const source = pipeline.sources[to]!.part;
      const detail = { channel: pipeline.name, to, from, previous: pipeline.sources[from]!.part, reason };
      sendNote({ kind: "event", mono: tMs, name: "source_switch", severity, source, detail });
    });

  const tellSoon = () => {
    statusDueMs = Math.min(statusDueMs, Math.max(nowMs(), statusMs + STATUS_SPACING_MS));
  };
  const ignition = options.ignition && createIgnitionSense(options.ignition, pipelines, tellSoon);
  const harness = options.harness === undefined ? undefined : newestOf(pipelines[options.harness], tellSoon);
  const recovery =
    options.recovery &&
    createRecovery(options.recovery, { start: options.startHook ?? runHook, note: sendNote, nowMs });
  const track = options.track && { part: options.track.part, rows: createTrackRows(options.track.channels, sendRow) };

  /** The sink for one part: its blocks to the pipelines that want them, its epochs to the track. */
  function sinkFor(part: string): SourceSink {
    const byChannel: { pipeline: Pipeline; source: number }[][] = [];
    for (const pipeline of pipelines)
      for (const [source, from] of pipeline.sources.entries())
        if (from.part === part) byChannel[from.channel] = [...(byChannel[from.channel] ?? []), { pipeline, source }];
    const rows = track?.part === part ? track.rows : undefined;
    return {
      block(channel, block) {
        lastSampleMs.set(part, block.t[block.n - 1] ?? 0);
        const wanted = byChannel[channel];
        if (wanted !== undefined)
          for (let i = 0; i < wanted.length; i++) wanted[i]!.pipeline.accept(block, wanted[i]!.source);
        rows?.block(channel, block);
      },
      scan(tMs) {
        rows?.scan(tMs);
      },
      state(state, previous, reason) {
        recovery?.state(part, state, reason);
        sendNote({ kind: "source", mono: nowMs(), source: part, state, previous, reason });
        statusDueMs = nowMs();
      },
    };
  }

  function displayHealth({ part, state, verified, counters }: DisplayDriver): SourceHealth {
    const counted = Object.fromEntries(Object.entries(counters).filter(([, n]) => n > 0));
    return { state, part, verified, counters: counted };
  }

  function healthOf(source: Source): SourceHealth {
    const last = lastSampleMs.get(source.name);
    const all = { ...source.counters, ...recovery?.counters(source.name) };
    const counters = Object.fromEntries(Object.entries(all).filter(([, n]) => n > 0));
    return {
      state: source.state,
      part: source.part,
      verified: source.verified,
      ...(last === undefined ? {} : { lastSampleMono: last }),
      counters,
    };
  }

  function status(): Status {
    const serial = harness?.();
    const { p50Ms, maxMs } = lateness.take();
    return {
      mono: nowMs(),
      rssMb: Math.round(process.memoryUsage.rss() / 1e5) / 10,
      latenessP50Ms: p50Ms,
      latenessMaxMs: maxMs,
      framesLost: outbox.lost,
      losses: Object.fromEntries(
        pipelines.map((p) => [p.name, p.losses()] as const).filter(([, l]) => Object.keys(l).length > 0),
      ),
      sources: Object.fromEntries(sources.map((s) => [s.name, healthOf(s)])),
      ...(display === undefined ? {} : { display: displayHealth(display) }),
      ...(ignition === undefined ? {} : { ignition: ignition(nowMs()) }),
      ...(serial === undefined ? {} : { harness: serial }),
    };
  }

  function closing(toMs: number): void {
    for (let i = 0; i < settles.length; i++) settles[i]!(toMs);
  }
  const grid = createRowGrid({ pipelines, rowMs: options.rowMs, startMs: options.startMs, emit: sendRow, closing });
  const statusDue: Due = {
    get dueMs() {
      return statusDueMs;
    },
    step(now) {
      statusMs = now;
      statusDueMs = now + STATUS_MS;
      link.status(status());
    },
  };

  return {
    pipelines,
    sinkFor,
    addSource(source: Source): void {
      sources.push(source);
    },
    /** Its health is told beside that of the sources; nothing else depends on it. */
    addDisplay(one: DisplayDriver): void {
      display = one;
    },
    /** The operator has pressed a key; the mark is kept like any event. */
    mark(kind: MarkKind, monoMs: number, source: string): void {
      const detail: MarkDetail = { kind, origin: "key" };
      sendNote({ kind: "event", mono: monoMs, name: "mark", severity: "info", source, detail });
    },
    anchor(a: Anchor): void {
      sendNote({ kind: "anchor", mono: a.monoMs, offsetMs: a.offsetMs, trust: a.trust, uncMs: a.uncMs });
    },
    /** Everything the schedule has to call. */
    dues: (): readonly Due[] => [
      ...sources,
      ...(display === undefined ? [] : [display]),
      grid,
      statusDue,
      ...(box === undefined ? [] : [box.due]),
      ...(recovery ? [recovery.due] : []),
    ],
  };
}

export type Sampler = ReturnType<typeof createSampler>;
