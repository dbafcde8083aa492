import type { KeyObject } from "node:crypto";
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { listCommands, storeCommand } from "../hq/ingest/commands.ts";
import { findGaps, gapsText, isExplained } from "../hq/ingest/gaps.ts";
import { startIngester } from "../hq/ingest/ingester.ts";
import { findMachine, isClear } from "../hq/ingest/machine.ts";
import { machineText } from "../hq/ingest/machine-text.ts";
import { migrate } from "../hq/ingest/migrations.ts";
import { openPostgres } from "../hq/ingest/postgres.ts";
import { COMMAND_OPS } from "../model/downlink.ts";
import { BROKER_OPTIONS, brokerOf, levelOf, Usage } from "./broker-options.ts";
import { EXIT_USAGE } from "./exit-codes.ts";
import { importRecords } from "./hq-import.ts";
import { readSecretKey } from "./keys.ts";

type Out = { write(text: string): unknown };

const USAGE = `usage: swath hq --broker URL --org ORG --database postgres://… [options]   take records into the database
       swath hq migrate --database postgres://…                            bring the database to this version
       swath hq import FILE… --org ORG --database postgres://… --key FILE  take the records that a stick brought
       swath hq gaps UNIT --org ORG --database postgres://… [--json]       prove that a unit's records are complete
       swath hq machine MACHINE --org ORG --database postgres://… [--json] a machine through all units that were on it
       swath hq send UNIT OP --org ORG --database postgres://… --key FILE  ask something of a unit
       swath hq commands UNIT --org ORG --database postgres://…            what was asked, and the answers

  --broker URL        mqtt://host:port, or mqtts://host:port with --ca
  --key FILE          ed25519 private key (PEM) that signs watermarks and commands; without it no watermark is published
                      of an import: X25519, the private half of what units have as hq.exportKeyFile (swath keys NAME --export)
  --name NAME         of this ingester (the host's by default); a second one on the same host needs a name of its own
  --user NAME  --password-file FILE
  --ca FILE  --cert FILE  --tls-key FILE   authority of the broker; certificate and key of HQ
                      of an import: --ca is the fleet's authority, under which the unit signed; --unsigned takes a file that is not
  --protocol V        auto (default), 5 or 3.1.1
  --args JSON         arguments of a command       --hours N   until it expires (24 by default)
  --database may also stand in the environment as SWATH_DATABASE.
  OP is one of ${COMMAND_OPS.join(", ")}. None of them moves the machine.
  An import may be repeated: nothing is counted twice, whether it came by file or over MQTT. Of a damaged file it takes what verifies.
  swath hq gaps ends with 0 when everything is explained and with 1 when not; machine with 1 when two units claim one time; an import with 0 when each file was taken whole.
`;

const OPTIONS = {
  ...BROKER_OPTIONS,
  org: { type: "string" },
  database: { type: "string" },
  key: { type: "string" },
  name: { type: "string" },
  protocol: { type: "string" },
  args: { type: "string" },
  hours: { type: "string" },
  json: { type: "boolean" },
  unsigned: { type: "boolean" },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (e) {
    throw new Usage(e instanceof Error ? e.message : String(e));
  }
}
type Values = ReturnType<typeof parse>["values"];

function keyOf(path: string, type: "ed25519" | "x25519" = "ed25519"): KeyObject {
  try {
    return readSecretKey(path, type);
  } catch (e) {
    throw new Usage(`--key: ${e instanceof Error ? e.message : String(e)}`);
  }
}

