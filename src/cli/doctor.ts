import { join } from "node:path";
import { parseArgs } from "node:util";
import { catalogue } from "../../devices/index.ts";
import { loadConfig } from "../config/load.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import { isSwathError } from "../model/errors.ts";
import { askUnit, type Presence } from "../unit/presence.ts";
import { checkBroker, judgeLink } from "./doctor/broker.ts";
import { type Finding, finding, type Verdict } from "./doctor/finding.ts";
import { checkClock, checkDeviceFile, checkDisk, checkPower } from "./doctor/host.ts";
import { judgeDisplay, judgePart, trySampler } from "./doctor/parts.ts";
import { EXIT_USAGE } from "./exit-codes.ts";

/** How long parts get to come up, and each step to the broker to be answered, in ms. */
const PARTS_MS = 6000;
const BROKER_MS = 8000;

const SIGNS: Readonly<Record<Verdict, string>> = { ok: "✓", look: "▲", wrong: "✕", unknown: "?" };

const USAGE = `usage: swath doctor --config FILE [--json]

Finds what is wrong with a unit and says what to do, most urgent first. Ends with 0 when nothing is wrong, else with 1.
`;

/** `swath doctor`: asks the running unit where one runs, and tries buses, parts and broker by itself where none does. */
export async function doctor(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  let file: string | undefined;
  let json = false;
  try {
    const options = { config: { type: "string", short: "c" }, json: { type: "boolean" } } as const;
    const { values } = parseArgs({ args: [...args], options });
    file = values.config;
    json = values.json ?? false;
  } catch (e) {
    out.write(`${e instanceof Error ? e.message : String(e)}\n`);
  }
  if (file === undefined) {
    out.write(USAGE);
    return EXIT_USAGE;
  }
  const findings: Finding[] = [];
  const add = (...more: readonly Finding[]) => {
    findings.push(...more);
    if (!json) for (const one of more) out.write(`${line(one)}\n`);
  };
  const config = readConfig(file, add);
  if (config !== undefined) await examine(config, add);
  const wrong = findings.filter((f) => f.verdict === "wrong");
  if (json) out.write(`${JSON.stringify({ v: 1, ok: wrong.length === 0, findings })}\n`);
  else out.write(advice(findings));
  return wrong.length === 0 ? 0 : 1;
}

function readConfig(file: string, add: (...more: readonly Finding[]) => void): LoadedConfig | undefined {
  try {
    const config = loadConfig(file, { catalogue });
    add(finding("configuration", "ok", `${file} is right (${config.hash})`));
    return config;
  } catch (e) {
    if (!isSwathError(e, "config")) throw e;
    add(...e.message.split("\n").map((text) => finding("configuration", "wrong", text, "Mend the line named.")));
    return undefined;
  }
}

/** What is below first: a part cannot be well on a bus that is not, nor a link with a wrong clock. */
async function examine(config: LoadedConfig, add: (...more: readonly Finding[]) => void): Promise<void> {
  add(...checkPower(config.spool.dir), checkDisk(config.spool.dir), ...checkClock());
  const unit = await askUnit(config.spool.dir);
  add(unitFinding(config, unit));
  const without = new Set<string>();
  if (config.simulation === undefined) {
    for (const [name, bus] of Object.entries(config.buses)) {
      const [file, group] = fileOf(bus);
      const found = checkDeviceFile(`bus ${name}`, file, group);
      if (found.verdict === "wrong") without.add(name);
      add(found);
    }
  }
  const samplerEntry = join(import.meta.dirname, "..", "sampler", "main.js");
  const heard = unit === undefined ? await trySampler(config, samplerEntry, PARTS_MS) : unit.health;
  for (const part of config.parts) {
    add(
      without.has(part.bus)
        ? finding(`part ${part.name}`, "unknown", `${part.device.part}: its bus ${part.bus} cannot be used`)
        : judgePart(part, heard?.sources[part.name]),
    );
  }
  const { display } = config;
  if (display !== undefined) {
    add(
      without.has(display.bus)
        ? finding("display", "unknown", `${display.device.part}: its bus ${display.bus} cannot be used`)
        : judgeDisplay(display, heard?.display),
    );
  }
  add(...(unit === undefined ? await checkBroker(config, BROKER_MS) : judgeLink(unit)));
}

/** The file by which a bus is opened, and the group that may. */
function fileOf(bus: LoadedConfig["buses"][string]): [string, string] {
  if (bus.kind === "i2c") return [`/dev/i2c-${bus.device}`, "i2c"];
  if (bus.kind === "serial") return [bus.port, "dialout"];
  return [`/sys/bus/counter/devices/counter${bus.device}/count0/count`, "gpio"];
}

function unitFinding(config: LoadedConfig, unit: Presence | undefined): Finding {
  if (unit === undefined)
    return finding("unit", "look", "does not run: parts and broker are tried directly", "Start it when all is well.");
  const running = unit.state?.config;
  if (running !== undefined && running !== config.hash)
    return finding(
      "unit",
      "look",
      `runs (pid ${unit.pid}) with another configuration, ${running}`,
      "Restart the unit to take this file into use.",
    );
  return finding("unit", "ok", `runs (pid ${unit.pid})`);
}

const line = ({ verdict, what, found }: Finding) => `${SIGNS[verdict]} ${what.padEnd(16)} ${found}`;

function advice(findings: readonly Finding[]): string {
  const todo = (verdict: Verdict) => findings.filter((f) => f.verdict === verdict && f.todo !== undefined);
  const list = [...todo("wrong"), ...todo("look")];
  if (list.length === 0) return "\nNothing to do.\n";
  const steps = list.map((f, i) => `${i + 1}. ${f.what}: ${f.todo}`);
  return ["", "To do, in this order:", ...steps, ""].join("\n");
}
