import { join } from "node:path";
import type { Logger } from "pino";
import { systemClock } from "../bus/clock.ts";
import type { ServiceManager } from "../bus/service-manager.ts";
import type { PublicKey } from "../codec/minisign.ts";
import type { OpenedBundle } from "../config/bundle.ts";
import { diffConfigs, explainDiff, type Topic } from "../config/diff.ts";
import { loadFlat } from "../config/flatten.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import { openSlots, type Running, type Slots, type Taken } from "../config/slots.ts";
import { estimateTraffic } from "../config/traffic.ts";
import { createTrial } from "../config/trial.ts";
import type { Catalogue } from "../device/catalogue.ts";
import { isSwathError } from "../model/errors.ts";
import type { StateMessage } from "../model/record.ts";
import { diskFiles } from "../spool/files.ts";
import type { ApplyConfig } from "./command-ops.ts";
import { clearConfigDir, openConfigDir } from "./config-dir.ts";
import type { DeliverySign } from "./delivery-sign.ts";
import { answerInbox, takeInbox, tellVerdict } from "./inbox.ts";
import { type Rehearsed, rehearse } from "./rehearsal.ts";
import type { RingFrames } from "./ring-collector.ts";
import type { Stick } from "./stick.ts";
import type { Unit } from "./unit.ts";

/** How long all must be well before a new configuration is kept, and how long it may take to get there. */
export interface TrialTimes {
  readonly holdMs: number;
  readonly limitMs: number;
}
export const TRIAL_TIMES: TrialTimes = { holdMs: 60_000, limitMs: 300_000 };

const LOOK_MS = 1000;
/** How long another configuration waits for what a stick asked of the one that runs. */
const STICK_MS = 120_000;
/** A unit that cannot start with the only configuration it has asks again after this. */
const RETRY_MS = 30_000;

/** What runs signed configurations from two slots. */
export interface SlottedOptions {
  readonly dir: string;
  readonly inbox: string;
  readonly keys: readonly PublicKey[];
  readonly catalogue: Catalogue;
  readonly boot: string;
  readonly log: Logger;
  readonly times?: TrialTimes;
  /** Where the files of what runs are put for a sampler that systemd runs; default: a folder of this run's own. */
  readonly runDir?: string;
  readonly manager?: ServiceManager;
  /** Script of the process that replays a recording through a new configuration; without it none is replayed. */
  readonly rehearsalEntry?: string;
  /** Resolves when the unit is to end. */
  readonly asked: Promise<void>;
  /** Answers what a stick asks, beside everything else. */
  readonly stick?: Stick;
  /** Told what becomes of a delivery. */
  readonly sign?: DeliverySign;
  readonly start: (
    config: LoadedConfig,
    bundle: () => NonNullable<StateMessage["bundle"]>,
    applyConfig: ApplyConfig,
  ) => Promise<Unit>;
}

/** What a log line may hold of a rehearsal: what an event says of its place stays out. */
function loggable({ summary, lines }: Rehearsed) {
  return { summary, lines: lines.filter((line) => !/^ {2}(gone|new):/.test(line)) };
}

/** What is in the rings; undefined without a sampler, and when the unit is to end meanwhile. */
function ringsOf(unit: Unit | undefined, asked: Promise<void>): Promise<RingFrames | undefined> {
  return Promise.race([Promise.resolve(unit?.rings()), asked.then(() => undefined)]);
}

function bundleOf(slots: Slots, running: Running) {
  const last = slots.state?.last;
  return {
    serial: running.bundle.serial,
    trial: slots.state?.trial?.slot === running.slot,
    ...(last === undefined ? {} : { last: `serial ${last.serial} ${last.outcome}: ${last.reason}` }),
  };
}

/**
 * Runs the configuration of the active slot, takes new ones from the inbox, tries them, and keeps each or goes back by itself.
 * Ends when it is asked to. The spool stays where it is, whatever a configuration says.
 */
