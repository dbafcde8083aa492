import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSigned } from "../../src/codec/signed-text.ts";
import { type Connection, type InboundMessage, openConnection, type Protocol } from "../../src/hq/ingest/connection.ts";
import { type AckText, ackText } from "../../src/model/downlink.ts";
import { launch, type UnitRig } from "./unit.ts";

export const ORG = "cmac";

/** A key as HQ has it, in a file of its own. */
export function makeKey(): {
  readonly file: string;
  readonly private: KeyObject;
  readonly public: KeyObject;
  remove(): void;
} {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const dir = mkdtempSync(join(tmpdir(), "swath-key-"));
  const file = join(dir, "hq.pem");
  writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  return { file, private: privateKey, public: publicKey, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** The ingester as it is shipped, a process of its own. */
export function launchIngester(options: {
  readonly port: number;
  readonly database: string;
  readonly key?: string;
  readonly name?: string;
}): UnitRig {
  const { port, database, key, name = "one" } = options;
  return launch([
    ...["hq", "--broker", `mqtt://127.0.0.1:${port}`, "--org", ORG, "--database", database, "--name", name],
    ...(key === undefined ? [] : ["--key", key]),
  ]);
}

/** An open connection to a broker that hears `filters`. */
export async function openPeer(
  port: number,
  clientId: string,
  filters: readonly string[],
  heard: (message: InboundMessage) => void,
  protocol: Protocol = "5",
): Promise<Connection> {
  const url = new URL(`mqtt://127.0.0.1:${port}`);
  for (let tries = 0; ; tries++) {
    try {
      const connection = await new Promise<Connection>((up, closed) =>
        openConnection(
          { url, clientId, protocol, sessionExpiryS: 0, receiveMaximum: 1000 },
          {
            up,
            message(message) {
              heard(message);
              message.ack();
            },
            closed: ({ error }) => closed(error ?? new Error("closed")),
          },
        ),
      );
      if (filters.length > 0) await connection.subscribe(filters);
      return connection;
    } catch (e) {
      if (tries === 100) throw e;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

/** The watermarks that stand on the wire, as a unit reads them: only with a signature that holds. */
export async function hearWatermarks(
  port: number,
  key: KeyObject,
  heard: (ack: AckText) => void = () => undefined,
): Promise<{ readonly all: readonly AckText[]; newest(unit: string): AckText | undefined; close(): void }> {
  const all: AckText[] = [];
  const peer = await openPeer(
    port,
    `ears-${Math.random().toString(36).slice(2)}`,
    [`swath/1/${ORG}/+/ack`],
    ({ payload }) => {
      const opened = openSigned(payload, [key]);
      if ("refused" in opened) throw new Error(opened.refused);
      const ack = ackText.parse(opened.value);
      all.push(ack);
      heard(ack);
    },
  );
  return { all, newest: (unit) => all.findLast((ack) => ack.unit === unit), close: () => peer.end() };
}
