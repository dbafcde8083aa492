import { SwathError } from "../model/errors.ts";
import { LANES, type Lane } from "../model/record.ts";
import { topicOf } from "../model/topics.ts";
import { createBackOff } from "./back-off.ts";
import type { Uplink, UplinkOptions, UplinkStatus } from "./contract.ts";
import { LaneCursor } from "./lane-cursor.ts";
import { bytesOf, type ServerLimits } from "./packet.ts";
import { type OpenPipe, openMqttPipe, type Pipe, type PipeEnd } from "./pipe.ts";
import { createProtocolChoice, type Protocol } from "./protocol-choice.ts";
import { newCounters, Sender } from "./sender.ts";
import { createTakeovers } from "./takeovers.ts";
import { brokerUrl } from "./url.ts";
import { isSilentClose, namesPacket, type Verdict, verdictOfEnd } from "./verdict.ts";

const KEEPALIVE_S = 20;
const CONNECT_TIMEOUT_MS = 15_000;
const WILL_DELAY_S = 30;
const TICK_MS = 2_000;
/** Own ping before MQTT.js pings at 20 s, and the end before 30 s: a server may stretch the keep-alive of MQTT.js. */
const PING_AFTER_MS = 17_000;
const DEAD_AFTER_MS = 27_000;
const STEADY_MS = 10_000;
const SLOW_MS = 300_000;
const ANNOUNCE_EVERY_MS = 900_000;
const KICK_SPACING_MS = 1_000;
const STOP_MS = 1_500;