export async function runSlotted(options: SlottedOptions): Promise<void> {
  const { catalogue, log, inbox, times = TRIAL_TIMES } = options;
  let ending = false;
  let wake: () => void = () => undefined;
  void options.asked.then(() => {
    ending = true;
    wake();
  });
  /** A configuration that HQ sent, taken in its turn. */
  let sent: { readonly bytes: Buffer; answer: ((taken: Taken) => void) | undefined } | undefined;
  const pause = (ms: number): Promise<void> =>
    new Promise((done) => {
      const timer = setTimeout(done, ms);
      wake = () => {
        clearTimeout(timer);
        done();
      };
      if (ending) wake();
    });

  /** What came of replaying the rings and a recording through the bundle that was offered last. */
  let rehearsed: Rehearsed | undefined;
  /** The newest one that was refused, and why. */
  let refused: string | undefined;
  /** What runs now, whose rings are replayed. */
  let current: Unit | undefined;
  const slots = await openSlots({
    dir: options.dir,
    files: diskFiles,
    keys: options.keys,
    usable: (opened) => whyUnusable(opened, slots.active, catalogue),
    async rehearse(opened, active) {
      const { rehearsalEntry: entry, asked } = options;
      if (entry === undefined) return undefined;
      const dirs = [join(options.dir, "recordings"), inbox];
      const [before, after] = [active.bundle.files, opened.bundle.files];
      rehearsed = await rehearse({ entry, dirs, asked, before, after, rings: await ringsOf(current, asked) });
      if (rehearsed !== undefined) log.info({ serial: opened.bundle.serial, ...loggable(rehearsed) }, "rehearsed");
      return rehearsed?.refused;
    },
  });

  while (!ending) {
    const running = await begin(slots, options.boot, log);
    if (running === undefined) {
      clearConfigDir(options.runDir);
      log.warn({ inbox }, "there is no configuration; waiting for a signed one in the inbox");
      while (!ending && !(await takeOne(undefined, undefined))) {
        options.manager?.alive();
        options.stick?.look(undefined);
        await pause(LOOK_MS);
      }
      continue;
    }
    await runOne(running);
  }

  /** Runs one configuration until the unit is to end or another is to run. */
  async function runOne(running: Running): Promise<void> {
    const dir = openConfigDir(options.runDir);
    try {
      let config: LoadedConfig;
      let unit: Unit;
      try {
        config = dir.load(running.bundle.files, catalogue);
        unit = await options.start(
          config,
          () => ({
            ...bundleOf(slots, running),
            ...(rehearsed === undefined ? {} : { rehearsal: rehearsed.summary }),
            ...(refused === undefined ? {} : { refused }),
          }),
          async (bytes) => {
            sent = { bytes: Buffer.from(bytes), answer: undefined };
            const taken = await new Promise<Taken>((done) => {
              if (sent !== undefined) sent.answer = done;
              wake();
            });
            const detail = { ...serialOf(taken), ...(rehearsed === undefined ? {} : { rehearsal: rehearsed.lines }) };
            return { ok: taken.taken !== "refused", reason: taken.reason, detail };
          },
        );
      } catch (e) {
        if (!running.trial && !isSwathError(e, "config")) throw e;
        const reason = e instanceof Error ? e.message : String(e);
        log.error({ reason, serial: running.bundle.serial }, "the unit does not start with this configuration");
        if (running.trial) await slots.conclude({ outcome: "reverted", reason: `the unit does not start: ${reason}` });
        else if (!(await takeOne(undefined, undefined))) await pause(RETRY_MS);
        return;
      }
      try {
        await watch(running, config, unit);
      } finally {
        // What ends here ends in order, whatever is wrong with the card.
        await slots.end().catch((e: unknown) => log.error({ err: e }, "the slots cannot be written"));
        // What a stick asked of this unit is finished first, but for a stop.
        if (!ending && options.stick !== undefined) {
          await Promise.race([options.stick.idle(), pause(STICK_MS)]);
          wake();
        }
        await unit.stop();
      }
    } finally {
      dir.close();
    }
  }

  async function watch(running: Running, config: LoadedConfig, unit: Unit): Promise<void> {
    await tellLast(unit);
    const terms = running.trial ? termsOf(config, slots, catalogue) : undefined;
    const trial = terms === undefined ? undefined : createTrial({ ...terms, ...times }, systemClock.monoMs());
    if (trial !== undefined) log.info({ serial: running.bundle.serial }, "configuration on trial");
    while (!ending) {
      await pause(LOOK_MS);
      if (ending) return;
      const inTrial = slots.state?.trial !== undefined;
      if (trial !== undefined && inTrial) {
        const verdict = trial.step(systemClock.monoMs(), unit.facts());
        if (verdict !== undefined) {
          log.warn({ serial: running.bundle.serial, ...verdict }, "the trial is over");
          await slots.conclude(verdict);
          if (verdict.outcome === "reverted") return;
          await tellLast(unit);
          unit.look();
        }
      }
      options.stick?.look(unit);
      if (await takeOne(unit, config)) return;
    }
  }

  /** A record of what became of the last trial, once. */
  async function tellLast(unit: Unit): Promise<void> {
    const last = slots.state?.last;
    if (last === undefined || last.told) return;
    const { serial, outcome, reason } = last;
    await tellVerdict(inbox, `serial ${serial} ${outcome}: ${reason}`);
    await unit.tell(`config_${outcome}`, outcome === "committed" ? "info" : "alarm", { serial, reason });
    await slots.told();
  }

  /** Looks into the inbox; true when another configuration is to run. */
  async function takeOne(unit: Unit | undefined, config: LoadedConfig | undefined): Promise<boolean> {
    for (const { name, bytes, refused } of await takeInbox(inbox)) {
      options.sign?.show("reading");
      const taken: Taken =
        bytes === undefined ? { taken: "refused", reason: refused } : await offer(bytes, unit, config).catch(failed);
      await answerInbox(inbox, name, answerOf(taken, config));
      if (await heed(name, taken, unit)) return true;
    }
    if (sent === undefined) return false;
    const { bytes, answer } = sent;
    sent = undefined;
    const taken = await offer(bytes, unit, config).catch(failed);
    answer?.(taken);
    return heed("cmd", taken, unit);
  }

  /** Says what became of a configuration; true when another one is to run. */
  async function heed(from: string, taken: Taken, unit: Unit | undefined): Promise<boolean> {
    log.info({ from, ...taken }, "a configuration was delivered");
    options.sign?.show(taken.taken === "refused" ? "refused" : "accepted");
    const serial = taken.serial ?? 0;
    refused = taken.taken === "refused" ? `${serial === 0 ? from : `serial ${serial}`}: ${taken.reason}` : undefined;
    unit?.look();
    if (taken.taken === "refused") await unit?.tell("config_refused", "warning", { serial, reason: taken.reason });
    const tried = rehearsed === undefined ? {} : { rehearsal: rehearsed.summary };
    if (taken.taken === "trial") await unit?.tell("config_trial", "info", { serial, reason: taken.reason, ...tried });
    if (taken.taken === "moved") await unit?.tell("config_moved", "info", { serial, reason: taken.reason });
    return taken.taken === "trial" || taken.taken === "first" || taken.taken === "moved";
  }

  function offer(bytes: Buffer, unit: Unit | undefined, config: LoadedConfig | undefined): Promise<Taken> {
    rehearsed = undefined;
    current = unit;
    const utcMs = unit?.utcMs();
    const facts = unit?.facts();
    const absent = (config?.parts ?? []).map((p) => p.name).filter((name) => !(facts?.fresh.includes(name) ?? true));
    const now = { timeMs: utcMs ?? 0, timeTrusted: utcMs !== undefined, boot: options.boot };
    return slots.offer(bytes, now, { connected: facts?.connected ?? false, absent });
  }

  function answerOf(taken: Taken, before: LoadedConfig | undefined): string[] {
    const lines = [`${taken.taken === "refused" ? "REFUSED" : "ACCEPTED"}: ${taken.reason}`];
    const trial = slots.state?.trial;
    const next = trial === undefined ? undefined : slots.kept(trial.slot);
    if (taken.taken !== "trial" || before === undefined || next === undefined) return lines;
    const changes = explainDiff(diffConfigs(before, loadFlat(next.bundle.files, catalogue)));
    return [...lines, "", ...changes, ...(rehearsed === undefined ? [] : ["", ...rehearsed.lines])];
  }
}

