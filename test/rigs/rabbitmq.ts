import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type BrokerProcess, brokerFolder, runBroker } from "./broker-process.ts";
import { freePort } from "./mosquitto.ts";

const SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server";

export const hasRabbitMq = existsSync(SERVER);

/** RabbitMQ's form of a password: base64 of a salt and the SHA-256 of salt and password. */
function passwordHash(password: string): string {
  const salt = randomBytes(4);
  const hash = createHash("sha256")
    .update(Buffer.concat([salt, Buffer.from(password)]))
    .digest();
  return Buffer.concat([salt, hash]).toString("base64");
}

/** CONNECT of MQTT 3.1.1 with the client id `r`, clean session, and the CONNACK that accepts it. */
const CONNECT = Buffer.from([0x10, 13, 0, 4, ...Buffer.from("MQTT"), 4, 2, 0, 30, 0, 1, 0x72]);
const ACCEPTED = "20020000";

/** True when a client would be accepted: the listener is there a moment before what tracks the client ids. */
const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(CONNECT));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.once("data", (answer: Buffer) => {
      resolve(answer.toString("hex") === ACCEPTED);
      socket.destroy();
    });
    socket.once("error", () => socket.destroy());
    socket.once("close", () => resolve(false));
  });

/** RabbitMQ with its MQTT plugin, a node of its own with its own epmd. Anybody may connect; a password that is given must be right. */
export async function startRabbitMq(users: Readonly<Record<string, string>>): Promise<BrokerProcess> {
  const folder = brokerFolder("rabbitmq");
  const [port, amqp, dist, epmd] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  // Who gives no name comes in as this user, with this password.
  const known = Object.entries({ ...users, anybody: "anybody" });
  const definitions = write(
    "definitions.json",
    JSON.stringify({
      users: known.map(([name, password]) => ({
        name,
        password_hash: passwordHash(password),
        hashing_algorithm: "rabbit_password_hashing_sha256",
        tags: "",
      })),
      vhosts: [{ name: "/" }],
      permissions: known.map(([user]) => ({ user, vhost: "/", configure: ".*", write: ".*", read: ".*" })),
    }),
  );
  const config = write(
    "rabbitmq.conf",
    `listeners.tcp.default = 127.0.0.1:${amqp}
mqtt.listeners.tcp.default = 127.0.0.1:${port}
mqtt.allow_anonymous = true
mqtt.default_user = anybody
mqtt.default_pass = anybody
load_definitions = ${definitions}
loopback_users = none
log.console = true
`,
  );
  const env = {
    HOME: folder,
    RABBITMQ_NODENAME: `swath${randomBytes(3).toString("hex")}@localhost`,
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_ENABLED_PLUGINS_FILE: write("plugins", "[rabbitmq_mqtt].\n"),
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_PID_FILE: join(folder, "pid"),
    RABBITMQ_DIST_PORT: String(dist),
    ERL_EPMD_PORT: String(epmd),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    // Idle schedulers sleep at once: the tests beside it need the processor.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
  };
  const after = () => {
    spawnSync("epmd", ["-port", String(epmd), "-kill"], { env: { ...process.env, ...env } });
  };
  return runBroker({ command: SERVER, args: [], env, folder, port, startMs: 110_000, ready: accepts, after });
}
