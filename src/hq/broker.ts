import { createServer, type Socket } from "node:net";
import { Aedes } from "aedes";

export interface BrokerStats {
  /** Clients connected now. */
  readonly clients: number;
  /** Connections accepted since the start. */
  readonly connections: number;
  /** Messages received from clients since the start. */
  readonly messages: number;
  /** Payload bytes of those messages. */
  readonly bytes: number;
}

export interface Broker {
  /** `mqtt://host:port` as clients reach it. */
  readonly url: string;
  stats(): BrokerStats;
  /** Ends every connection and frees the port, within 500 ms. */
  close(): Promise<void>;
}

/** Longest wait for a polite end of all sessions before their sockets are destroyed, in ms. */
const CLOSE_GRACE_MS = 250;

/** Sockets at once: a demonstration has a handful, and a flood must not take the process with it. */
const MAX_SOCKETS = 256;

/**
 * Starts an MQTT 3.1.1 broker inside this process, for the demonstration and for tests. It keeps everything in memory and
 * asks nobody for a password, so it listens on the loopback address unless told otherwise. Port 0 takes a free one.
 */
export async function startBroker({ port, host = "127.0.0.1" }: { port: number; host?: string }): Promise<Broker> {
  const aedes = await Aedes.createBroker({ connectTimeout: 10_000, drainTimeout: 10_000 });
  const sockets = new Set<Socket>();
  let connections = 0;
  let messages = 0;
  let bytes = 0;

  aedes.on("publish", (packet, client) => {
    if (client === null) return;
    messages++;
    bytes += packet.payload.length;
  });
  // A client that misbehaves or vanishes is cut off by aedes itself; that is its trouble, not the broker's.
  aedes.on("clientError", () => {});
  aedes.on("connectionError", () => {});

  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    aedes.handle(socket);
  });
  server.maxConnections = MAX_SOCKETS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", () => {});
  const address = server.address();
  const boundPort = typeof address === "object" && address !== null ? address.port : port;
  let closing: Promise<void> | undefined;

  return {
    url: `mqtt://${host.includes(":") ? `[${host}]` : host}:${boundPort}`,
    stats: () => ({ clients: aedes.connectedClients, connections, messages, bytes }),
    close() {
      closing ??= new Promise<void>((resolve) => {
        const force = setTimeout(() => {
          for (const socket of sockets) socket.destroy();
        }, CLOSE_GRACE_MS);
        server.close(() => {
          clearTimeout(force);
          resolve();
        });
        aedes.close(() => {
          for (const socket of sockets) socket.destroy();
        });
      });
      return closing;
    },
  };
}
