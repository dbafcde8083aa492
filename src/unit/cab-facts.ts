import type { CabView, Gauge, SourceView } from "../cab/page/view.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import type { Row } from "../link/frame.ts";
import { type Lamp, type MarkKind, markDetail } from "../model/operator.ts";
import { QUALITY, UNUSABLE } from "../model/quality.ts";
import type { SourceHealth, StateMessage } from "../model/record.ts";
import { createShift, type ShiftRules, workOf } from "../work/shift.ts";
import type { TableSpec } from "./recorder.ts";
import type { Timebase } from "./timebase.ts";

/** A row older than this, in ms, beyond its own spacing is no longer now. */
const OLD_MS = 3000;
const MARKS_KEPT = 20;
/** ESTIMATE: ground speed above this share of the working speed is told as too fast. */
const FAST = 1.25;
/** ESTIMATE: a rotor below this share of its working speed is told as too slow. */
const SLOW_ROTOR = 0.85;

/** The page's own facts; the rest is asked from the unit. */
export interface CabSource {
  lamp(): Lamp;
  sampler(): StateMessage["sampler"];
  sources(): Readonly<Record<string, SourceHealth>>;
  hq(): CabView["hq"];
  /** Which signed configuration runs, where one does. */
  bundle(): StateMessage["bundle"];
  /** What a stick asked, and what became of it. */
  stick(): CabView["stick"];
  /** When the newest shock was that a person should judge, in ms of this boot. */
  openCandidate(): number | undefined;
  nowMs(): number;
}

const GNSS_QUALITY: Readonly<Record<number, CabView["gnss"]["fix"]>> = { 2: "dgnss", 4: "fixed", 5: "float" };

/** One good and fresh value of a table's newest row. */
function createReader(table: number, columns: readonly string[], rows: readonly (Row | undefined)[], oldMs: number) {
  return (name: string | undefined, nowMs: number): number | undefined => {
    const row = rows[table];
    const i = name === undefined ? -1 : columns.indexOf(name);
    if (row === undefined || i < 0 || nowMs - row.monoMs > oldMs) return undefined;
    const value = row.values[i] ?? Number.NaN;
    return ((row.q[i] ?? 0) & (UNUSABLE | QUALITY.stale)) === 0 && Number.isFinite(value) ? value : undefined;
  };
}