function databaseOf(values: Values) {
  const url = values.database ?? process.env["SWATH_DATABASE"];
  if (url === undefined) throw new Usage("--database is missing");
  if (!/^postgres(ql)?:\/\//.test(url)) throw new Usage("--database: expected postgres://user@host/database");
  return openPostgres(url);
}

function protocolOf(values: Values): "auto" | "5" | "3.1.1" {
  const protocol = values.protocol ?? "auto";
  if (protocol !== "auto" && protocol !== "5" && protocol !== "3.1.1")
    throw new Usage(`--protocol: got ${protocol}, expected auto, 5 or 3.1.1`);
  return protocol;
}

/** `swath hq …`: HQ's ingester, and what a person asks its database. */
export async function hq(args: readonly string[], out: Out): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    const [verb = "ingest", ...rest] = positionals;
    switch (verb) {
      case "ingest":
        return await ingest(values, out);
      case "migrate":
        return await prepareDatabase(values, out);
      case "import":
        return await importRecords(
          rest,
          { ...values, keyOf: (path) => keyOf(path, "x25519") },
          () => databaseOf(values),
          out,
        );
      case "gaps":
        return await gaps(rest, values, out);
      case "machine":
        return await machine(rest, values, out);
      case "send":
        return await send(rest, values, out);
      case "commands":
        return await commands(rest, values, out);
      default:
        throw new Usage(`there is no swath hq ${verb}`);
    }
  } catch (e) {
    if (!(e instanceof Usage)) throw e;
    out.write(`${e.message}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
}

async function ingest(values: Values, out: Out): Promise<number> {
  const broker = { ...brokerOf(values), protocol: protocolOf(values) };
  const org = levelOf(values.org, "--org");
  const name = levelOf(
    values.name ??
      hostname()
        .toLowerCase()
        .replace(/[^a-z0-9-]/g, "-")
        .slice(0, 32),
    "--name",
  );
  const key = values.key === undefined ? undefined : keyOf(values.key);
  const database = databaseOf(values);
  const asked = new Promise<void>((done) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => done());
  });
  const log = pino({ name: "swath-hq", base: null, level: process.env["SWATH_LOG"] ?? "info" });
  if (key === undefined) log.warn("no --key: no watermark is published, and units with `ack: hq` free nothing");
  let ingester: Awaited<ReturnType<typeof startIngester>>;
  try {
    ingester = await startIngester({ broker, org, name, database, log, ...(key === undefined ? {} : { key }) });
  } catch (e) {
    out.write(`The database cannot be used: ${e instanceof Error ? e.message : String(e)}\n`);
    await database.close();
    return 1;
  }
  const tell = setInterval(() => log.info(ingester.stats(), "so far"), 60_000);
  await asked;
  clearInterval(tell);
  await ingester.close();
  await database.close();
  return 0;
}

async function prepareDatabase(values: Values, out: Out): Promise<number> {
  const database = databaseOf(values);
  try {
    const applied = await migrate(database);
    out.write(applied.length === 0 ? "The database is up to date.\n" : `Applied: ${applied.join(", ")}.\n`);
    return 0;
  } finally {
    await database.close();
  }
}

async function gaps(rest: readonly string[], values: Values, out: Out): Promise<number> {
  const unit = levelOf(rest[0], "UNIT");
  const org = levelOf(values.org, "--org");
  const database = databaseOf(values);
  try {
    const found = await findGaps(database.query, org, unit);
    if (found === undefined) {
      out.write(`HQ has never heard of unit ${unit} of ${org}.\n`);
      return 1;
    }
    out.write(values.json === true ? `${JSON.stringify(found)}\n` : gapsText(found));
    return isExplained(found) ? 0 : 1;
  } finally {
    await database.close();
  }
}

async function machine(rest: readonly string[], values: Values, out: Out): Promise<number> {
  const name = levelOf(rest[0], "MACHINE");
  const org = levelOf(values.org, "--org");
  const database = databaseOf(values);
  try {
    const found = await findMachine(database.query, org, name);
    if (found === undefined) {
      out.write(`No unit of ${org} has told HQ of machine ${name}.\n`);
      return 1;
    }
    out.write(values.json === true ? `${JSON.stringify(found)}\n` : machineText(found));
    return isClear(found) ? 0 : 1;
  } finally {
    await database.close();
  }
}

async function send(rest: readonly string[], values: Values, out: Out): Promise<number> {
  const unit = levelOf(rest[0], "UNIT");
  const op = COMMAND_OPS.find((known) => known === rest[1]);
  if (op === undefined) throw new Usage(`OP: got ${rest[1] ?? "nothing"}, expected one of ${COMMAND_OPS.join(", ")}`);
  if (values.key === undefined) throw new Usage("--key is missing: a command is signed");
  const hours = Number(values.hours ?? 24);
  if (!(hours > 0 && hours <= 24 * 366))
    throw new Usage(`--hours: got ${values.hours}, expected more than 0, at most 8784`);
  let given: Record<string, unknown> | undefined;
  try {
    const parsed: unknown = values.args === undefined ? undefined : JSON.parse(values.args);
    if (parsed !== undefined && (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)))
      throw new Error("not an object");
    given = parsed as Record<string, unknown> | undefined;
  } catch {
    throw new Usage('--args: expected a JSON object, such as {"seconds": 10}');
  }
  const key = keyOf(values.key);
  const org = levelOf(values.org, "--org");
  const database = databaseOf(values);
  try {
    const text = await storeCommand(database, key, {
      ...{ org, unit, op, expiresMs: Date.now() + hours * 3_600_000 },
      ...(given === undefined ? {} : { args: given }),
    });
    out.write(
      `Command ${text.serial} (${text.id}) waits for ${unit}; swath hq commands ${unit} tells of its answer.\n`,
    );
    return 0;
  } catch (e) {
    out.write(`${e instanceof Error ? e.message : String(e)}\n`);
    return 1;
  } finally {
    await database.close();
  }
}

async function commands(rest: readonly string[], values: Values, out: Out): Promise<number> {
  const unit = levelOf(rest[0], "UNIT");
  const org = levelOf(values.org, "--org");
  const database = databaseOf(values);
  try {
    const list = await listCommands(database.query, org, unit);
    if (values.json === true) out.write(`${JSON.stringify(list)}\n`);
    else if (list.length === 0) out.write(`Nothing was asked of ${unit}.\n`);
    else
      for (const c of list) {
        const answer = c.reason === undefined ? "" : `  ${c.reason}`;
        out.write(
          `${String(c.serial).padStart(4)}  ${c.created}  ${c.op.padEnd(9)} ${c.state}, sent ${c.sent} ×${answer}\n`,
        );
      }
    return 0;
  } finally {
    await database.close();
  }
}
