import { Readable } from "node:stream";
import mqtt from "mqtt";
import { generate } from "mqtt-packet";
import { NO_LIMITS, type PublishProperties, type ServerLimits } from "./packet.ts";
import type { Protocol } from "./protocol-choice.ts";

/** PEM contents for `mqtts://`: the own authority, and the certificate and key of this unit. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Everything one connection is opened with. */
export interface PipeOptions {
  readonly url: URL;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: TlsFiles | undefined;
  readonly protocol: Protocol;
  readonly keepaliveS: number;
  readonly connectTimeoutMs: number;
  /** Absent for a look at the broker that nobody needs to hear of. */
  readonly will:
    | {
        readonly topic: string;
        readonly payload: Uint8Array;
        readonly qos: 0 | 1;
        readonly retain: boolean;
        readonly delayS: number;
      }
    | undefined;
}

/** How a connection ended. */
export interface PipeEnd {
  /** TCP, and TLS where it is used, had been established. */
  readonly reached: boolean;
  /** Reason code of a CONNACK that refused. */
  readonly connackCode?: number;
  /** Reason code of the server's DISCONNECT (MQTT 5). */
  readonly disconnectCode?: number;
  /** The first error of the socket, of TLS or of the parser. */
  readonly error?: Error;
}

/** What a connection tells its one listener; `closed` comes once, last, and whatever happened. */
export interface PipeListener {
  up(limits: ServerLimits): void;
  /** Any packet arrived. */
  heard(): void;
  acked(packetId: number, code: number): void;
  ponged(): void;
  /** The socket takes more after `congested` was true. */
  drained(): void;
  /** The broker's answer to `subscribe`, one reason per topic; 0x80 and more is a refusal. */
  subscribed(codes: readonly number[]): void;
  /** Something that was subscribed to; `retained` when the broker had kept it. */
  message(topic: string, payload: Uint8Array, retained: boolean): void;
  closed(end: PipeEnd): void;
}

/** One network connection to a broker, without memory: what it was given and has not confirmed is gone when it closes. */
export interface Pipe {
  /** Sends at once. Returns the packet id for QoS 1, 0 for QoS 0. */
  publish(
    topic: string,
    payload: Uint8Array,
    qos: 0 | 1,
    retain: boolean,
    properties: PublishProperties | undefined,
  ): number;
  /** Asks for these topics with QoS 1; of those in `asPublished`, MQTT 5 also tells that a message just sent is to be kept. */
  subscribe(topics: readonly string[], asPublished: readonly string[]): void;
  ping(): void;
  /** More than a socket's worth of bytes waits in this process. */
  readonly congested: boolean;
  /** DISCONNECT with a reason that discards the will, then close. */
  finish(): void;
  /** Closes without a word: the will stands. */
  destroy(): void;
}

export type OpenPipe = (options: PipeOptions, listener: PipeListener) => Pipe;

/** Nothing the server sends us is longer; MQTT.js alone would collect 256 MB. */
const MAX_INBOUND_BYTES = 256 * 1024;
/** [MQTT-3.1.3-9] needs the session to outlive the will delay; the session itself is never resumed. */
const SESSION_EXTRA_S = 10;

const nothing = () => {};

/** MQTT.js keeps no copy of what it sends: the lanes are the store. */
const noStore = {
  put(_packet: unknown, done: (e?: Error) => void) {
    done();
    return noStore;
  },
  del(packet: object, done: (e?: Error, packet?: never) => void) {
    done(undefined, packet as never);
    return noStore;
  },
  get(_packet: unknown, done: (e?: Error) => void) {
    done(new Error("nothing is stored"));
    return noStore;
  },
  createStream: () => Readable.from([]) as never,
  close: (done: (e?: Error) => void) => done(),
};