/**
 * What a trial asks for: every part delivers but those that are as they were and did not deliver before, and the broker is
 * reached unless it is the one that was not reached before.
 */
function termsOf(config: LoadedConfig, slots: Slots, catalogue: Catalogue) {
  const terms = slots.state?.trial;
  if (terms === undefined || slots.active === undefined) return undefined;
  const before = loadable(slots.active, catalogue);
  const changes = before === undefined ? undefined : diffConfigs(before, config);
  const same = (topic: Topic, name: string) =>
    changes !== undefined && !changes.some((c) => c.topic === topic && (name === "" || c.name === name));
  const excused = (name: string, bus: string) => terms.absent.includes(name) && same("part", name) && same("bus", bus);
  const { telemetry, track } = estimateTraffic(config);
  return {
    required: config.parts.filter((p) => !excused(p.name, p.bus)).map((p) => p.name),
    link: terms.connected || !same("broker", ""),
    rows: config.channels.length > 0 || config.track !== undefined,
    plannedBytesPerS: telemetry + track,
  };
}

/** The configuration of a bundle; undefined when this software cannot read it. */
function loadable({ bundle }: OpenedBundle, catalogue: Catalogue): LoadedConfig | undefined {
  try {
    return loadFlat(bundle.files, catalogue);
  } catch {
    return undefined;
  }
}

