#!/usr/bin/env node
import { EXIT_USAGE } from "./exit-codes.ts";

type Command = (args: readonly string[], out: { write(text: string): unknown }) => Promise<number>;

/** Commands load when they are called: `check` needs no broker, `run` no page. */
const COMMANDS: Readonly<Record<string, { about: string; load: () => Promise<Command> }>> = {
  run: {
    about: "run the unit on this machine: swath run --config FILE",
    load: async () => (await import("./run.ts")).run,
  },
  check: {
    about: "say what a unit file means, or what is wrong with it",
    load: async () => (await import("./check.ts")).check,
  },
  keys: {
    about: "make a key pair for signing, or for records on a stick: swath keys NAME [--export]",
    load: async () => (await import("./keys.ts")).keys,
  },
  bundle: {
    about: "make one signed file for one unit: swath bundle FILE --key SECRET",
    load: async () => (await import("./bundle.ts")).bundle,
  },
  diff: {
    about: "say what would change on the machine: swath diff A B [--json]",
    load: async () => (await import("./diff.ts")).diff,
  },
  scan: {
    about: "say what answers on which I2C bus and serial port: swath scan [--json]",
    load: async () => (await import("./scan.ts")).scan,
  },
  probe: {
    about: "show one part's values, raw counts and counters: swath probe PART --config FILE",
    load: async () => (await import("./probe.ts")).probe,
  },
  calibrate: {
    about: "measure depth, tilt, rotor or lever arm and write it into the unit file, step by step",
    load: async () => (await import("./calibrate.ts")).calibrate,
  },
  hq: {
    about: "HQ: take records into a database, prove that they are complete, ask things of units",
    load: async () => (await import("./hq.ts")).hq,
  },
  doctor: {
    about: "find what is wrong with a unit, and say what to do: swath doctor --config FILE",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  record: {
    about: "write down what comes from the buses: swath record --config FILE --out FILE",
    load: async () => (await import("./record.ts")).record,
  },
  replay: {
    about: "run a recording through a configuration, or compare two",
    load: async () => (await import("./replay.ts")).replay,
  },
  simulate: {
    about: "load for HQ: many simulated units over real MQTT",
    load: async () => (await import("./simulate.ts")).simulate,
  },
  demo: { about: "run a simulated machine, a broker and a page", load: async () => (await import("./demo.ts")).demo },
};

function usage(): string {
  const lines = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(10)}${about}`);
  return ["usage: swath COMMAND", "", ...lines, "  version   name and version of this software", ""].join("\n");
}

async function main(): Promise<number> {
  const [name, ...args] = process.argv.slice(2);
  if (name === "version" || name === "--version") {
    const { softwareVersion } = await import("./version.ts");
    process.stdout.write(`${softwareVersion()}\n`);
    return 0;
  }
  const command = name === undefined ? undefined : Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    process.stdout.write(usage());
    return name === undefined || name === "help" || name === "--help" ? 0 : EXIT_USAGE;
  }
  const execute = await command.load();
  return execute(args, process.stdout);
}

main().then(
  (code) => {
    process.exitCode = code;
    // A pipe is written behind our back: what was said must have gone. What else is open is of no use to anybody.
    process.stdout.write("", () => process.exit());
  },
  (e: unknown) => {
    process.stderr.write(`${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n`);
    process.exit(1);
  },
);
