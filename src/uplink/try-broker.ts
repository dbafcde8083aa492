import { lookup } from "node:dns/promises";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import type { LiveMessage } from "../model/record.ts";
import { topicOf, type UnitIdentity } from "../model/topics.ts";
import { openMqttPipe, type PipeEnd, type TlsFiles } from "./pipe.ts";
import type { Protocol } from "./protocol-choice.ts";
import { brokerUrl } from "./url.ts";
import { isSilentClose, reasonText, verdictOfEnd } from "./verdict.ts";

/** The way to a broker, step by step. */
export const BROKER_STEPS = ["name", "tcp", "tls", "connect", "publish"] as const;
export type BrokerStep = (typeof BROKER_STEPS)[number];

export interface StepResult {
  readonly step: BrokerStep;
  readonly ok: boolean;
  /** What was found, in one line. */
  readonly found: string;
}

export interface TryOptions {
  readonly identity: UnitIdentity;
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsFiles;
  readonly protocol: "auto" | Protocol;
  /** A `live` message without values: what a unit may always publish, and what nobody stores. */
  readonly probe: LiveMessage;
  readonly timeoutMs: number;
}

/**
 * Goes the way to the broker once, each step on its own, and stops at the first that fails. It connects as the unit, so it is
 * not for a moment in which the unit itself is running. Throws `config/*` for an address that cannot be meant.
 */
export async function tryBroker(options: TryOptions): Promise<StepResult[]> {
  const url = brokerUrl(options.url, options.tls);
  const secure = url.protocol === "mqtts:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (secure ? 8883 : 1883) : Number(url.port);
  const results: StepResult[] = [];
  const step = async (name: BrokerStep, run: () => Promise<string>): Promise<boolean> => {
    try {
      results.push({ step: name, ok: true, found: await run() });
      return true;
    } catch (e) {
      results.push({ step: name, ok: false, found: e instanceof Error ? e.message : String(e) });
      return false;
    }
  };
  const there =
    (await step("name", async () => `${host} is ${(await lookup(host)).address}`)) &&
    (await step("tcp", () => tcp(host, port, options.timeoutMs))) &&
    (!secure || (await step("tls", () => tls(host, port, options.tls, options.timeoutMs))));
  if (there) results.push(...(await session(url, options)));
  return results;
}

function tcp(host: string, port: number, timeoutMs: number): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connectTcp({ host, port });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`${host}:${port} does not answer`)));
    socket.once("error", failed);
    socket.once("connect", () => {
      socket.destroy();
      done(`${host}:${port} takes connections`);
    });
  });
}

function tls(host: string, port: number, files: TlsFiles | undefined, timeoutMs: number): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connectTls({
      host,
      port,
      servername: host,
      minVersion: "TLSv1.2",
      ...(files === undefined ? {} : { ca: files.ca }),
      ...(files?.cert === undefined || files.key === undefined ? {} : { cert: files.cert, key: files.key }),
    });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error("the other end does not speak TLS")));
    socket.once("error", failed);
    socket.once("secureConnect", () => {
      const until = socket.getPeerCertificate().valid_to;
      socket.destroy();
      done(`${socket.getProtocol() ?? "TLS"}; the broker's certificate holds until ${until}`);
    });
  });
}

/** CONNECT as the unit, then one message that must be acknowledged; the older protocol where the newer is not known. */
async function session(url: URL, options: TryOptions): Promise<StepResult[]> {
  const versions: readonly Protocol[] = options.protocol === "auto" ? ["5", "3.1.1"] : [options.protocol];
  let results: StepResult[] = [];
  for (const version of versions) {
    const tried = await once(url, options, version);
    results = tried.results;
    const { end } = tried;
    const unknown = end?.connackCode === 0x84 || end?.connackCode === 1 || (end !== undefined && isSilentClose(end));
    if (!unknown) break;
  }
  return results;
}

function once(
  url: URL,
  options: TryOptions,
  protocol: Protocol,
): Promise<{ results: StepResult[]; end: PipeEnd | undefined }> {
  const topic = topicOf(options.identity, "live");
  return new Promise((done) => {
    const results: StepResult[] = [];
    let packetId = 0;
    let finished = false;
    const finish = (result: StepResult, end?: PipeEnd) => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      results.push(result);
      pipe.finish();
      done({ results, end });
    };
    const failedAt = (): BrokerStep => (results.length === 0 ? "connect" : "publish");
    const timer = setTimeout(() => finish({ step: failedAt(), ok: false, found: "no answer" }), options.timeoutMs);
    const pipe = openMqttPipe(
      {
        url,
        clientId: options.identity.unit,
        username: options.username,
        password: options.password,
        tls: options.tls,
        protocol,
        keepaliveS: 20,
        connectTimeoutMs: options.timeoutMs,
        will: undefined,
      },
      {
        up(limits) {
          results.push({ step: "connect", ok: true, found: `MQTT ${protocol}, as ${options.identity.unit}` });
          if (limits.maximumQos === 0) {
            finish({ step: "publish", ok: false, found: "the broker takes no QoS 1" });
            return;
          }
          packetId = pipe.publish(topic, Buffer.from(JSON.stringify(options.probe)), 1, false, undefined);
        },
        heard: () => undefined,
        acked(id, code) {
          if (id !== packetId) return;
          const ok = code < 0x80;
          finish({ step: "publish", ok, found: `${topic}: ${ok ? "acknowledged" : reasonText(code)}` });
        },
        subscribed: () => undefined,
        message: () => undefined,
        ponged: () => undefined,
        drained: () => undefined,
        closed(end) {
          const { message } = verdictOfEnd(end, results.length > 0, url.host).error;
          finish({ step: failedAt(), ok: false, found: message }, end);
        },
      },
    );
  });
}
