import { type BrokerStats, startBroker } from "./broker.ts";
import { startPageServer } from "./page-server.ts";
import type { FieldRules } from "./roles.ts";
import { startSubscriber } from "./subscriber.ts";

export interface DemoHqOptions {
  /** 0 or absent takes a free port. */
  readonly brokerPort?: number;
  readonly pagePort?: number;
  /** Address the broker listens on; loopback by default, since it asks nobody for a password. */
  readonly host?: string;
  readonly rules?: Partial<FieldRules>;
  /** What people call a machine, by its id; by default the demonstration's. */
  readonly machineNames?: Readonly<Record<string, string>>;
}

/** What a calm line in the terminal says. */
export interface DemoHqSummary {
  readonly messages: number;
  readonly bytes: number;
  /** Different records received, over all lanes and units. */
  readonly records: number;
  readonly duplicates: number;
  /** Records known to be missing. */
  readonly missing: number;
  /** Messages put aside because they did not pass the checks. */
  readonly bad: number;
  readonly units: number;
  /** Pages that listen now. */
  readonly pages: number;
  /** State of the unit heard last: `online`, `lost` …, or `silent` before the first word. */
  readonly lastStateWord: string;
  readonly broker: BrokerStats;
}

export interface DemoHq {
  readonly brokerUrl: string;
  readonly pageUrl: string;
  summary(): DemoHqSummary;
  close(): Promise<void>;
}

/**
 * Figures of the demonstration's machine: a D85MS-like tiller. 2.0 m × 0.25 km/h is the 500 m²/h published for it; 0.20 m
 * is the usual depth; a rock strike at the tool carrier passes 250 m/s², tilling alone does not.
 */
export const DEMO_RULES: FieldRules = { toolWidthM: 2.0, targetDepthM: 0.2, shockLineMps2: 250 };

const DEMO_NAMES = { "d85ms-demo": "Komatsu D85MS-15" };

/** HQ in one process for the demonstration: broker, subscriber and page. */
export async function startDemoHq(options: DemoHqOptions = {}): Promise<DemoHq> {
  const broker = await startBroker({ port: options.brokerPort ?? 0, host: options.host ?? "127.0.0.1" });
  let lastStateWord = "silent";
  const subscriber = startSubscriber({
    url: broker.url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//127.0.0.1:"),
    rules: { ...DEMO_RULES, ...options.rules },
    onUnit: (unit) => {
      lastStateWord = unit.state()?.body.state ?? lastStateWord;
    },
  });
  let page: Awaited<ReturnType<typeof startPageServer>>;
  try {
    page = await startPageServer({
      port: options.pagePort ?? 0,
      subscriber,
      machineNames: options.machineNames ?? DEMO_NAMES,
      demo: true,
    });
  } catch (error) {
    await Promise.all([subscriber.close(), broker.close()]);
    throw error;
  }

  return {
    brokerUrl: broker.url,
    pageUrl: page.url,
    summary() {
      let records = 0;
      let duplicates = 0;
      let missing = 0;
      for (const unit of subscriber.fleet.units.values()) {
        for (const lane of ["event", "log", "bulk"] as const) {
          const count = unit.ledger(lane).count();
          records += count.received;
          duplicates += count.duplicates;
          missing += count.missing;
        }
      }
      const { messages, bytes } = subscriber.stats();
      const bad = Object.values(subscriber.fleet.bad).reduce((sum, count) => sum + count, 0);
      const units = subscriber.fleet.units.size;
      return {
        messages,
        bytes,
        records,
        duplicates,
        missing,
        bad,
        units,
        pages: page.listeners(),
        lastStateWord,
        broker: broker.stats(),
      };
    },
    async close() {
      await Promise.all([page.close(), subscriber.close()]);
      await broker.close();
    },
  };
}
