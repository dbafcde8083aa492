import { openSigned } from "../../codec/signed-text.ts";
import { buildDescriptor } from "../../config/descriptor.ts";
import type { LoadedConfig } from "../../config/loaded.ts";
import { ackText } from "../../model/downlink.ts";
import { isSwathError } from "../../model/errors.ts";
import { brokerOf } from "../../unit/broker.ts";
import { readBootId } from "../../unit/host-readings.ts";
import { hqKeys } from "../../unit/hq-link.ts";
import type { Presence } from "../../unit/presence.ts";
import { type BrokerStep, type StepResult, tryBroker } from "../../uplink/try-broker.ts";
import { type Finding, finding } from "./finding.ts";

const ADVICE: Readonly<Record<BrokerStep, string>> = {
  name: "Check the name in broker.url and the network's DNS (ip route; cat /etc/resolv.conf).",
  tcp: "Check the network, the port in broker.url and the firewall at HQ.",
  tls: "Check broker.caFile, the name in broker.url against the broker's certificate, and the clock of this unit.",
  connect: "Check broker.username, passwordFile, certFile and the unit's name at the broker.",
  publish: "Check the access list at the broker: the unit must be allowed to write its own topics.",
  watermark: "Check hq.keyFiles against HQ's signing key, and at the broker that the unit may read its own topic ack.",
};
const NO_WATERMARK = "HQ has written no record of this unit yet, or its ingest does not run: look there (swath hq).";
/** ESTIMATE: so many records at the broker, an hour's and more, are not on their way to HQ's database: they wait for it. */
const MANY_UNCONFIRMED = 500;

/** What HQ's watermark says; throws for one that the unit would not believe. */
function readWatermark(config: LoadedConfig, keyFiles: readonly string[]): (payload: Uint8Array) => string {
  const keys = hqKeys(keyFiles);
  return (payload) => {
    const opened = openSigned(payload, keys);
    if ("refused" in opened) throw new Error(`HQ's watermark is not believed: ${opened.refused}`);
    const { data } = ackText.safeParse(opened.value);
    if (data?.unit !== config.identity.unit) throw new Error("HQ's watermark is not one for this unit");
    const lanes = Object.entries(data.lanes).map(([lane, { upTo, missing }]) => {
      const lacks = missing.length === 0 ? "" : ` without ${missing.length} of them`;
      return `${lane} up to ${upTo}${lacks}`;
    });
    return `HQ has ${lanes.join(", ") || "nothing"} of spool ${data.spool}, said at ${data.at}`;
  };
}

/** Goes the way to the broker step by step. Not while the unit runs: it would take its place there. */
export async function checkBroker(config: LoadedConfig, timeoutMs: number): Promise<Finding[]> {
  const mono = Math.round(performance.now());
  const { hash } = buildDescriptor(config);
  let steps: readonly StepResult[];
  try {
    steps = await tryBroker({
      identity: config.identity,
      ...brokerOf(config),
      probe: { v: 1, boot: readBootId(() => "doctor-boot"), mono, trust: "none", desc: hash, c: {} },
      timeoutMs,
      ...(config.hq === undefined ? {} : { watermark: readWatermark(config, config.hq.keyFiles) }),
    });
  } catch (e) {
    if (!isSwathError(e, "config")) throw e;
    return [finding("broker", "wrong", e.message, "Mend the broker's part of the unit file.")];
  }
  return steps.map(({ step, ok, found, absent }) => {
    const what = step === "watermark" ? "HQ watermark" : `broker ${step}`;
    if (absent) return finding(what, "look", found, NO_WATERMARK);
    return finding(what, ok ? "ok" : "wrong", found, ok ? undefined : ADVICE[step]);
  });
}

/** What the running unit knows of its link and of its records. */
export function judgeLink({ health, linkError, state: told }: Presence): Finding[] {
  if (health === undefined) return [finding("broker", "unknown", "the unit still starts")];
  const { connected, connects, refused, protocol } = health.link;
  const { unsent, state } = health.spool;
  const waiting = unsent.event + unsent.log + unsent.bulk;
  const link = connected
    ? finding("broker", "ok", `the unit is connected (MQTT ${protocol ?? "?"}), ${connects} times so far`)
    : finding(
        "broker",
        "wrong",
        linkError ?? `the unit is not connected; refused ${refused} times`,
        "Stop the unit and run swath doctor again: then it goes the way to the broker step by step.",
      );
  const spool =
    state === "ok"
      ? finding("records", "ok", `${waiting} wait to be sent, ${(health.spool.bytes / 1e6).toFixed(1)} MB on the card`)
      : finding("records", state === "failed" ? "wrong" : "look", `the spool is ${state}`, "Change the card.");
  const unconfirmed = told?.unconfirmed;
  if (unconfirmed === undefined) return [link, spool];
  const open = unconfirmed.event + unconfirmed.log + unconfirmed.bulk;
  const shown = `${open} records are not confirmed by HQ's database yet`;
  const hq =
    open < MANY_UNCONFIRMED
      ? finding("HQ watermark", "ok", shown)
      : finding(
          "HQ watermark",
          "look",
          shown,
          `${NO_WATERMARK} The log of the unit says whether it believes HQ's words.`,
        );
  return [link, spool, hq];
}
