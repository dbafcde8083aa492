import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { catalogue } from "../../devices/index.ts";
import { systemClock } from "../bus/clock.ts";
import { openLinuxI2c } from "../bus/linux-i2c.ts";
import { isSwathError } from "../model/errors.ts";
import { EXIT_USAGE } from "./exit-codes.ts";
import { type Answer, scanI2c } from "./scan-i2c.ts";
import { BAUDS, type PortFound, scanPort } from "./scan-serial.ts";

type Out = { write(text: string): unknown };

interface BusFound {
  readonly bus: string;
  readonly error?: string;
  readonly answers: readonly Answer[];
}

const USAGE =
  "usage: swath scan [--json] [--i2c N]... [--port PATH]... [--baud N]... [--listen SECONDS]\n\nStop the unit first: a part that two programs ask at once misleads both. Nothing is sent on serial ports.\n";

const hex = (n: number) => `0x${n.toString(16).padStart(2, "0")}`;

/** Numbers n of all /dev/i2c-n. */
function i2cNumbers(): number[] {
  return readdirSync("/dev")
    .flatMap((name) => /^i2c-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Ports by their stable names, and the Pi's own UART, each once. */
function serialPorts(): string[] {
  const names = ["/dev/serial/by-id", "/dev/serial/by-path"]
    .filter(existsSync)
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const seen = new Set<string>();
  return [...names, "/dev/serial0"].filter((path) => {
    if (!existsSync(path)) return false;
    const tty = realpathSync(path);
    if (seen.has(tty)) return false;
    seen.add(tty);
    return true;
  });
}

async function scanBus(number: number): Promise<BusFound> {
  const name = `/dev/i2c-${number}`;
  try {
    const bus = await openLinuxI2c({ name, device: number, clock: systemClock });
    try {
      const { answers, givenUp } = scanI2c(bus, catalogue);
      return { bus: name, answers, ...(givenUp === undefined ? {} : { error: givenUp }) };
    } finally {
      bus.close();
    }
  } catch (e) {
    if (!isSwathError(e)) throw e;
    return { bus: name, error: e.message, answers: [] };
  }
}

function busWords({ bus, error, answers }: BusFound): string[] {
  const lines = answers.map(({ address, kind, parts }) => {
    const place = `  ${hex(address)}  `;
    if (kind === "part") return `${place}${parts.join(" or ")}, by its identity register`;
    if (kind === "kernel") return `${place}in the hands of a driver of the kernel; not asked`;
    if (parts.length === 0) return `${place}answers; no part of the catalogue has this address`;
    return `${place}answers; may be ${parts.join(", ")}, which have no identity register`;
  });
  const told = error === undefined ? [] : [`  ${error}`];
  return [bus, ...lines, ...told, ...(lines.length + told.length === 0 ? ["  nothing answers"] : [])];
}

function portWords({ path, error, heard }: PortFound): string[] {
  if (error !== undefined) return [path, `  ${error}`];
  const lines = heard.map(({ baud, bytes, parts }) => {
    const best = parts[0];
    if (best !== undefined)
      return `  ${baud} baud: ${parts.map((p) => p.part).join(" or ")} (${best.samples} good messages)`;
    return `  ${baud} baud: ${bytes === 0 ? "silent" : `${bytes} bytes that no part of the catalogue sends`}`;
  });
  const asked = heard.every((h) => h.bytes === 0)
    ? ["  what speaks only when asked (Modbus, an SLCAN adapter) is silent here"]
    : [];
  return [path, ...lines, ...asked];
}

/** `swath scan`: what answers on which bus. Returns 0 when something was found, 1 when nothing. */
export async function scan(args: readonly string[], out: Out): Promise<number> {
  const options = {
    json: { type: "boolean", default: false },
    i2c: { type: "string", multiple: true },
    port: { type: "string", multiple: true },
    baud: { type: "string", multiple: true },
    listen: { type: "string", default: "1.5" },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];
  try {
    values = parseArgs({ args: [...args], options }).values;
  } catch (e) {
    out.write(`${e instanceof Error ? e.message : String(e)}\n${USAGE}`);
    return EXIT_USAGE;
  }
  const numbers = [...(values.i2c ?? []), ...(values.baud ?? []), values.listen ?? ""].map(Number);
  if (!numbers.every((n) => n >= 0)) {
    out.write(USAGE);
    return EXIT_USAGE;
  }
  const chosen = values.i2c !== undefined || values.port !== undefined;
  const buses: BusFound[] = [];
  for (const number of values.i2c?.map(Number) ?? (chosen ? [] : i2cNumbers())) buses.push(await scanBus(number));
  const bauds = values.baud?.map(Number) ?? BAUDS;
  const listenMs = Number(values.listen) * 1000;
  // Ports are lines of their own: all are heard at the same time.
  const ports = await Promise.all(
    (values.port ?? (chosen ? [] : serialPorts())).map((path) =>
      scanPort(path, { catalogue, bauds, listenMs, clock: systemClock }),
    ),
  );
  if (values.json) out.write(`${JSON.stringify({ i2c: buses, serial: ports }, undefined, 2)}\n`);
  else {
    const nothing = buses.length + ports.length === 0 ? ["no I2C bus and no serial port here"] : [];
    out.write(`${[...buses.flatMap(busWords), ...ports.flatMap(portWords), ...nothing].join("\n")}\n`);
  }
  const found = buses.some((b) => b.answers.length > 0) || ports.some((p) => p.heard.some((h) => h.bytes > 0));
  return found ? 0 : 1;
}
