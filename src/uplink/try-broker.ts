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
export const BROKER_STEPS = ["name", "tcp", "tls", "connect", "publish", "watermark"] as const;
export type BrokerStep = (typeof BROKER_STEPS)[number];

export interface StepResult {
  readonly step: BrokerStep;
  readonly ok: boolean;
  /** What was found, in one line. */
  readonly found: string;
  /** Set when that is no fault by itself: it may never have been there. */
  readonly absent?: true;
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
  /** Reads HQ's watermark as the broker keeps it for this unit: what it says; throws for one that is not believed. */
  readonly watermark?: ((payload: Uint8Array) => string) | undefined;
}

/** A broker that keeps a watermark gives it at once after it has granted the subscription. */
const WATERMARK_MS = 3000;

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

/** CONNECT as the unit, one message that must be acknowledged, then HQ's watermark; the older protocol where the newer is not known. */
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
  const { watermark } = options;
  const ackTopic = topicOf(options.identity, "ack");
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
    const failedAt = (): BrokerStep => (["connect", "publish", "watermark"] as const)[results.length] ?? "watermark";
    let timer = setTimeout(() => finish({ step: failedAt(), ok: false, found: "no answer" }), options.timeoutMs);
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
          const published = {
            step: "publish",
            ok,
            found: `${topic}: ${ok ? "acknowledged" : reasonText(code)}`,
          } as const;
          if (!ok || watermark === undefined) return finish(published);
          results.push(published);
          pipe.subscribe([ackTopic], [ackTopic]);
        },
        subscribed([code = 0x80]) {
          if (code >= 0x80)
            return finish({ step: "watermark", ok: false, found: `${ackTopic} may not be read: ${reasonText(code)}` });
          clearTimeout(timer);
          const none = "the broker keeps no watermark of HQ for this unit";
          timer = setTimeout(() => finish({ step: "watermark", ok: false, found: none, absent: true }), WATERMARK_MS);
        },
        message(name, payload) {
          if (name !== ackTopic || watermark === undefined) return;
          try {
            finish({ step: "watermark", ok: true, found: watermark(payload) });
          } catch (e) {
            finish({ step: "watermark", ok: false, found: e instanceof Error ? e.message : String(e) });
          }
        },
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
