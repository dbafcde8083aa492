import { HQ_UNIT } from "../model/downlink.ts";
import { SwathError } from "../model/errors.ts";
import { LANES, type Lane } from "../model/record.ts";
import { topicOf } from "../model/topics.ts";
import { createBackOff } from "./back-off.ts";
import type { DownTopic, Uplink, UplinkOptions, UplinkStatus } from "./contract.ts";
import { newCounters } from "./counters.ts";
import { LaneCursor } from "./lane-cursor.ts";
import { bytesOf, type ServerLimits } from "./packet.ts";
import { type OpenPipe, openMqttPipe, type Pipe, type PipeEnd } from "./pipe.ts";
import type { Protocol } from "./protocol-choice.ts";
import { createReconnect } from "./reconnect.ts";
import { Sender } from "./sender.ts";
import { brokerUrl } from "./url.ts";
import { isPeerClose, namesPacket } from "./verdict.ts";

const KEEPALIVE_S = 20;
const CONNECT_TIMEOUT_MS = 15_000;
const WILL_DELAY_S = 30;
const TICK_MS = 2_000;
/** Own ping before MQTT.js pings at 20 s, and the end before 30 s: a server may stretch the keep-alive of MQTT.js. */
const PING_AFTER_MS = 17_000;
const DEAD_AFTER_MS = 27_000;
const ANNOUNCE_EVERY_MS = 900_000;
const KICK_SPACING_MS = 1_000;
const STOP_MS = 1_500;
/** Answers that wait for a connection; HQ asks again for one that fell out. */
const ANSWERS_MAX = 32;

/** Makes the session of a unit. Throws `config/*` for an address that cannot be meant; nothing is opened before `start`. */
export function createUplink(options: UplinkOptions, openPipe: OpenPipe = openMqttPipe): Uplink {
  const { clock, log, identity, lanes } = options;
  const random = options.random ?? Math.random;
  const url = brokerUrl(options.url, options.tls);
  const where = url.host;
  const reconnect = createReconnect(options.protocol, where, identity.unit, random);
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
  const waiting = new Map<"health" | "alerts", Uint8Array>();
  const answers = new Set<Uint8Array>();
  const down: ReadonlyMap<string, DownTopic> = new Map([
    [topicOf(identity, "ack"), "ack"],
    [topicOf(identity, "cmd"), "cmd"],
    [topicOf({ org: identity.org, unit: HQ_UNIT }, "state"), "hq"],
  ]);
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
      rememberedProtocol: reconnect.rememberedProtocol,
      connects,
      refused,
      inFlight: sender?.inFlight ?? 0,
      lastAckMono,
      nextTryMono,
      cloned: reconnect.cloned,
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
    const { protocol: version, willQos, willRetain } = reconnect.attempt(attemptMs);
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
          subscribed,
          message: (topic, payload, retained) => {
            const what = down.get(topic);
            if (what !== undefined) options.downlink?.heard(what, payload, retained);
          },
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
    reconnect.accepted(version, upMs);
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
    if (options.downlink !== undefined) pipe.subscribe([...down.keys()], [topicOf(identity, "cmd")]);
    announce();
    for (const [cls, payload] of waiting) sender.control(cls, payload);
    waiting.clear();
    for (const payload of answers) sender.answer(payload, () => answers.delete(payload));
    changed();
    sender?.pump();
  }

  function subscribed(codes: readonly number[]): void {
    const refused = [...down.keys()].filter((_, i) => (codes[i] ?? 0) >= 0x80);
    if (refused.length > 0)
      trouble(new SwathError("link/refused", `${where} does not let this unit listen to ${refused.join(" and ")}`));
    options.downlink?.listening();
  }

  function publishNewest(cls: "health" | "alerts", payload: Uint8Array): void {
    if (sender === undefined) waiting.set(cls, payload);
    else sender.control(cls, payload);
  }

  function announce(): void {
    if (sender === undefined) return;
    announcedMs = clock.monoMs();
    try {
      const { state, desc, alerts } = options.announce();
      sender.control("desc", bytesOf(desc));
      sender.control("state", bytesOf(state));
      if (alerts !== undefined) sender.control("alerts", bytesOf(alerts));
    } catch (e) {
      log.warn({ err: e }, "state and descriptor could not be made");
    }
  }

  function tick(): void {
    const nowMs = clock.monoMs();
    const silentMs = nowMs - heardMs;
    reconnect.stands(nowMs - upMs);
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
    const stood = sender === undefined ? undefined : { forMs: nowMs - upMs, inFlight: sender.inFlight };
    const blames = (sender?.acks ?? 0) > 0 && !closedByUs && isPeerClose(end);
    sender?.abandon();
    sender = undefined;
    pipe = undefined;
    clearInterval(ticker);
    for (const cursor of cursors) cursor.lost({ blames, named: namesPacket(end.disconnectCode) });
    if (stopping !== undefined) {
      stopping();
      return;
    }
    const next = reconnect.ended(version, end, stood, nowMs);
    if (next.refused) refused += 1;
    if (next.waitMs === 0) log.info({ broker: where }, "trying another protocol version");
    else if (!closedByUs) trouble(next.error);
    retryIn(next.waitMs, nowMs);
    changed();
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
    publishHealth: (payload) => publishNewest("health", payload),
    publishAlerts: (payload) => publishNewest("alerts", payload),
    answer(payload) {
      if (answers.size >= ANSWERS_MAX) answers.delete(answers.values().next().value!);
      answers.add(payload);
      sender?.answer(payload, () => answers.delete(payload));
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
      timer = undefined;
      nextTryMono = undefined;
      unsubscribe?.();
      const open = pipe;
      if (stopping !== undefined || open === undefined) return Promise.resolve();
      return new Promise((resolve) => {
        const goodbye = setTimeout(() => open.finish(), (timeoutMs * 2) / 3);
        const enough = setTimeout(() => {
          open.destroy();
          stopping?.();
        }, timeoutMs);
        stopping = () => {
          clearTimeout(goodbye);
          clearTimeout(enough);
          clearInterval(ticker);
          changed();
          resolve();
        };
        if (sender === undefined) open.destroy();
        else sender.finish(bytesOf(final), () => open.finish());
      });
    },
  };
}
