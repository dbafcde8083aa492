import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { generate, type Packet, parser } from "mqtt-packet";

export type Protocol = "5" | "3.1.1";

/** PEM contents for `mqtts://`: the authority that signed the broker, and HQ's own certificate and key. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface ConnectionOptions {
  /** `mqtt://` or `mqtts://`. */
  readonly url: URL;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsFiles;
  readonly protocol: Protocol;
  /** How long the broker keeps the session after the connection is lost; 0 makes a clean one. */
  readonly sessionExpiryS: number;
  /** Messages that may wait for their acknowledgement (MQTT 5). */
  readonly receiveMaximum: number;
  readonly will?: { readonly topic: string; readonly payload: string };
}

export interface InboundMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
  /** Sends the PUBACK; nothing for QoS 0 or when the connection is gone: the broker then sends the message again. */
  ack(): void;
}

export interface ConnectionListener {
  up(connection: Connection): void;
  message(message: InboundMessage): void;
  /** Once, last. `connackCode` when the broker refused. */
  closed(end: { readonly reached: boolean; readonly connackCode?: number; readonly error?: Error }): void;
}

export interface Connection {
  readonly protocol: Protocol;
  /** Resolves with one reason code per filter: below 128 it is granted. */
  subscribe(filters: readonly string[]): Promise<readonly number[]>;
  /** QoS 1. Resolves with the reason code of the PUBACK; rejects when the connection ends before it. */
  publish(topic: string, payload: string | Uint8Array, retain?: boolean): Promise<number>;
  /** Messages sent and not acknowledged. */
  readonly outstanding: number;
  /** Stops and resumes reading from the socket. */
  pause(): void;
  resume(): void;
  /** DISCONNECT, which discards the will, then close. */
  end(): void;
  /** Closes without a word: the will stands. */
  destroy(): void;
}

const KEEPALIVE_S = 20;
const DEAD_MS = 30_000;
const CONNECT_MS = 15_000;
/** Nothing a unit may send is longer; a broker that announces more is cut off. */
const MAX_PACKET_BYTES = 8 << 20;

interface Waiting {
  done(codes: readonly number[]): void;
  failed(e: Error): void;
}

/**
 * One network connection to a broker. MQTT.js hands over the next message only when the one before is acknowledged, so a
 * batch could not be committed before its acknowledgements; here they are the caller's to send, each when it is due.
 */
