import type { Status } from "../link/frame.ts";
import type { HarnessWord, HealthMessage, SamplerEnd, SourceHealth, StateMessage } from "../model/record.ts";
import { wireMono } from "./column-batch.ts";
import type { Timebase } from "./timebase.ts";

/** What `state` and `health` are made of; asked anew for every message. */
export interface UnitFacts {
  readonly boot: string;
  readonly bootReason: NonNullable<StateMessage["bootReason"]>;
  readonly machine: string;
  readonly software: string;
  readonly config: string;
  readonly desc: string;
  readonly timebase: Timebase;
  nowMs(): number;
  spool(): {
    spoolId: string;
    bytes: number;
    state: "ok" | "degraded" | "failed";
    unsent: StateMessage["unsent"];
    unconfirmed?: StateMessage["unsent"];
  };
  link(): HealthMessage["link"];
  host(): { cpuTempCel?: number; undervoltage?: boolean; diskFreeMb?: number };
  samplerState(): StateMessage["sampler"];
  samplerEnd(): SamplerEnd | undefined;
  samplerRestarts(): number;
  samplerStatus(): Status | undefined;
  bundle(): StateMessage["bundle"];
  /** What the harness says; undefined where it has no memory. */
  harness(): HarnessWord | undefined;
  /** The ignition; undefined where it is not sensed. */
  power(): HealthMessage["power"];
}

const sourcesOf = (facts: UnitFacts): Record<string, SourceHealth> => facts.samplerStatus()?.sources ?? {};

/** The retained `state`, in the word given. Never holds a position. */
export function stateMessage(facts: UnitFacts, word: StateMessage["state"]): StateMessage {
  const mono = wireMono(facts.nowMs());
  const { t, trust } = facts.timebase.stamp(mono);
  const spool = facts.spool();
  const bundle = facts.bundle();
  const samplerEnd = facts.samplerEnd();
  const harness = facts.harness();
  const states = Object.entries(sourcesOf(facts)).map(([name, source]) => [name, source.state] as const);
  return {
    v: 1,
    state: word,
    boot: facts.boot,
    machine: facts.machine,
    ...(harness === undefined ? {} : { harness }),
    software: facts.software,
    config: facts.config,
    desc: facts.desc,
    spool: spool.spoolId,
    unsent: spool.unsent,
    ...(spool.unconfirmed === undefined ? {} : { unconfirmed: spool.unconfirmed }),
    bootReason: facts.bootReason,
    trust,
    sampler: facts.samplerState(),
    ...(samplerEnd === undefined ? {} : { samplerEnd }),
    sources: Object.fromEntries(states),
    ...(bundle === undefined ? {} : { bundle }),
    mono,
    ...(t === undefined ? {} : { t }),
  };
}

function powerOf(facts: UnitFacts): Pick<HealthMessage, "power"> {
  const power = facts.power();
  return power === undefined ? {} : { power };
}

/** The retained `health`. Never holds a position. */
export function healthMessage(facts: UnitFacts): HealthMessage {
  const mono = wireMono(facts.nowMs());
  const { t } = facts.timebase.stamp(mono);
  const { spoolId: _, ...spool } = facts.spool();
  const status = facts.samplerStatus();
  const lateness =
    status === undefined ? {} : { latenessP50Ms: status.latenessP50Ms, latenessMaxMs: status.latenessMaxMs };
  const rssMb = Math.round(process.memoryUsage.rss() / 1e5) / 10;
  return {
    v: 1,
    boot: facts.boot,
    mono,
    ...(t === undefined ? {} : { t }),
    uptimeS: Math.round(process.uptime()),
    rssMb: { unit: rssMb, ...(status === undefined ? {} : { sampler: status.rssMb }) },
    ...facts.host(),
    spool,
    link: facts.link(),
    sampler: {
      restarts: facts.samplerRestarts(),
      ...lateness,
      framesLost: status?.framesLost ?? 0,
      losses: status?.losses ?? {},
    },
    sources: sourcesOf(facts),
    ...powerOf(facts),
    ...(status?.display === undefined ? {} : { display: status.display }),
  };
}