const serialOf = ({ serial }: Taken) => (serial === undefined ? {} : { serial });

/** What is said of a bundle that the card did not take. */
function failed(e: unknown): Taken {
  return { taken: "refused", reason: `it could not be stored: ${e instanceof Error ? e.message : String(e)}` };
}

/** A start counts before it is made. Where that cannot be written, only what is proven runs. */
async function begin(slots: Slots, boot: string, log: Logger): Promise<Running | undefined> {
  try {
    return await slots.begin(boot);
  } catch (e) {
    log.error({ err: e }, "the slots cannot be written; the proven configuration runs");
    const { state, active } = slots;
    return state === undefined || active === undefined ? undefined : { ...active, slot: state.active, trial: false };
  }
}

/** The rehearsal: the new configuration is loaded whole, with its budgets, and must be of the same unit as its bundle says. */
function whyUnusable(
  { bundle }: OpenedBundle,
  active: OpenedBundle | undefined,
  catalogue: Catalogue,
): string | undefined {
  let config: LoadedConfig;
  try {
    config = loadFlat(bundle.files, catalogue);
  } catch (e) {
    if (!isSwathError(e)) throw e;
    return e.message;
  }
  const { org, unit } = config.identity;
  if (org !== bundle.org || unit !== bundle.unit || config.machine !== bundle.machine)
    return `its files are for unit ${unit} of ${org} on ${config.machine}, but it says ${bundle.unit} of ${bundle.org} on ${bundle.machine}`;
  if (active === undefined) return undefined;
  const before = loadable(active, catalogue);
  if (before === undefined) return undefined;
  if (config.spool.dir !== before.spool.dir)
    return `it would leave the records in ${before.spool.dir} behind: its spool.dir is ${config.spool.dir}`;
  if (config.spool.maxMb < before.spool.maxMb)
    return `it would make the spool smaller, from ${before.spool.maxMb} to ${config.spool.maxMb} MB, which can drop records`;
  if (config.simulation !== undefined && before.simulation === undefined)
    return "it would simulate the machine in place of measuring it";
  return undefined;
}
