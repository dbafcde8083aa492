import { SwathError } from "../model/errors.ts";
import { createBackOff } from "./back-off.ts";
import type { PipeEnd } from "./pipe.ts";
import { createProtocolChoice, type Protocol } from "./protocol-choice.ts";
import { createTakeovers } from "./takeovers.ts";
import { isSilentClose, verdictOfEnd } from "./verdict.ts";

/** In which form to try next. */
export interface Attempt {
  readonly protocol: Protocol;
  readonly willQos: 0 | 1;
  readonly willRetain: boolean;
}

/** A connection that was accepted, at its end. */
export interface Stood {
  readonly forMs: number;
  readonly inFlight: number;
}

/** What to do after a connection, or an attempt at one, has ended. */
export interface Next {
  readonly error: SwathError;
  /** How long to wait, ms; 0 when there is another form worth trying at once. */
  readonly waitMs: number;
  /** The broker refused this unit, not just the protocol version. */
  readonly refused: boolean;
}

/** Learns from every end how and when to try again. It never gives up. */
export interface Reconnect {
  attempt(nowMs: number): Attempt;
  accepted(protocol: Protocol, nowMs: number): void;
  /** `up`: how long the connection stood and what was unacknowledged; undefined when the broker never accepted it. */
  ended(protocol: Protocol, end: PipeEnd, up: Stood | undefined, nowMs: number): Next;
  /** The connection has stood for so long. */
  stands(forMs: number): void;
  readonly rememberedProtocol: Protocol | undefined;
  readonly cloned: boolean;
}

/** A connection that stood this long was no accident: the back-off begins anew. */
const STEADY_MS = 10_000;
/** A connection closed sooner, with nothing on its way, may have been taken over by a clone. */
const QUIET_MS = 60_000;
/** A person must act: trying more often only fills the broker's log. */
const SLOW_MS = 300_000;
const QOS_NOT_SUPPORTED = 0x9b;

/** `where` names the broker in messages; `random` gives [0, 1). */
export function createReconnect(
  wanted: "auto" | Protocol,
  where: string,
  unit: string,
  random: () => number,
): Reconnect {
  const choice = createProtocolChoice(wanted);
  const backOff = createBackOff(random);
  const takeovers = createTakeovers();
  let willQos: 0 | 1 = 1;
  let willRetain = true;

  return {
    attempt: (nowMs) => ({ protocol: choice.next(nowMs), willQos, willRetain }),
    accepted: (protocol, nowMs) => choice.accepted(protocol, nowMs),
    ended(protocol, end, up, nowMs) {
      const wasUp = up !== undefined;
      if (wasUp && up.forMs >= STEADY_MS) backOff.reset();
      const { error, reaction } = verdictOfEnd(end, wasUp, where);
      const refused = end.connackCode !== undefined && reaction !== "version";
      const next = (waitMs: number): Next => ({ error, waitMs, refused });

      const quiet = wasUp && up.forMs < QUIET_MS && up.inFlight === 0;
      const unanswered = !wasUp && isSilentClose(end);
      // NATS hangs up on who comes back within a second of being taken over: that says nothing for or against a clone.
      if (!unanswered && takeovers.count(end, quiet, nowMs)) {
        const cloned = new SwathError("link/cloned", `${where}: another client uses the identity ${unit}`, error);
        return { error: cloned, waitMs: takeovers.waitMs(random), refused };
      }
      if (unanswered && choice.closedSilently(protocol)) return next(0);
      if (!wasUp && reaction === "version" && choice.versionRefused(protocol)) return next(0);
      if (!wasUp && reaction === "simpler-will") {
        // [MQTT-3.2.2-12], [MQTT-3.2.2-13]: the will asked for more than the server gives.
        if (end.connackCode === QOS_NOT_SUPPORTED) willQos = 0;
        else willRetain = false;
      }
      return next(reaction === "slow" ? SLOW_MS : backOff.nextMs());
    },
    stands: (forMs) => takeovers.stands(forMs),
    get rememberedProtocol() {
      return choice.remembered;
    },
    get cloned() {
      return takeovers.cloned;
    },
  };
}