/** Makes the session of a unit. Throws `config/*` for an address that cannot be meant; nothing is opened before `start`. */
export function createUplink(options: UplinkOptions, openPipe: OpenPipe = openMqttPipe): Uplink {
  const { clock, log, identity, lanes } = options;
  const random = options.random ?? Math.random;
  const url = brokerUrl(options.url, options.tls);
  const where = url.host;
  const choice = createProtocolChoice(options.protocol);
  const backOff = createBackOff(random);
  const takeovers = createTakeovers();
  const counters = newCounters();
  const listeners = new Set<(status: UplinkStatus) => void>();
  const cursors = LANES.map(
    (lane) =>
      new LaneCursor(
        lane,
        lanes,
        createBackOff(random),
        () => sender?.pump(),
        (e) => log.warn({ err: e, lane }, "the lane cannot be read or freed"),
      ),
  );

  let pipe: Pipe | undefined;
  let sender: Sender | undefined;
  let protocol: Protocol | undefined;
  let stopping: (() => void) | undefined;
  let started = false;
  let closedByUs = false;
  let timer: NodeJS.Timeout | undefined;
  let ticker: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void) | undefined;
  let health: Uint8Array | undefined;
  let willQos: 0 | 1 = 1;
  let willRetain = true;
  let connects = 0;
  let refused = 0;
  let attemptMs = Number.NEGATIVE_INFINITY;
  let upMs = 0;
  let heardMs = 0;
  let pinged = false;
  let announcedMs = 0;
  let lastAckMono: number | undefined;
  let nextTryMono: number | undefined;
  let lastError: SwathError | undefined;

  function status(): UplinkStatus {
    return {
      connected: sender !== undefined,
      protocol: sender === undefined ? undefined : protocol,
      rememberedProtocol: choice.remembered,
      connects,
      refused,
      inFlight: sender?.inFlight ?? 0,
      lastAckMono,
      nextTryMono,
      cloned: takeovers.cloned,
      lastError,
      counters,
    };
  }

  function changed(): void {
    const now = status();
    for (const listener of listeners) listener(now);
  }

  function trouble(e: SwathError): void {
    if (lastError?.message !== e.message) log.warn({ code: e.code }, e.message);
    lastError = e;
    changed();
  }

  function onPoison(lane: Lane, seq: number, reason: string): Uint8Array | undefined {
    log.warn({ lane, seq, reason }, "a record cannot be sent");
    try {
      return options.onPoison?.(lane, seq, reason);
    } catch (e) {
      log.warn({ err: e, lane, seq }, "nothing was given in place of a record that cannot be sent");
      return undefined;
    }
  }

  function attempt(): void {
    timer = undefined;
    nextTryMono = undefined;
    closedByUs = false;
    attemptMs = clock.monoMs();
    const version = choice.next(attemptMs);
    protocol = version;
    try {
      pipe = openPipe(
        {
          url,
          clientId: identity.unit,
          username: options.username,
          password: options.password,
          tls: options.tls,
          protocol: version,
          keepaliveS: KEEPALIVE_S,
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
          will: {
            topic: topicOf(identity, "state"),
            payload: bytesOf(options.will),
            qos: willQos,
            retain: willRetain,
            delayS: WILL_DELAY_S,
          },
        },
        {
          up: (limits) => up(version, limits),
          heard: () => {
            heardMs = clock.monoMs();
            pinged = false;
          },
          acked: (packetId, code) => sender?.acked(packetId, code),
          ponged: () => sender?.ponged(),
          drained: () => sender?.pump(),
          closed: (end) => closed(version, end),
        },
      );
    } catch (e) {
      // A certificate or key that is none is refused before a socket exists.
      closed(version, { reached: false, error: e instanceof Error ? e : new Error(String(e)) });
    }
  }

  function up(version: Protocol, limits: ServerLimits): void {
    if (stopping !== undefined || pipe === undefined) return;
    upMs = heardMs = clock.monoMs();
    connects += 1;
    lastError = undefined;
    choice.accepted(version, upMs);
    sender = new Sender({
      pipe,
      identity,
      protocol: version,
      limits,
      cursors,
      counters,
      clock,
      onPoison,
      onAcked: () => {
        lastAckMono = clock.monoMs();
      },
      onTrouble: trouble,
    });
    ticker = setInterval(tick, TICK_MS);
    log.info({ broker: where, protocol: version }, "connected");
    announce();
    if (health !== undefined) sender.control("health", health);
    health = undefined;
    changed();
    sender?.pump();
  }

  function announce(): void {
    if (sender === undefined) return;
    announcedMs = clock.monoMs();
    try {
      const { state, desc } = options.announce();
      sender.control("desc", bytesOf(desc));
      sender.control("state", bytesOf(state));
    } catch (e) {
      log.warn({ err: e }, "state and descriptor could not be made");
    }
  }

  function tick(): void {
    const nowMs = clock.monoMs();
    const silentMs = nowMs - heardMs;
    takeovers.stands(nowMs - upMs);
    if (nowMs - announcedMs >= ANNOUNCE_EVERY_MS) announce();
    if (silentMs >= DEAD_AFTER_MS) {
      closedByUs = true;
      trouble(new SwathError("link/down", `${where}: nothing heard for ${Math.round(silentMs / 1000)} s`));
      pipe?.destroy();
      return;
    }
    if (silentMs >= PING_AFTER_MS && !pinged) {
      pinged = true;
      sender?.ping();
    }
    for (const cursor of cursors) cursor.retry();
    sender?.pump();
  }

  function closed(version: Protocol, end: PipeEnd): void {
    const nowMs = clock.monoMs();
    const wasUp = sender !== undefined;
    const acks = sender?.acks ?? 0;
    sender = undefined;
    pipe = undefined;
    clearInterval(ticker);
    const blames = acks > 0 && !closedByUs && stopping === undefined;
    for (const cursor of cursors) cursor.lost({ blames, named: namesPacket(end.disconnectCode) });
    if (stopping !== undefined) {
      stopping();
      return;
    }
    if (wasUp && nowMs - upMs >= STEADY_MS) backOff.reset();
    const verdict = verdictOfEnd(end, wasUp, where);
    if (end.connackCode !== undefined && verdict.reaction !== "version") refused += 1;
    if (!closedByUs) trouble(verdict.error);
    retryIn(waitAfter(version, end, wasUp, verdict, nowMs), nowMs);
    changed();
  }

  /** How long to wait before the next attempt, ms; 0 when there is another way worth trying at once. */
  function waitAfter(version: Protocol, end: PipeEnd, wasUp: boolean, verdict: Verdict, nowMs: number): number {
    if (takeovers.count(end.disconnectCode, nowMs)) {
      trouble(new SwathError("link/cloned", `${where}: another client uses the identity ${identity.unit}`));
      return takeovers.waitMs(random);
    }
    if (!wasUp && isSilentClose(end) && choice.closedSilently(version)) return 0;
    if (verdict.reaction === "version" && choice.versionRefused(version)) return 0;
    if (verdict.reaction === "simpler-will" && !wasUp && (willQos === 1 || willRetain)) {
      if (end.connackCode === 0x9b) willQos = 0;
      else willRetain = false;
    }
    return verdict.reaction === "slow" ? SLOW_MS : backOff.nextMs();
  }

  function retryIn(waitMs: number, nowMs: number): void {
    nextTryMono = nowMs + waitMs;
    timer = setTimeout(attempt, waitMs);
  }

  return {
    start() {
      if (started) return;
      started = true;
      unsubscribe = lanes.onAppended((lane) => cursors[LANES.indexOf(lane)]?.wake());
      attempt();
    },
    publishLive(payload) {
      if (sender === undefined) counters.liveDropped += 1;
      else sender.live(payload);
    },
    publishHealth(payload) {
      if (sender === undefined) health = payload;
      else sender.control("health", payload);
    },
    publishState(payload) {
      sender?.control("state", payload);
    },
    announce,
    kick() {
      if (timer === undefined) return;
      clearTimeout(timer);
      const nowMs = clock.monoMs();
      retryIn(Math.max(0, attemptMs + KICK_SPACING_MS - nowMs), nowMs);
    },
    status,
    onStatus(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    stop({ final, timeoutMs = STOP_MS }) {
      clearTimeout(timer);
      clearInterval(ticker);
      unsubscribe?.();
      nextTryMono = undefined;
      return new Promise((resolve) => {
        if (stopping !== undefined || pipe === undefined) {
          resolve();
          return;
        }
        const open = pipe;
        const goodbye = setTimeout(() => open.finish(), (timeoutMs * 2) / 3);
        const enough = setTimeout(() => open.destroy(), timeoutMs);
        stopping = () => {
          clearTimeout(goodbye);
          clearTimeout(enough);
          changed();
          resolve();
        };
        if (sender === undefined) open.destroy();
        else sender.finish(bytesOf(final), () => open.finish());
      });
    },
  };
}
