import type { SwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import type { UnitIdentity } from "../model/topics.ts";
import type { UplinkCounters } from "./counters.ts";
import type { LaneSource } from "./lane-source.ts";
import type { TlsFiles } from "./pipe.ts";
import type { Protocol } from "./protocol-choice.ts";
import type { OnPoison } from "./sender.ts";

/** Where the session says what changed; the shape of pino. */
export interface UplinkLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What comes down: `ack` and `cmd` of this unit, and HQ's own state. */
export type DownTopic = "ack" | "cmd" | "hq";

/** Who hears what HQ says. Nothing has been checked yet. */
export interface Downlink {
  heard(what: DownTopic, payload: Uint8Array, retained: boolean): void;
  /** The broker has granted the subscriptions of a new connection: what it keeps for them comes next. */
  listening(): void;
}

export interface UplinkOptions {
  readonly identity: UnitIdentity;
  /** `mqtt://host:port` or `mqtts://host:port`, without user or path. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Needed for `mqtts://`, refused for `mqtt://`. The broker must be signed by this `ca` and no other. */
  readonly tls?: TlsFiles;
  readonly protocol: "auto" | Protocol;
  readonly lanes: LaneSource;
  /** The retained messages as they are now; asked again at each announcement. */
  readonly announce: () => {
    state: string | Uint8Array;
    desc: string | Uint8Array;
    alerts?: string | Uint8Array;
  };
  /** The state `lost`, which the broker publishes when the unit is gone without a word. */
  readonly will: string | Uint8Array;
  /** Real time: keep-alive and back-off must not run faster than the broker's. */
  readonly clock: Clock;
  readonly random?: () => number;
  readonly log: UplinkLog;
  readonly onPoison?: OnPoison;
  /** Where this unit listens to HQ; without it nothing is subscribed to. */
  readonly downlink?: Downlink;
}

export interface UplinkStatus {
  readonly connected: boolean;
  /** Of the connection that stands. */
  readonly protocol: Protocol | undefined;
  /** What `auto` learned and keeps for the day. */
  readonly rememberedProtocol: Protocol | undefined;
  readonly connects: number;
  /** Connections refused by a CONNACK, for anything but the protocol version. */
  readonly refused: number;
  readonly inFlight: number;
  /** When the broker last acknowledged anything, ms since boot. */
  readonly lastAckMono: number | undefined;
  /** When the next attempt is due while the link is down, ms since boot. */
  readonly nextTryMono: number | undefined;
  /** Another client takes the place of this one. */
  readonly cloned: boolean;
  readonly lastError: SwathError | undefined;
  readonly counters: Readonly<UplinkCounters>;
}

/** The MQTT session of a unit: keeps a connection, sends the lanes over it, and says how it stands. */
export interface Uplink {
  start(): void;
  /** QoS 0; dropped and counted when the link is down or slow. */
  publishLive(payload: Uint8Array): void;
  /** Retained. While the link is down the newest waits. */
  publishHealth(payload: Uint8Array): void;
  /** Retained. While the link is down nothing needs to wait: `announce` is asked at every connection. */
  publishState(payload: Uint8Array): void;
  /** Retained. While the link is down the newest waits. */
  publishAlerts(payload: Uint8Array): void;
  /** An answer to a command: sent until the broker has it, over as many connections as that takes. */
  answer(payload: Uint8Array): void;
  /** Announces `state` and `desc` again now (a rebirth was asked for, HQ came back). */
  announce(): void;
  /** The link came up: try at once, whatever the back-off says (no more than once a second). */
  kick(): void;
  status(): UplinkStatus;
  /** Calls back when the connection or the last error changed. Returns how to stop that. */
  onStatus(callback: (status: UplinkStatus) => void): () => void;
  /** Publishes the last state, says DISCONNECT, and closes, within `timeoutMs` (1.5 s). What is in the lanes stays there. */
  stop(options: { final: string | Uint8Array; timeoutMs?: number }): Promise<void>;
}