/** Gathers what the page in the cab shows, from rows and events as they pass; made once, if there is a page. */
export function createCabFacts(options: {
  readonly config: LoadedConfig;
  readonly cab: { readonly depth: string; readonly rotor: string };
  readonly tables: readonly TableSpec[];
  readonly timebase: Timebase;
  readonly source: CabSource;
}) {
  const { config, cab, timebase, source } = options;
  const { profile } = config;
  // What the task asks for comes before what the machine is usually set to.
  const targetDepthM = config.site?.requiredDepthM ?? profile?.targetDepthM;
  const rules: ShiftRules = {
    ...(profile?.toolWidthM === undefined ? {} : { toolWidthM: profile.toolWidthM }),
    ...(targetDepthM === undefined ? {} : { targetDepthM }),
    ...(profile?.rotorRpm === undefined ? {} : { rotorRpm: profile.rotorRpm }),
  };
  const shift = createShift(rules);
  const rows: (Row | undefined)[] = [];
  const names = options.tables.map((table) => table.columns.map((column) => column.name));
  const telemetry = createReader(0, names[0] ?? [], rows, OLD_MS + config.rows.everyMs);
  const track = createReader(1, names[1] ?? [], rows, OLD_MS);
  const columnOf = (channel: string) =>
    [`${channel}.mean`, channel].find((name) => names[0]?.includes(name)) ??
    config.channels.find((c) => c.column === channel)?.columns[0];
  const depthColumn = columnOf(cab.depth);
  const rotorColumn = columnOf(cab.rotor);
  const startedMs = source.nowMs();
  const marks: { kind: MarkKind; monoMs: number }[] = [];
  let candidates = 0;

  const sampleAt = (nowMs: number) => ({
    monoMs: nowMs,
    depthM: telemetry(depthColumn, nowMs),
    rotorRpm: telemetry(rotorColumn, nowMs),
    speedMps: track("speed", nowMs),
  });

  function gnss(nowMs: number): CabView["gnss"] {
    if (config.track === undefined) return { fix: "not_fitted", satellites: null };
    const satellites = track("satellites", nowMs) ?? null;
    const row = rows[1];
    if (row === undefined || nowMs - row.monoMs > OLD_MS) return { fix: "silent", satellites };
    if (track("lat", nowMs) === undefined) return { fix: "no_fix", satellites };
    const named = GNSS_QUALITY[track("fix_quality", nowMs) ?? 0];
    return { fix: named ?? (track("fix_mode", nowMs) === 2 ? "2d" : "3d"), satellites };
  }

  const gauge = (value: number | undefined, target: number | undefined, verdict: Gauge["verdict"]): Gauge => ({
    value: value ?? null,
    target: target ?? null,
    verdict: value === undefined || target === undefined ? "none" : verdict,
  });

  /** Broken parts first; within one state by name. */
  function sourceViews(): SourceView[] {
    const order = ["failed", "absent", "degraded", "starting", "running"];
    return Object.entries(source.sources())
      .map(([name, { part, state }]) => ({ name, part, state }))
      .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.name.localeCompare(b.name));
  }

  return {
    row(row: Row): void {
      rows[row.table] = row;
      if (row.table === 0) shift.add(sampleAt(row.monoMs));
    },
    event({ name, mono, detail }: { name: string; mono: number; detail: Readonly<Record<string, unknown>> }): void {
      if (name === "detonation_candidate") candidates++;
      const mark = name === "mark" ? markDetail.safeParse(detail).data : undefined;
      if (mark !== undefined) this.marked(mark.kind, mono);
    },
    marked(kind: MarkKind, monoMs: number): void {
      marks.unshift({ kind, monoMs });
      marks.length = Math.min(marks.length, MARKS_KEPT);
    },
    /** Whether the receiver has a position now; `none` without a receiver. */
    gnssFix(): "none" | "no_fix" | "fix" {
      const { fix } = gnss(source.nowMs());
      return fix === "not_fitted" ? "none" : fix === "no_fix" || fix === "silent" ? "no_fix" : "fix";
    },
    view(): CabView {
      const nowMs = source.nowMs();
      const sample = sampleAt(nowMs);
      const work = workOf(sample, rules);
      const working = work === "working";
      const { depthM, rotorRpm, speedMps } = sample;
      const workSpeedMps = profile?.workSpeedMps;
      const sum = shift.summary();
      const { t, trust } = timebase.stamp(nowMs);
      const openMs = source.openCandidate();
      return {
        unit: config.identity.unit,
        machine: config.machine,
        name: profile?.name ?? config.machine,
        simulated: config.simulation !== undefined,
        lamp: source.lamp(),
        work,
        depth: gauge(depthM, targetDepthM, working ? ((depthM ?? 0) < (targetDepthM ?? 0) ? "low" : "good") : "none"),
        speed: gauge(
          speedMps,
          workSpeedMps,
          working ? ((speedMps ?? 0) > (workSpeedMps ?? 0) * FAST ? "high" : "good") : "none",
        ),
        rotor: gauge(
          rotorRpm,
          rules.rotorRpm,
          working ? ((rotorRpm ?? 0) < (rules.rotorRpm ?? 0) * SLOW_ROTOR ? "low" : "good") : "none",
        ),
        gnss: gnss(nowMs),
        clock: { trust, utcMs: t === undefined ? null : Date.parse(t) },
        hq: source.hq(),
        bundle: source.bundle() ?? null,
        stick: source.stick(),
        sampler: source.sampler(),
        sources: sourceViews(),
        shift: {
          onS: (nowMs - startedMs) / 1000,
          workingS: sum.workingS,
          idleS: sum.idleS,
          unknownS: sum.unknownS,
          wayM: sum.wayM,
          processedM2: sum.processedM2 ?? null,
          meanDepthM: sum.meanDepthM ?? null,
          atDepth: sum.atDepth ?? null,
          candidates,
        },
        question: openMs === undefined ? null : { agoS: (nowMs - openMs) / 1000 },
        marks: marks.map(({ kind, monoMs }) => ({ kind, agoS: (nowMs - monoMs) / 1000 })),
      };
    },
  };
}

export type CabFacts = ReturnType<typeof createCabFacts>;
