import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BrokerProcess, brokerFolder, runBroker } from "./broker-process.ts";
import { freePort } from "./mosquitto.ts";

/** Where Debian puts the NATS server, if it is installed. */
export const natsPath = ["/usr/sbin/nats-server", "/usr/bin/nats-server"].find((path) => existsSync(path));

/** NATS with its MQTT listener and JetStream, which holds sessions and retained messages; `users` by name, or anybody. */
export async function startNats(users?: Readonly<Record<string, string>>): Promise<BrokerProcess> {
  if (natsPath === undefined) throw new Error("nats-server is not installed");
  const folder = brokerFolder("nats");
  const port = await freePort();
  const config = join(folder, "nats.conf");
  const list = Object.entries(users ?? {}).map(([user, password]) => `{user: "${user}", password: "${password}"}`);
  writeFileSync(
    config,
    `server_name: swath_test
listen: "127.0.0.1:${await freePort()}"
jetstream { store_dir: "${folder}/js", max_file_store: 1GB }
mqtt { listen: "127.0.0.1:${port}", max_ack_pending: 1024 }
${users === undefined ? "" : `authorization { users: [${list.join(", ")}] }`}
`,
  );
  return runBroker({ command: natsPath, args: ["-c", config], env: {}, folder, port, startMs: 30_000 });
}