export function openConnection(options: ConnectionOptions, listener: ConnectionListener): Connection {
  const { url, protocol } = options;
  const v5 = protocol === "5";
  const version = { protocolVersion: v5 ? 5 : 4 } as const;
  const secure = url.protocol === "mqtts:";
  const at = {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (secure ? 8883 : 1883) : Number(url.port),
  };
  const socket = secure
    ? connectTls({ ...at, servername: at.host, ...options.tls, rejectUnauthorized: true, minVersion: "TLSv1.2" })
    : connectTcp(at);
  const parse = parser(version);
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let reached = false;
  let isUp = false;
  let ended = false;
  let paused = false;
  let heardMs = performance.now();
  let connackCode: number | undefined;
  let error: Error | undefined;

  const fail = (e: Error) => {
    error ??= e;
    socket.destroy();
  };
  const connectTimer = setTimeout(() => {
    if (!isUp) fail(new Error(`no CONNACK within ${CONNECT_MS} ms`));
  }, CONNECT_MS);
  const beat = setInterval(() => {
    if (!isUp) return;
    // While reading is paused nothing can be heard, and the broker's acknowledgements wait like all else.
    if (!paused && performance.now() - heardMs > DEAD_MS)
      fail(new Error(`the broker has been silent for ${DEAD_MS} ms`));
    else send({ cmd: "pingreq" });
  }, KEEPALIVE_S * 500);

  function send(packet: Packet): void {
    if (!ended && socket.writable) socket.write(generate(packet, version));
  }

  function request(packet: Packet & { messageId?: number }): Promise<readonly number[]> {
    return new Promise((done, failed) => {
      if (ended || !isUp) {
        failed(new Error("the connection is gone"));
        return;
      }
      while (waiting.has(nextId)) nextId = (nextId % 65_535) + 1;
      const messageId = nextId;
      nextId = (nextId % 65_535) + 1;
      waiting.set(messageId, { done, failed });
      send({ ...packet, messageId } as Packet);
    });
  }

  const connection: Connection = {
    protocol,
    subscribe: (filters) =>
      request({ cmd: "subscribe", subscriptions: filters.map((topic) => ({ topic, qos: 1 as const })) }),
    async publish(topic, payload, retain = false) {
      const bytes = typeof payload === "string" ? payload : Buffer.from(payload);
      const [code] = await request({ cmd: "publish", topic, payload: bytes, qos: 1, retain, dup: false });
      return code ?? 0;
    },
    get outstanding() {
      return waiting.size;
    },
    pause() {
      paused = true;
      socket.pause();
    },
    resume() {
      paused = false;
      heardMs = performance.now();
      socket.resume();
    },
    end() {
      send({ cmd: "disconnect", reasonCode: 0 });
      socket.end();
      setTimeout(() => socket.destroy(), 500).unref();
    },
    destroy: () => socket.destroy(),
  };

  parse.on("packet", (packet) => {
    heardMs = performance.now();
    switch (packet.cmd) {
      case "connack": {
        const code = packet.reasonCode ?? packet.returnCode ?? 0;
        if (code !== 0) {
          connackCode = code;
          socket.destroy();
          break;
        }
        isUp = true;
        listener.up(connection);
        break;
      }
      case "publish": {
        const id = packet.messageId;
        listener.message({
          topic: packet.topic,
          payload: Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload),
          retain: packet.retain,
          ack: () => {
            if (packet.qos === 1 && id !== undefined) send({ cmd: "puback", messageId: id, reasonCode: 0 });
          },
        });
        break;
      }
      case "puback":
      case "suback": {
        const id = packet.messageId ?? 0;
        const codes = packet.cmd === "suback" ? packet.granted.map(Number) : [packet.reasonCode ?? 0];
        waiting.get(id)?.done(codes);
        waiting.delete(id);
        break;
      }
      case "disconnect":
        fail(new Error(`the broker ended the session with reason ${packet.reasonCode ?? 0}`));
        break;
    }
  });
  parse.on("error", fail);
  socket.once(secure ? "secureConnect" : "connect", () => {
    reached = true;
    socket.setNoDelay(true);
    const { username, password, will, sessionExpiryS } = options;
    send({
      cmd: "connect",
      protocolId: "MQTT",
      ...version,
      clientId: options.clientId,
      clean: sessionExpiryS === 0,
      keepalive: KEEPALIVE_S,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: Buffer.from(password) }),
      ...(will === undefined ? {} : { will: { ...will, qos: 1, retain: true } }),
      ...(v5
        ? {
            properties: {
              sessionExpiryInterval: sessionExpiryS,
              receiveMaximum: options.receiveMaximum,
              maximumPacketSize: MAX_PACKET_BYTES,
            },
          }
        : {}),
    });
  });
  socket.on("data", (chunk: Buffer) => {
    if (parse.parse(chunk) > MAX_PACKET_BYTES) fail(new Error(`a packet of more than ${MAX_PACKET_BYTES} bytes`));
  });
  socket.on("error", fail);
  socket.on("close", () => {
    if (ended) return;
    ended = true;
    clearTimeout(connectTimer);
    clearInterval(beat);
    for (const { failed } of waiting.values()) failed(new Error("the connection ended"));
    waiting.clear();
    listener.closed({
      reached,
      ...(connackCode === undefined ? {} : { connackCode }),
      ...(error === undefined ? {} : { error }),
    });
  });
  return connection;
}
