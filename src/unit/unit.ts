import { randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import { systemClock } from "../bus/clock.ts";
import type { ServiceManager } from "../bus/service-manager.ts";
import { buildDescriptor } from "../config/descriptor.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import type { TrialFacts } from "../config/trial.ts";
import type { Status } from "../link/frame.ts";
import { SAMPLER_NODE_FLAGS } from "../link/sampler-node.ts";
import { type LinkServer, startLinkServer } from "../link/server.ts";
import { LANES, type Lane, type SamplerEnd, type Severity, type StateMessage } from "../model/record.ts";
import type { Clock } from "../model/time.ts";
import { createUplink } from "../uplink/uplink.ts";
import { createAlerts } from "./alerts.ts";
import { bootReason, readResetFacts } from "./boot-reason.ts";
import { brokerOf } from "./broker.ts";
import { createBulletins } from "./bulletins.ts";
import { startCab } from "./cab.ts";
import { createClockFloor, validity } from "./clock-floor.ts";
import { type ColumnSpec, wireMono } from "./column-batch.ts";
import { type ApplyConfig, createCommandOps, createNewestPosition } from "./command-ops.ts";
import { createCondition } from "./condition.ts";
import { startDisplayTeller } from "./display-teller.ts";
import { exportRecords, readExportKey, signerOf } from "./export-records.ts";
import { createHarness } from "./harness.ts";
import { readBootId, readHost } from "./host-readings.ts";
import { hqKeys, listenToHq } from "./hq-link.ts";
import { createLive } from "./live.ts";
import type { OperatorSource } from "./operator-facts.ts";
import { createPanelLamp } from "./panel-lamp.ts";
import { createPowerRequest } from "./power-request.ts";
import { claimSpool } from "./presence.ts";
import type { TableSpec } from "./recorder.ts";
import type { UnitReport } from "./report.ts";
import { createRingCollector, type RingFrames } from "./ring-collector.ts";
import type { ExportTo } from "./stick.ts";
import { openStore } from "./store.ts";
import { createSupervisor } from "./supervisor.ts";
import { watchSystemClock } from "./system-time.ts";
import { createTimebase } from "./timebase.ts";
import { createVisitor } from "./visitor.ts";
import { createWindDown } from "./wind-down.ts";
import { healthMessage, stateMessage, type UnitFacts } from "./words.ts";

const SAMPLER_GRACE_MS = 800;
const ALERTS_MS = 5_000;
/** A sampler that has not been heard for so long says nothing of the ignition any more, in ms. */
const SILENT_MS = 10_000;
/** How often the spool is asked whether it still turns. */
const PROOF_MS = 5000;

function tablesOf(config: LoadedConfig): TableSpec[] {
  const telemetry: ColumnSpec[] = config.channels.flatMap((channel) =>
    channel.columns.map((name) => ({ name, resolution: channel.spec.resolution })),
  );
  const track = config.track?.columns.map((c) => ({ name: c.column, resolution: c.spec.resolution }));
  const tables: TableSpec[] = [{ kind: "telemetry", columns: telemetry }];
  return track === undefined ? tables : [...tables, { kind: "track", columns: track }];
}

/** A folder for the link's socket. A card that has become read-only must not keep the unit from starting. */
function makeRunDir(): string {
  try {
    return mkdtempSync(join(tmpdir(), "swath-"));
  } catch {
    return mkdtempSync("/dev/shm/swath-");
  }
}

/** A running unit. */
export interface Unit {
  /** What a trial of its configuration is judged by. */
  facts(): TrialFacts;
  /** UTC in ms since 1970 when it is known; what `trust` calls none is undefined. */
  utcMs(): number | undefined;
  /** Makes an event of what became of a configuration; resolves when it is durable. */
  tell(name: string, severity: Severity, detail: Readonly<Record<string, string | number>>): Promise<void>;
  /** Tells `state` and the lamp that something about the configuration is otherwise. */
  look(): void;
  /** What is in the sampler's rings now; why not, where there is nothing to be had. Never rejects. */
  rings(): Promise<RingFrames>;
  /** What it can say of itself to who stands before it. */
  report(): UnitReport;
  /** Writes the records that are not freed, sealed for HQ. */
  readonly exportTo: ExportTo;
  /** Ends sampler, records, link and spool in order, within about 2 s. */
  stop(): Promise<void>;
}

/**
 * The onboard unit: opens the spool, makes records of what an earlier run left, starts the sampler and the uplink, and keeps
 * going without either. Never throws for a missing broker, disk or part; `spool/in-use` when another unit has the spool.
 */
export async function startUnit(options: {
  readonly config: LoadedConfig;
  readonly software: string;
  readonly samplerEntry: string;
  readonly log: Logger;
  /** Takes a configuration that HQ sends; without it, HQ is told that none is taken. */
  readonly applyConfig?: ApplyConfig;
  /** A folder for the link's socket, where a sampler that systemd runs is waited for; default: one is started here. */
  readonly runDir?: string;
  /** Told when the spool's loop has turned. */
  readonly manager?: ServiceManager;
  /** Which signed configuration runs, where one does. */
  readonly bundle?: () => StateMessage["bundle"];
  /** What a stick asked, and what became of it, for the page in the cab. */
  readonly stick?: OperatorSource["stick"];
  /** What the lamp says of a delivery. */
  readonly delivery?: OperatorSource["delivery"];
}): Promise<Unit> {
  const { config, log } = options;
  const bundle = options.bundle ?? (() => undefined);
  const delivery = options.delivery ?? (() => undefined);
  const { simulation } = config;
  const startMs = systemClock.monoMs();
  const startUtcMs = Date.now();
  const speed = simulation?.speed ?? 1;
  const clock: Clock =
    simulation === undefined ? systemClock : { monoMs: () => startMs + (systemClock.monoMs() - startMs) * speed };
  // Simulated work is never taken for the work of this boot.
  const boot = simulation === undefined ? readBootId(randomUUID) : randomUUID();
  const descriptor = buildDescriptor(config);
  const timebase = createTimebase();
  const tables = tablesOf(config);
  const runDir = options.runDir ?? makeRunDir();
  const socket = join(runDir, "link.sock");

  const claim = await claimSpool(config.spool.dir);
  let spoolChanged: () => void = () => undefined;
  let server: LinkServer | undefined;
  let sampler: StateMessage["sampler"] = "starting";
  let samplerEnd: SamplerEnd | undefined;
  let status: Status | undefined;
  let statusMs = systemClock.monoMs();
  const condition = createCondition(systemClock);
  const byHq = config.spool.ack === "hq";
  const { spool, run, lanes, recorder, descriptors, gapBody } = await openStore({
    ...{ config, clock, boot, timebase, descriptor, tables, log },
    changed: () => spoolChanged(),
    storing: (bytes) => condition.stored(bytes),
    ack: (number) => server?.ack(number),
    sent: byHq ? (lane, upTo, id) => hq?.sent(lane, upTo, id) : undefined,
  });
  const resume = recorder.recover(spool.staged());
  const perLane = (count: (lane: Lane) => number) => ({
    event: count("event"),
    log: count("log"),
    bulk: count("bulk"),
  });

  const broker = brokerOf(config);
  const trustedUtcMs = () => {
    const { t } = timebase.stamp(clock.monoMs());
    return t === undefined || simulation !== undefined ? undefined : Date.parse(t);
  };
  const floor = createClockFloor({
    previousMs: run.previous?.utcMs,
    certificates: [broker.tls?.ca, broker.tls?.cert],
    utcMs: trustedUtcMs,
  });
  const certificateEndsMs = validity(broker.tls?.cert)?.toMs;
  const bootId = readBootId(() => boot);
  const harness = createHarness({
    harness: config.harness,
    tell(name, severity, detail) {
      log.warn({ name, ...detail }, "the harness and the configuration");
      recorder.event(clock.monoMs(), { name, severity, detail: { ...detail } }).catch((e: unknown) => {
        log.error({ err: e }, "an event could not be stored");
      });
    },
    changed() {
      bulletins.look();
      alerts.look();
    },
  });
  const facts: UnitFacts = {
    boot,
    bootReason: bootReason(run.previous, bootId, readResetFacts()),
    machine: config.machine,
    software: options.software,
    config: config.hash,
    desc: descriptor.hash,
    timebase,
    nowMs: () => clock.monoMs(),
    spool: () => ({
      spoolId: spool.spoolId,
      bytes: spool.bytes,
      state: spool.state,
      unsent: perLane((lane) => spool.unsent(lane)),
      ...(byHq ? { unconfirmed: perLane((lane) => spool.unconfirmed(lane)) } : {}),
    }),
    link: () => {
      const { connected, connects, refused, protocol } = uplink.status();
      return {
        ...{ connected, connects, refused },
        ...(protocol === undefined ? {} : { protocol }),
        ...(certificateEndsMs === undefined ? {} : { certificateExpires: new Date(certificateEndsMs).toISOString() }),
      };
    },
    host: () => readHost(config.spool.dir),
    samplerState: () => sampler,
    samplerEnd: () => samplerEnd,
    samplerRestarts: () => supervisor.restarts,
    samplerStatus: () => status,
    bundle,
    harness: () => harness.word,
    power: () => windDown && { ignition: windDown.ignition, windDown: windDown.step },
  };
  const switchingOff = () => windDown?.sleeping ?? false;
  const present = (): StateMessage["state"] => (switchingOff() ? "sleeping" : "online");
  const words = (word: StateMessage["state"]) => Buffer.from(JSON.stringify(stateMessage(facts, word)));

  const position = createNewestPosition(tables.find((t) => t.kind === "track")?.columns, timebase);
  const hq =
    config.hq === undefined
      ? undefined
      : listenToHq({
          unit: config.identity.unit,
          keys: hqKeys(config.hq.keyFiles),
          confirms: byHq,
          spool,
          lanes,
          clock: systemClock,
          marks: run.previous?.sent,
          log,
          announce: () => uplink.announce(),
          commands: {
            utcMs: trustedUtcMs,
            ops: createCommandOps({
              announce: () => uplink.announce(),
              state: () => stateMessage(facts, present()),
              health: () => healthMessage(facts),
              locate: () => position.answer(clock.monoMs()),
              applyConfig: options.applyConfig,
            }),
            memory: run.previous?.commands,
            keep: () => run.keepNow(),
            answer: (payload) => uplink.answer(payload),
          },
        });
  const uplink = createUplink({
    identity: config.identity,
    ...broker,
    lanes,
    announce: () => ({
      state: words(present()),
      desc: JSON.stringify({ v: 1, kind: "desc", hash: descriptor.hash, body: descriptor.body }),
      alerts: alerts.message(),
    }),
    will: words("lost"),
    clock: systemClock,
    log,
    onPoison: (lane, place) => lanes.poisoned(lane, place),
    ...(hq === undefined ? {} : { downlink: hq.downlink }),
  });
  const windDown =
    config.power &&
    createWindDown({
      holdUpMs: config.power.ignition.holdUpMs,
      wasOn: run.previous?.boot === bootId && run.previous.ignition === "on",
      log,
      ports: {
        settle: () => recorder.settle(),
        keep: () => run.keepNow(),
        async tell(name, severity, detail) {
          await recorder.event(clock.monoMs(), { name, severity, detail: { ...detail } });
        },
        changed() {
          bulletins.look();
          alerts.look();
        },
        request: createPowerRequest(runDir),
      },
    });
  const live = createLive({
    tables: tables.map((t) => t.columns),
    everyMs: config.live.everyMs,
    boot,
    desc: descriptor.hash,
    timebase,
    publish: (bytes) => uplink.publishLive(bytes),
  });

  const bulletins = createBulletins({
    condition: () => {
      const sources = Object.entries(status?.sources ?? {}).map(([name, source]) => [name, source.state]);
      const { connected } = uplink.status();
      const display = status?.display?.state;
      const power = [facts.power(), harness.word];
      return [sampler, supervisor.restarts, sources, display, power, spool.state, timebase.trust, connected, bundle()];
    },
    tellState: () => uplink.publishState(words(present())),
    tellHealth: () => uplink.publishHealth(Buffer.from(JSON.stringify(healthMessage(facts)))),
  });
  const alerts = createAlerts({
    ...{ boot, timebase, nowMs: () => clock.monoMs() },
    facts: {
      sampler: () => sampler,
      sources: () => status?.sources ?? {},
      spool: () => spool.state,
      undervoltage: () => readHost(config.spool.dir).undervoltage === true,
      cloned: () => uplink.status().cloned,
      power: facts.power,
      harness: facts.harness,
      clockInPast: () => simulation === undefined && floor.isPast(Date.now()),
      certificateEndsMs,
      utcMs: () => floor.bestMs(Date.now()),
    },
    tell: (message) => uplink.publishAlerts(message),
  });
  const watchAlerts = setInterval(() => {
    if (systemClock.monoMs() - statusMs > SILENT_MS) windDown?.heard(undefined);
    alerts.look();
    // A certificate that was refused for its dates may hold now.
    if (floor.wasSet(Date.now(), systemClock.monoMs())) uplink.kick();
  }, ALERTS_MS);
  spoolChanged = () => {
    bulletins.look();
    alerts.look();
  };
  const operatorSource: OperatorSource = {
    nowMs: () => clock.monoMs(),
    sampler: () => sampler,
    bundle,
    stick: options.stick ?? (() => null),
    delivery,
    switchingOff,
    sources: () => status?.sources ?? {},
    spool: () => spool.state,
    openCandidate: () => recorder.openCandidate(clock.monoMs()),
    hq() {
      const { connected, lastAckMono } = uplink.status();
      const lastAckS = lastAckMono === undefined ? null : (systemClock.monoMs() - lastAckMono) / 1000;
      const unsent = LANES.reduce((n, lane) => n + spool.unsent(lane), 0);
      return { connected, unsent, lastAckS, spool: spool.state };
    },
  };
  const cab = await startCab({
    config,
    tables,
    timebase,
    log,
    mark: (monoMs, kind) => recorder.mark(monoMs, kind, "cab"),
    source: operatorSource,
  });

  const panelLamp = createPanelLamp({
    config,
    nowMs: () => clock.monoMs(),
    facts: () => ({
      sampler,
      sources: Object.fromEntries(Object.entries(status?.sources ?? {}).map(([name, one]) => [name, one.state])),
      spool: spool.state,
      trial: bundle()?.trial ?? false,
      switchingOff: switchingOff(),
      delivery: delivery(),
    }),
    tell: (lamp) => server?.lamp(lamp),
  });
  const display = startDisplayTeller({
    ...{ config, tables, timebase },
    source: operatorSource,
    tell: (screen) => server?.screen(screen),
  });

  const samplerEnded = (end: SamplerEnd, inMs: number): void => {
    sampler = "restarting";
    samplerEnd = end;
    log.warn({ code: "link/sampler", ...end, inMs }, "the sampler ended; it is started again");
    bulletins.look();
  };
  const visitor = options.runDir === undefined ? undefined : createVisitor(systemClock, (end) => samplerEnded(end, 0));
  const supervisor =
    visitor ??
    createSupervisor({
      command: process.execPath,
      args: [
        ...[...SAMPLER_NODE_FLAGS, options.samplerEntry, "--config", config.file, "--socket", socket],
        ...["--sim-start", String(startMs), "--sim-utc", String(startUtcMs)],
      ],
      clock: systemClock,
      listener: {
        started: (pid, restarts) => log.info({ pid, restarts }, "sampler started"),
        ended: samplerEnded,
      },
    });

  const rings = createRingCollector(() => server?.askRings() ?? false);
  server = await startLinkServer({
    path: socket,
    config: config.hash,
    refused: (other) => log.warn({ code: "link/sampler", other }, "a sampler of another configuration is not heard"),
    ...(resume === undefined ? {} : { resume }),
    listener: {
      hello(hello) {
        supervisor.alive();
        visitor?.hello(hello.session);
        recorder.hello(hello.session);
        alerts.forgetLimits();
        sampler = "running";
        bulletins.look();
      },
      row(row, bytes, number) {
        condition.row();
        live.row(row);
        if (tables[row.table]?.kind === "track") position.row(row);
        cab?.row(row);
        panelLamp.row(row);
        display?.row(row);
        recorder.row(row, bytes, number);
      },
      note(note, number) {
        recorder.note(note, number);
        if (note.kind === "event") {
          cab?.event(note);
          alerts.event(note);
        }
        if (note.kind !== "source") return;
        const { source, state, previous, reason } = note;
        log.info({ source, state, previous, reason }, "source changed its state");
      },
      status(next) {
        supervisor.alive();
        condition.heard();
        status = next;
        statusMs = systemClock.monoMs();
        windDown?.heard(next.ignition);
        harness.heard(next.harness);
        bulletins.look();
      },
      rings: rings.word,
      samples: rings.samples,
      gone() {
        rings.gone();
        visitor?.gone();
      },
    },
  });
  // Another user of the same group: whatever the mask is, it must get in.
  if (visitor !== undefined) chmodSync(socket, 0o660);
  supervisor.start();
  const { manager } = options;
  // Ok or degraded: what counts is that the spool answers.
  const proof =
    manager === undefined ? undefined : setInterval(() => spool.flush().then(manager.alive, manager.alive), PROOF_MS);
  // From here on every record is of this machine: nothing of this run can be earlier.
  const mono = wireMono(startMs);
  const { hash, body } = descriptor;
  recorder.add({ v: 1, kind: "desc", boot, mono, ...timebase.stamp(mono), hash, body }, "log");
  let linkTold = "";
  uplink.onStatus(({ connected, lastError }) => {
    const link = `${connected} ${lastError?.message}`;
    if (link === linkTold) return;
    linkTold = link;
    log.info(
      { connected, ...(lastError === undefined ? {} : { code: lastError.code, reason: lastError.message }) },
      "link",
    );
    bulletins.look();
  });
  uplink.start();
  const presence = () => {
    const linkError = uplink.status().lastError?.message;
    return {
      state: stateMessage(facts, present()),
      health: healthMessage(facts),
      ...(linkError === undefined ? {} : { linkError }),
    };
  };
  claim.answerWith(presence);

  const stopWatching =
    simulation === undefined
      ? watchSystemClock({ clock, offer: (anchor) => recorder.anchor(anchor), log })
      : () => undefined;
  bulletins.start();
  let stopsInOrder = false;
  panelLamp.start();
  const stopKeeping = run.keep(() => {
    const ignition = windDown?.ignition;
    return {
      ...{
        boot: bootId,
        ended: stopsInOrder,
        undervoltage: readHost(config.spool.dir).undervoltage === true,
        utcMs: floor.floorMs,
        ...(ignition === "on" || ignition === "off" ? { ignition } : {}),
      },
      sent: hq?.marks() ?? {},
      ...(hq === undefined ? {} : { commands: hq.commands }),
    };
  });
  // From now on an end that is not in order is seen by the next run.
  void run.keepNow();

  return {
    facts() {
      const { connected } = uplink.status();
      const ignitionOff = windDown?.resting ?? false;
      return condition.facts({ status, nowMs: clock.monoMs(), restarts: supervisor.restarts, connected, ignitionOff });
    },
    utcMs() {
      const { t } = timebase.stamp(clock.monoMs());
      return t === undefined ? undefined : Date.parse(t);
    },
    async tell(name, severity, detail) {
      await recorder.event(clock.monoMs(), { name, severity, detail: { ...detail } });
    },
    look: bulletins.look,
    rings: () => rings.collect(),
    report: () => ({ ...config.identity, machine: config.machine, ...presence() }),
    async exportTo(maxBytes, write) {
      const reader = readExportKey(config.hq?.exportKeyFile);
      if (typeof reader === "string") return { refused: reader };
      const signer = signerOf(broker.tls);
      const made = timebase.stamp(clock.monoMs()).t;
      await spool.flush();
      const whose = { identity: config.identity, machine: config.machine, made };
      const ending = await exportRecords({ ...whose, spool, descriptors, reader, signer, gapBody }, maxBytes, write);
      return { ending, signed: signer !== undefined };
    },
    async stop() {
      rings.gone();
      clearInterval(proof);
      const final = windDown?.ignition === "off" ? "sleeping" : "offline";
      windDown?.stop();
      bulletins.stop();
      panelLamp.stop();
      display?.stop();
      clearInterval(watchAlerts);
      stopWatching();
      hq?.stop();
      await cab?.close();
      await supervisor.stop(SAMPLER_GRACE_MS);
      await recorder.flush();
      await uplink.stop({ final: words(final), timeoutMs: 800 });
      await server?.close();
      await spool.close();
      stopsInOrder = true;
      await stopKeeping();
      await claim.close();
      rmSync(options.runDir === undefined ? runDir : socket, { recursive: true, force: true });
    },
  };
}
