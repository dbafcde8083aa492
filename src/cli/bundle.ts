import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { catalogue } from "../../devices/index.ts";
import { formatPublicKey, parsePublicKey } from "../codec/minisign.ts";
import { type Bundle, openBundle, sealBundle } from "../config/bundle.ts";
import { flattenConfig } from "../config/flatten.ts";
import { loadConfig } from "../config/load.ts";
import { isSwathError } from "../model/errors.ts";
import { EXIT_CONFIG, EXIT_USAGE } from "./exit-codes.ts";
import { readKeys, readSecretKey } from "./keys.ts";

const USAGE = `usage: swath bundle FILE --key SECRET [--serial N] [--days 365] [--successor PUB] [--moved-from MACHINE] [--out BUNDLE]
       swath bundle --show BUNDLE --keys DIR
`;

/** What makes a bundle of a unit file. */
export interface BundleOrder {
  readonly file: string;
  /** PEM file of the private key. */
  readonly key: string;
  /** Default: seconds since 1970, so that a later one is newer without anybody keeping count. */
  readonly serial?: number | undefined;
  readonly days: number;
  /** File of the public key that follows this one. */
  readonly successor?: string | undefined;
  /** The machine the unit is taken from, when it was given to the one its file names. */
  readonly movedFrom?: string | undefined;
  readonly nowMs: number;
}

/** The signed file for the unit and machine that a unit file names. Throws what is wrong with the file or the key. */
export function makeBundle(order: BundleOrder): { readonly bytes: Buffer; readonly bundle: Bundle } {
  const loaded = loadConfig(order.file, { catalogue });
  const successor = order.successor === undefined ? undefined : parsePublicKey(readFileSync(order.successor, "utf8"));
  if (order.successor !== undefined && successor === undefined)
    throw new Error(`${order.successor} is no public key of minisign`);
  const bundle: Bundle = {
    v: 1,
    kind: "swath-config",
    ...loaded.identity,
    machine: loaded.machine,
    ...(order.movedFrom === undefined ? {} : { movedFrom: order.movedFrom }),
    serial: order.serial ?? Math.floor(order.nowMs / 1000),
    made: new Date(order.nowMs).toISOString(),
    expires: new Date(order.nowMs + order.days * 86_400_000).toISOString(),
    config: loaded.hash,
    ...(successor === undefined ? {} : { successor: formatPublicKey(successor) }),
    files: flattenConfig(loaded, catalogue),
  };
  return { bytes: sealBundle(bundle, readSecretKey(order.key)), bundle };
}

/** `swath bundle`: makes one signed file of a unit file and all it names, or shows what is in one. */
export async function bundle(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  let parsed: ReturnType<typeof read>;
  try {
    parsed = read(args);
  } catch (e) {
    out.write(`${e instanceof Error ? e.message : String(e)}\n${USAGE}`);
    return EXIT_USAGE;
  }
  const { values, positionals } = parsed;
  const [file] = positionals;
  if (values.show !== undefined && values.keys !== undefined) return show(values.show, values.keys, out);
  const serial = values.serial === undefined ? undefined : Number(values.serial);
  const days = Number(values.days ?? 365);
  const whole = (n: number | undefined) => n === undefined || (Number.isInteger(n) && n > 0);
  if (file === undefined || positionals.length > 1 || values.key === undefined || !whole(serial) || !whole(days)) {
    out.write(USAGE);
    return EXIT_USAGE;
  }
  try {
    const { key, successor } = values;
    const made = makeBundle({ file, key, serial, days, successor, movedFrom: values["moved-from"], nowMs: Date.now() });
    const name = values.out ?? `${made.bundle.unit}-${made.bundle.serial}.swath`;
    writeFileSync(name, made.bytes);
    out.write(`${[name, ...words(made.bundle, made.bytes.length)].join("\n")}\n`);
    return 0;
  } catch (e) {
    out.write(`${e instanceof Error ? e.message : String(e)}\nno bundle was made.\n`);
    return isSwathError(e, "config") ? EXIT_CONFIG : 1;
  }
}

function read(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = {
    key: text,
    serial: text,
    days: text,
    successor: text,
    "moved-from": text,
    out: text,
    show: text,
    keys: text,
  };
  return parseArgs({ args: [...args], allowPositionals: true, options });
}

function show(file: string, keys: string, out: { write(text: string): unknown }): number {
  const opened = openBundle(readFileSync(file), readKeys(keys));
  if ("refused" in opened) {
    out.write(`${file}: ${opened.refused}\n`);
    return 1;
  }
  const { bundle: content, keyId, bytes } = opened;
  out.write(`${[file, ...words(content, bytes), `  signed with key ${keyId}`].join("\n")}\n`);
  return 0;
}

function words(
  { org, unit, machine, movedFrom, serial, made, expires, config, successor, files }: Bundle,
  bytes: number,
) {
  return [
    `  for unit ${unit} of ${org}, on machine ${machine}${movedFrom === undefined ? "" : `, taken there from ${movedFrom}`}`,
    `  serial ${serial}, made ${made}, good until ${expires}`,
    `  configuration ${config} in ${files.map((f) => f.name).join(", ")}; ${bytes} bytes`,
    ...(successor === undefined ? [] : [`  names the key that follows: ${successor}`]),
  ];
}
