import { createServer, type Socket } from "node:net";
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet } from "mqtt-packet";

/** What a scripted broker does. Every part may be changed while it runs. */
export interface BrokerScript {
  /** Answer to CONNECT: a CONNACK code (0 accepts), `close` hangs up without one, `silence` answers nothing. */
  onConnect: (packet: IConnectPacket, nth: number) => number | "close" | "silence";
  /** Properties of the accepting CONNACK (MQTT 5). */
  properties: {
    receiveMaximum?: number;
    maximumPacketSize?: number;
    maximumQoS?: number;
    retainAvailable?: boolean;
    serverKeepAlive?: number;
    topicAliasMaximum?: number;
  };
  /** Answer to a QoS 1 PUBLISH: a PUBACK reason, `hold` until `release`, `close`, or a DISCONNECT reason. */
  onPublish: (packet: IPublishPacket, body: string) => number | "hold" | "close" | { disconnect: number };
  /** Whether PINGREQ is answered. */
  pong: boolean;
}

/** One message as it came in, topic aliases resolved. */
export interface Received {
  readonly topic: string;
  readonly cls: string;
  readonly body: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly bytes: number;
  readonly contentType: string | undefined;
  readonly expiryS: number | undefined;
  readonly connection: number;
}

/** A broker that does what the script says and nothing more: for answers that no real broker can be made to give. */
export interface FakeBroker {
  readonly port: number;
  readonly script: BrokerScript;
  readonly connects: readonly IConnectPacket[];
  readonly received: readonly Received[];
  readonly pings: number;
  readonly disconnects: readonly number[];
  /** Most QoS 1 messages that were unacknowledged at once. */
  readonly maxUnacked: number;
  /** Acknowledges what was held: all of it, or the oldest `count`. */
  release(count?: number): void;
  /** Sends DISCONNECT with a reason to all, then closes. */
  throwOut(reason: number): void;
  cutAll(): void;
  close(): Promise<void>;
}

export async function startFakeBroker(script: Partial<BrokerScript> = {}): Promise<FakeBroker> {
  const state: BrokerScript = {
    onConnect: () => 0,
    properties: {},
    onPublish: () => 0,
    pong: true,
    ...script,
  };
  const sockets = new Map<Socket, 4 | 5>();
  const connects: IConnectPacket[] = [];
  const received: Received[] = [];
  const disconnects: number[] = [];
  const held: { socket: Socket; messageId: number }[] = [];
  let pings = 0;
  let unacked = 0;
  let maxUnacked = 0;

  function send(socket: Socket, packet: Packet): void {
    if (!socket.destroyed) socket.write(mqttPacket.generate(packet, { protocolVersion: sockets.get(socket) ?? 4 }));
  }

  function acknowledge(socket: Socket, messageId: number, reasonCode: number): void {
    unacked -= 1;
    send(socket, sockets.get(socket) === 5 ? { cmd: "puback", messageId, reasonCode } : { cmd: "puback", messageId });
  }

  const server = createServer((socket) => {
    const parser = mqttPacket.parser();
    const aliases = new Map<number, string>();
    let connection = 0;
    socket.on("data", (chunk: Buffer) => parser.parse(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      unacked -= held.filter((h) => h.socket === socket).length;
      for (let i = held.length - 1; i >= 0; i--) if (held[i]!.socket === socket) held.splice(i, 1);
    });
    parser.on("error", () => socket.destroy());
    parser.on("packet", (packet: Packet) => {
      switch (packet.cmd) {
        case "connect": {
          connects.push(packet);
          connection = connects.length;
          const v5 = packet.protocolVersion === 5;
          const answer = state.onConnect(packet, connects.length);
          if (answer === "silence") return;
          if (answer === "close") {
            socket.destroy();
            return;
          }
          sockets.set(socket, v5 ? 5 : 4);
          const code = v5
            ? { reasonCode: answer, properties: answer === 0 ? state.properties : {} }
            : { returnCode: answer };
          send(socket, { cmd: "connack", sessionPresent: false, ...code } as Packet);
          if (answer !== 0) socket.end();
          return;
        }
        case "publish": {
          const alias = packet.properties?.topicAlias;
          let topic = packet.topic;
          if (alias !== undefined) {
            if (topic !== "") aliases.set(alias, topic);
            else topic = aliases.get(alias) ?? "";
          }
          const body = packet.payload.toString();
          received.push({
            topic,
            cls: topic.split("/").at(-1) ?? "",
            body,
            qos: packet.qos,
            retain: packet.retain,
            dup: packet.dup,
            bytes: 1 + lengthBytes(packet.length ?? 0) + (packet.length ?? 0),
            contentType: packet.properties?.contentType,
            expiryS: packet.properties?.messageExpiryInterval,
            connection,
          });
          if (packet.qos === 0) return;
          unacked += 1;
          maxUnacked = Math.max(maxUnacked, unacked);
          const messageId = packet.messageId ?? 0;
          const answer = state.onPublish({ ...packet, topic }, body);
          if (answer === "hold") held.push({ socket, messageId });
          else if (typeof answer === "number") acknowledge(socket, messageId, answer);
          else {
            unacked -= 1;
            if (answer === "close") socket.destroy();
            else {
              send(socket, { cmd: "disconnect", reasonCode: answer.disconnect });
              socket.end();
            }
          }
          return;
        }
        case "pingreq":
          pings += 1;
          if (state.pong) send(socket, { cmd: "pingresp" });
          return;
        case "disconnect":
          disconnects.push(packet.reasonCode ?? 0);
          socket.end();
          return;
        default:
          return;
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const cutAll = () => {
    for (const socket of [...sockets.keys()]) socket.resetAndDestroy();
  };

  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    script: state,
    connects,
    received,
    get pings() {
      return pings;
    },
    disconnects,
    get maxUnacked() {
      return maxUnacked;
    },
    release(count = held.length) {
      for (const { socket, messageId } of held.splice(0, count)) acknowledge(socket, messageId, 0);
    },
    throwOut(reason) {
      for (const socket of [...sockets.keys()]) {
        send(socket, { cmd: "disconnect", reasonCode: reason });
        socket.end();
      }
    },
    cutAll,
    close() {
      cutAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function lengthBytes(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4;
}
