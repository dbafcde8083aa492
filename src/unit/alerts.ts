import { ALERTS, type AlertName } from "../model/alerts.ts";
import type { AlertsMessage } from "../model/downlink.ts";
import type { HarnessWord, HealthMessage, SourceState, StateMessage } from "../model/record.ts";
import { wireMono } from "./column-batch.ts";
import type { Timebase } from "./timebase.ts";

const WARN_DAYS = 30;
const DAY_MS = 86_400_000;

/** What alarms are made of; asked anew at every look. */
export interface AlertFacts {
  sampler(): StateMessage["sampler"];
  sources(): Readonly<Record<string, { readonly state: SourceState }>>;
  spool(): "ok" | "degraded" | "failed";
  undervoltage(): boolean;
  cloned(): boolean;
  power(): HealthMessage["power"];
  harness(): HarnessWord | undefined;
  clockInPast(): boolean;
  /** When the certificate of this unit ends, UTC in ms. */
  readonly certificateEndsMs: number | undefined;
  /** The best guess of UTC there is, ms. */
  utcMs(): number;
}

type Alert = AlertsMessage["alerts"][number];

/** The event of a limit, as far as it says that it was reached or left. */
interface LimitEvent {
  readonly name: string;
  readonly mono: number;
  readonly severity: Alert["severity"];
  readonly source?: string | undefined;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Keeps the list of all alarms that stand, and says when it has changed. */
export function createAlerts(options: {
  readonly facts: AlertFacts;
  readonly boot: string;
  readonly timebase: Timebase;
  readonly nowMs: () => number;
  readonly tell: (message: Buffer) => void;
}) {
  const { facts } = options;
  let standing: Alert[] = [];
  let told = "";
  const limits = new Map<string, Alert>();

  function present(): { name: AlertName; source?: string }[] {
    const out: { name: AlertName; source?: string }[] = [];
    const raise = (on: boolean, name: AlertName, source?: string) => {
      if (on) out.push(source === undefined ? { name } : { name, source });
    };
    for (const [name, { state }] of Object.entries(facts.sources())) {
      raise(state === "failed" || state === "absent", "source_failed", name);
      raise(state === "degraded", "source_degraded", name);
    }
    raise(facts.sampler() === "restarting", "sampler_away");
    raise(facts.spool() === "failed", "spool_failed");
    raise(facts.spool() === "degraded", "spool_degraded");
    raise(facts.undervoltage(), "undervoltage");
    raise(facts.power()?.ignition === "unknown", "ignition_unknown");
    raise(facts.power()?.windDown === "stayed", "power_off_failed");
    raise(facts.harness() === "wrong", "wrong_machine");
    raise(facts.cloned(), "cloned_identity");
    raise(options.timebase.trust === "none", "clock_untrusted");
    raise(facts.clockInPast(), "clock_in_the_past");
    const leftMs = (facts.certificateEndsMs ?? Number.POSITIVE_INFINITY) - facts.utcMs();
    raise(leftMs <= 0, "certificate_expired");
    raise(leftMs > 0 && leftMs <= WARN_DAYS * DAY_MS, "certificate_expiring");
    return out;
  }

  function message(): Buffer {
    const mono = wireMono(options.nowMs());
    const { t } = options.timebase.stamp(mono);
    const body: AlertsMessage = {
      ...{ v: 1, boot: options.boot, mono },
      ...(t === undefined ? {} : { t }),
      alerts: [...standing, ...limits.values()],
    };
    return Buffer.from(JSON.stringify(body));
  }

  function look(): void {
    const before = standing;
    standing = present().map(({ name, source }) => {
      const known = before.find((a) => a.name === name && a.source === source);
      const { severity, text } = ALERTS[name];
      const since = wireMono(options.nowMs());
      return known ?? { name, severity, ...(source === undefined ? {} : { source }), since, text };
    });
    const now = JSON.stringify([standing, [...limits.values()]]);
    if (now === told) return;
    told = now;
    options.tell(message());
  }

  return {
    look,
    /** The retained message as it is now. */
    message,
    /** An event of the sampler; that of a limit begins or ends an alarm. */
    event({ name, mono, severity, source, detail }: LimitEvent): void {
      const { state, limit, value } = detail;
      if (limit === undefined || typeof state !== "string") return;
      if (state === "normal") limits.delete(name);
      else {
        const text = `${state} its limit of ${String(limit)}: ${String(value)} when it was reached`;
        limits.set(name, { name, severity, ...(source === undefined ? {} : { source }), since: wireMono(mono), text });
      }
      look();
    },
    /** Another sampler watches: it tells again what stands. */
    forgetLimits(): void {
      limits.clear();
      look();
    },
  };
}