/** Opens a connection with MQTT.js used as a pipe: no store, no queue, no reconnection. */
export const openMqttPipe: OpenPipe = (options, listener) => {
  const v5 = options.protocol === "5";
  const { url, tls, will } = options;
  const secure = url.protocol === "mqtts:";
  const client = mqtt.connect({
    protocol: secure ? "mqtts" : "mqtt",
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (secure ? 8883 : 1883) : Number(url.port),
    ...(secure && tls !== undefined ? { ca: tls.ca, rejectUnauthorized: true, minVersion: "TLSv1.2" } : {}),
    ...(secure && tls?.cert !== undefined && tls.key !== undefined ? { cert: tls.cert, key: tls.key } : {}),
    clientId: options.clientId,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    protocolVersion: v5 ? 5 : 4,
    clean: true,
    keepalive: options.keepaliveS,
    connectTimeout: options.connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    autoAssignTopicAlias: v5,
    outgoingStore: noStore,
    incomingStore: noStore,
    log: nothing,
    ...(v5
      ? {
          properties: {
            sessionExpiryInterval: will === undefined ? 0 : will.delayS + SESSION_EXTRA_S,
            maximumPacketSize: MAX_INBOUND_BYTES,
          },
        }
      : {}),
    ...(will === undefined
      ? {}
      : {
          will: {
            topic: will.topic,
            payload: asBuffer(will.payload),
            qos: will.qos,
            retain: will.retain,
            ...(v5 ? { properties: { willDelayInterval: will.delayS, contentType: "application/json" } } : {}),
          },
        }),
  });

  const socket = client.stream;
  let reached = false;
  let ended = false;
  let waitsForDrain = false;
  let unparsedBytes = 0;
  let connackCode: number | undefined;
  let disconnectCode: number | undefined;
  let error: Error | undefined;

  socket.once(secure ? "secureConnect" : "connect", () => {
    reached = true;
    if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay(true);
  });
  socket.on("data", (chunk: Uint8Array) => {
    unparsedBytes += chunk.length;
    if (unparsedBytes <= MAX_INBOUND_BYTES) return;
    error ??= new Error(`a packet of more than ${MAX_INBOUND_BYTES} bytes`);
    socket.destroy();
  });
  client.on("packetreceive", (packet) => {
    unparsedBytes = 0;
    listener.heard();
    switch (packet.cmd) {
      case "connack": {
        const code = packet.reasonCode ?? packet.returnCode ?? 0;
        if (code !== 0) connackCode = code;
        break;
      }
      case "puback":
        listener.acked(packet.messageId ?? 0, packet.reasonCode ?? 0);
        break;
      case "pingresp":
        listener.ponged();
        break;
      case "suback":
        listener.subscribed(packet.granted.map(Number));
        break;
      case "disconnect":
        disconnectCode = packet.reasonCode ?? 0;
        socket.destroy();
        break;
    }
  });
  client.on("connect", (connack) => {
    const announced = connack.properties;
    listener.up({
      receiveMaximum: announced?.receiveMaximum ?? NO_LIMITS.receiveMaximum,
      maximumPacketSize: announced?.maximumPacketSize ?? NO_LIMITS.maximumPacketSize,
      maximumQos: announced?.maximumQoS === 0 ? 0 : 1,
      retainAvailable: announced?.retainAvailable ?? true,
    });
  });
  client.on("message", (topic, payload, packet) => listener.message(topic, payload, packet.retain));
  client.on("error", (e) => {
    error ??= e;
    // A parser error leaves MQTT.js with a socket that it will never close.
    socket.destroy();
  });
  client.on("close", () => {
    if (ended) return;
    ended = true;
    client.end(true);
    listener.closed({
      reached,
      ...(connackCode === undefined ? {} : { connackCode }),
      ...(disconnectCode === undefined ? {} : { disconnectCode }),
      ...(error === undefined ? {} : { error }),
    });
  });

  return {
    publish(topic, payload, qos, retain, properties) {
      if (qos === 0) {
        // A packet that nobody waits for goes to the socket in one piece: MQTT.js would write it in five, on the next tick.
        const parts = { cmd: "publish" as const, topic, payload: asBuffer(payload), qos, retain, dup: false };
        const packet = generate(properties === undefined ? parts : { ...parts, properties }, {
          protocolVersion: v5 ? 5 : 4,
        });
        socket.write(packet);
        return 0;
      }
      client.publish(
        topic,
        asBuffer(payload),
        properties === undefined ? { qos, retain } : { qos, retain, properties },
      );
      return client.getLastMessageId();
    },
    subscribe(topics, asPublished) {
      const how = (topic: string) => (v5 ? { qos: 1 as const, rap: asPublished.includes(topic) } : { qos: 1 as const });
      client.subscribe(Object.fromEntries(topics.map((topic) => [topic, how(topic)])), nothing);
    },
    ping() {
      client.sendPing();
    },
    get congested() {
      if (!socket.writableNeedDrain) return false;
      if (!waitsForDrain) {
        waitsForDrain = true;
        socket.once("drain", () => {
          waitsForDrain = false;
          listener.drained();
        });
      }
      return true;
    },
    finish() {
      // MQTT.js sends DISCONNECT only when nothing is outstanding; what is outstanding is still in the lanes.
      client.outgoing = {};
      client.end(false, { reasonCode: 0 });
    },
    destroy() {
      socket.destroy();
    },
  };
};

/** The same bytes as a Buffer, which is what MQTT.js can tell from a string. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
