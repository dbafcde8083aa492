import { createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import mqtt, { type MqttClient } from "mqtt";
import type { Protocol } from "../../src/uplink/protocol-choice.ts";
import { freePort, mosquittoPath, startMosquitto } from "../rigs/mosquitto.ts";
import { passwordHash } from "./mosquitto-password.ts";

/** A message as a subscriber got it. */
export interface Delivered {
  readonly topic: string;
  readonly cls: string;
  readonly body: string;
  readonly retain: boolean;
}

/** A real broker with a subscriber on it that never goes through a faulty link. */
export interface TestBroker {
  readonly port: number;
  readonly delivered: Delivered[];
  /** What a subscriber that comes now gets: the retained messages, by class. */
  retained(): Promise<Record<string, string>>;
  /** SIGKILL, or its like for a broker in this process. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A kind of broker that the scenarios run on. */
export interface BrokerKind {
  readonly name: string;
  /** What the session is told to speak, and what it ends up with. */
  readonly protocol: "auto" | Protocol;
  readonly speaks: Protocol;
  /** Starts one; with `password` only the user `unit` with it may connect (and the test's own subscriber as `hq`). */
  start(options?: { password?: string }): Promise<TestBroker>;
}

async function subscribe(
  port: number,
  version: Protocol,
  login: object,
  on: (d: Delivered) => void,
  topics: readonly string[] = ["swath/#"],
): Promise<MqttClient> {
  const client = mqtt.connect({
    protocol: "mqtt",
    host: "127.0.0.1",
    port,
    protocolVersion: version === "5" ? 5 : 4,
    reconnectPeriod: 50,
    ...login,
  });
  client.on("message", (topic, body, packet) => {
    on({ topic, cls: topic.split("/").at(-1)!, body: body.toString(), retain: packet.retain });
  });
  client.on("error", () => {});
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  await client.subscribeAsync([...topics], { qos: 1 });
  return client;
}

/** A broker with the test's own subscriber on it; `retainedTopics`: names to ask by, where a wildcard brings nothing that is kept. */
export async function withSubscriber(
  port: number,
  version: Protocol,
  login: object,
  lifecycle: Pick<TestBroker, "kill" | "restart" | "stop">,
  retainedTopics: readonly string[] = [],
): Promise<TestBroker> {
  const delivered: Delivered[] = [];
  const subscriber = await subscribe(port, version, login, (d) => delivered.push(d));
  return {
    port,
    delivered,
    async retained() {
      const seen: Record<string, string> = {};
      const late = await subscribe(
        port,
        version,
        login,
        (d) => {
          if (d.retain) seen[d.cls] = d.body;
        },
        ["swath/#", ...retainedTopics],
      );
      // The SUBACK may come before the retained messages; a message to itself comes after them.
      // No dot: RabbitMQ and NATS take one for a slash.
      const marker = `swath/marker-${Math.floor(Math.random() * 1e9)}`;
      const over = new Promise<void>((resolve) => late.on("message", (topic) => topic === marker && resolve()));
      await late.publishAsync(marker, "", { qos: 1 });
      await over;
      await late.endAsync(true);
      return seen;
    },
    kill: lifecycle.kill,
    async restart() {
      const again = new Promise<void>((resolve) => subscriber.once("connect", () => resolve()));
      await lifecycle.restart();
      await again;
      await subscriber.subscribeAsync("swath/#", { qos: 1 });
    },
    async stop() {
      await subscriber.endAsync(true);
      await lifecycle.stop();
    },
  };
}

function mosquitto(protocol: Protocol): BrokerKind {
  return {
    name: `Mosquitto, MQTT ${protocol}`,
    protocol: protocol === "5" ? "auto" : protocol,
    speaks: protocol,
    async start({ password } = {}) {
      const lines = ["persistence false", "max_queued_messages 0", "max_inflight_messages 0"];
      if (password === undefined) lines.push("allow_anonymous true");
      else lines.push("allow_anonymous false", "password_file {folder}/passwords");
      const broker = await startMosquitto(lines, {
        passwords: `hq:${passwordHash("hq")}\nunit:${passwordHash(password ?? "")}\n`,
      });
      const login = password === undefined ? {} : { username: "hq", password: "hq" };
      return withSubscriber(broker.port, protocol, login, broker);
    },
  };
}

const aedes: BrokerKind = {
  name: "aedes",
  protocol: "auto",
  speaks: "3.1.1",
  async start({ password } = {}) {
    const port = await freePort();
    let broker: Aedes | undefined;
    let server: Server | undefined;
    const sockets = new Set<Socket>();
    async function start(): Promise<void> {
      const started = await Aedes.createBroker({
        authenticate: (_client, username, given, done) =>
          done(null, password === undefined || given?.toString() === (username === "hq" ? "hq" : password)),
      });
      const listening = createServer((socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        started.handle(socket);
      });
      await new Promise<void>((resolve) => listening.listen(port, "127.0.0.1", resolve));
      broker = started;
      server = listening;
    }
    async function kill(): Promise<void> {
      const [listening, started] = [server, broker];
      server = broker = undefined;
      if (listening === undefined || started === undefined) return;
      const down = new Promise((resolve) => listening.close(resolve));
      for (const socket of sockets) socket.resetAndDestroy();
      await new Promise<void>((resolve) => started.close(resolve));
      await down;
    }
    await start();
    const login = password === undefined ? {} : { username: "hq", password: "hq" };
    return withSubscriber(port, "3.1.1", login, { kill, restart: start, stop: kill });
  },
};

/** The brokers that are there. Mosquitto must be under CI; elsewhere the line says what was not run. */
export function brokerKinds(): BrokerKind[] {
  if (mosquittoPath() !== undefined || process.env["CI"] !== undefined)
    return [mosquitto("5"), mosquitto("3.1.1"), aedes];
  console.log("mosquitto is not installed: the session was not run on MQTT 5, only on aedes (3.1.1)");
  return [aedes];
}
