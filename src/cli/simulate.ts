import { parseArgs } from "node:util";
import { startFleet } from "../hq/simulated-fleet.ts";
import { BROKER_OPTIONS, brokerOf, levelOf, Usage } from "./broker-options.ts";
import { EXIT_USAGE } from "./exit-codes.ts";

const USAGE = `usage: swath simulate --units N --broker URL --org ORG [options]

Simulated units over real MQTT, each with a session of its own, to measure what HQ can take.
  --rate R        records a second of each unit (0.1 by default: ten rows of a second each)
  --seconds S     make records for so long, then wait until all are confirmed (until Ctrl-C by default)
  --records N     of each unit, then no more
  --ack WHAT      watermark (default): a record is kept and sent again until HQ has committed it; broker: until PUBACK
  --prefix NAME   of the units' names (sim)
  --user NAME --password-file FILE --ca FILE --cert FILE --tls-key FILE   as for swath hq
`;

const LINE_MS = 5000;

const OPTIONS = {
  ...BROKER_OPTIONS,
  org: { type: "string" },
  units: { type: "string" },
  rate: { type: "string" },
  seconds: { type: "string" },
  records: { type: "string" },
  ack: { type: "string" },
  prefix: { type: "string" },
} as const;

function numberOf(text: string | undefined, option: string, least: number, most: number): number {
  const value = Number(text);
  if (text === undefined || !(value >= least && value <= most))
    throw new Usage(`${option}: got ${text ?? "nothing"}, expected ${least} to ${most}`);
  return value;
}

function optionsOf(args: readonly string[]) {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const ack = values.ack ?? "watermark";
  if (ack !== "watermark" && ack !== "broker") throw new Usage(`--ack: got ${ack}, expected watermark or broker`);
  const { seconds, records } = values;
  return {
    seconds: seconds === undefined ? undefined : numberOf(seconds, "--seconds", 1, 1e6),
    fleet: {
      broker: brokerOf(values),
      org: levelOf(values.org, "--org"),
      units: Math.floor(numberOf(values.units, "--units", 1, 20_000)),
      recordsPerS: numberOf(values.rate ?? "0.1", "--rate", 0.001, 1000),
      prefix: levelOf(values.prefix ?? "sim", "--prefix"),
      ack,
      ...(records === undefined ? {} : { maxRecords: numberOf(records, "--records", 1, 1e9) }),
    } as const,
  };
}

/** `swath simulate`: ends with 0 when every record it made was confirmed, with 1 when some were not. */
export async function simulate(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  let chosen: ReturnType<typeof optionsOf>;
  try {
    chosen = optionsOf(args);
  } catch (e) {
    out.write(`${e instanceof Error ? e.message : String(e)}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  const fleet = startFleet(chosen.fleet);
  const tell = () => out.write(`${JSON.stringify(fleet.stats())}\n`);
  const line = setInterval(tell, LINE_MS);
  await new Promise<void>((done) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => done());
    if (chosen.seconds === undefined) return;
    setTimeout(() => {
      fleet.quiet();
      const last = setInterval(() => {
        if (fleet.stats().held > 0) return;
        clearInterval(last);
        done();
      }, 100);
    }, chosen.seconds * 1000);
  });
  clearInterval(line);
  tell();
  const { held } = fleet.stats();
  await fleet.close();
  return held === 0 ? 0 : 1;
}
