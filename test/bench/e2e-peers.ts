import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { freePort } from "../rigs/mosquitto.ts";
import { installNodeRed, nodeRedCommand, nodeRedFlow } from "./peers/node-red.ts";

/** Where a peer reads and where it publishes; `dir` is a folder of this start alone. */
export interface Wiring {
  readonly linePath: string;
  readonly gnssPath: string;
  readonly port: number;
  readonly dir: string;
}

/** One way to do the workload. */
export interface Peer {
  readonly name: string;
  command(wiring: Wiring): Promise<readonly string[]>;
  /** Ends of the topics: of the one whose latency counts, and of the one that must have every position. */
  readonly first: string;
  readonly kept: string;
  /** Longest time in ms until the last position has come after the feed ended. */
  readonly tailMs: number;
}

/** From where this runs, in dist/test/bench. */
const REPOSITORY = resolve(import.meta.dirname, "../../..");
const SOURCES = join(REPOSITORY, "test/bench");
const FIX = { first: "/fix", kept: "/fix", tailMs: 1500 };

/** Compiles a program in C, or says in a line why not. */
export function compile(name: string, folder: string, libraries: readonly string[]): string | undefined {
  const program = join(folder, name);
  try {
    const from = join(SOURCES, "c", `${name}.c`);
    execFileSync(process.env["CC"] ?? "cc", ["-O2", "-o", program, from, ...libraries, "-lm"], { stdio: "pipe" });
    return program;
  } catch {
    console.log(`${name} is left out: it needs a C compiler${libraries.length > 0 ? " and libmosquitto-dev" : ""}`);
    return undefined;
  }
}

/** The unit as it is shipped: sampler, unit and durable spool. */
export function swathPeer(batch: number): Peer {
  return {
    name: "Swath",
    first: "/live",
    kept: "/log",
    tailMs: (batch + 4) * 1000,
    async command({ linePath, gnssPath, port, dir }) {
      const config = {
        org: "bench",
        unit: "unit-1",
        machine: "machine-1",
        broker: { url: `mqtt://127.0.0.1:${port}` },
        spool: { dir: join(dir, "spool"), maxMb: 64 },
        buses: {
          gnss_uart: { kind: "serial", port: gnssPath, baud: 115200 },
          line_uart: { kind: "serial", port: linePath, baud: 115200 },
        },
        parts: {
          gnss: { part: "gnss-nmea", bus: "gnss_uart" },
          line: { part: "ascii-line", bus: "line_uart", options: { unit: "rpm", range: [0, 9999], rateHz: 1000 } },
        },
        channels: {
          level: {
            from: "line.value",
            filters: [{ median: 5 }, { low_pass: { cutoffHz: 100, order: 2 } }],
            stats: ["mean", "min", "max", "rms", "count"],
          },
        },
        track: { from: "gnss", columns: ["lat", "lon", "alt", "speed", "satellites", "utc"] },
        rows: { everyMs: 1000, batch },
        // Shorter than the receiver's period: a position that comes late must not silence the next.
        live: { everyMs: 50 },
      };
      const file = join(dir, "unit.yaml");
      writeFileSync(file, JSON.stringify(config, null, 1));
      return [process.execPath, join(REPOSITORY, "dist/src/cli/main.js"), "run", "--config", file];
    },
  };
}

export const naivePeer: Peer = {
  ...FIX,
  name: "Node, the obvious way",
  command: async ({ linePath, gnssPath, port }) => [
    process.execPath,
    join(import.meta.dirname, "peers/naive-node.js"),
    linePath,
    gnssPath,
    String(port),
  ],
};

export function cPeer(folder: string): Peer | undefined {
  const program = compile("e2e-peer", folder, ["-lmosquitto"]);
  if (program === undefined) return undefined;
  return {
    ...FIX,
    name: "C",
    command: async ({ linePath, gnssPath, port }) => [program, linePath, gnssPath, String(port)],
  };
}

/** The first Python that has both packages; a version manager's may lack what the system's has. */
export function pythonPeer(): Peer | undefined {
  for (const name of ["python3", "/usr/bin/python3"]) {
    try {
      const probe = "import sys, serial, paho.mqtt.client; print(sys.executable)";
      const python = execFileSync(name, ["-c", probe], { stdio: ["ignore", "pipe", "ignore"] })
        .toString()
        .trim();
      const script = join(SOURCES, "peers/python-peer.py");
      return {
        ...FIX,
        name: "Python",
        command: async ({ linePath, gnssPath, port }) => [python, script, linePath, gnssPath, String(port)],
      };
    } catch {
      // The next one.
    }
  }
  console.log("Python is left out: no python3 has pyserial and paho-mqtt");
  return undefined;
}

/** Node-RED out of `folder`, installed there when it is not. */
export function nodeRedPeer(folder: string): Peer | undefined {
  try {
    installNodeRed(folder);
  } catch (e) {
    console.log(`Node-RED is left out: ${(e as Error).message.split("\n")[0]}`);
    return undefined;
  }
  return {
    ...FIX,
    name: "Node-RED",
    async command({ linePath, gnssPath, port, dir }) {
      const userDir = join(dir, "node-red");
      mkdirSync(userDir);
      return nodeRedCommand(folder, userDir, nodeRedFlow(linePath, gnssPath, port), await freePort());
    },
  };
}
