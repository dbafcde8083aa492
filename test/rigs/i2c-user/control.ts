import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { I2cFault, MemoryI2c } from "../../../src/bus/memory-i2c.ts";
import type { I2cUser } from "./rig.ts";

/** What a child under test asks of the process that plays its hardware. */
export interface I2cHand {
  /** Puts a plain file of 256 registers at the address, register r holding `seed + r`. */
  attach(address: number, seed: number): Promise<void>;
  detach(address: number): Promise<void>;
  register(address: number, register: number): Promise<number>;
  inject(address: number | "all", fault: I2cFault, calls?: number): Promise<void>;
  lift(address: number | "all"): Promise<void>;
}

/** The same hand on the rig itself, for what only a kernel does. */
export interface I2cUserHand extends I2cHand {
  slow(address: number, delayMs: number): Promise<void>;
  own(address: number, on: boolean): Promise<void>;
  transfers(address: number): Promise<number>;
}

/** A hand on a memory bus: twins that are plain register files, and the faults of the bus. */
export function handOn(bus: MemoryI2c): I2cHand {
  const files = new Map<number, { bytes: Uint8Array; detach: () => void }>();
  return {
    async attach(address, seed) {
      const bytes = Uint8Array.from({ length: 256 }, (_, r) => seed + r);
      const detach = bus.attach(address, {
        read: (register, into, length) => {
          for (let i = 0; i < length; i++) into[i] = bytes[(register + i) & 0xff]!;
        },
        write: (register, from, length) => {
          for (let i = 0; i < length; i++) bytes[(register + i) & 0xff] = from[i]!;
          if (length === 0) bytes[0xff] = register; // the pointer alone is a command
        },
        receive: (into, length) => into.set(bytes.subarray(0x80, 0x80 + length)),
      });
      files.set(address, { bytes, detach });
    },
    detach: async (address) => files.get(address)?.detach(),
    register: async (address, register) => files.get(address)?.bytes[register] ?? -1,
    inject: async (address, fault, calls) => bus.faults.inject(address, fault, calls),
    lift: async (address) => bus.faults.lift(address),
  };
}

/** Lets a child hold the hand: calls as JSON lines over a socket in the rig's folder. */
export async function serveHand(user: I2cUser, bus: MemoryI2c): Promise<Server> {
  const plain = handOn(bus);
  const short = new Set<number | "all">();
  const hand: Record<string, (...args: any[]) => Promise<unknown>> = {
    ...plain,
    async inject(address: number, fault: I2cFault, calls?: number) {
      if (fault !== "shortRead") return await plain.inject(address, fault, calls);
      short.add(address);
      user.short(address, true);
    },
    async lift(address: number) {
      if (short.delete(address)) user.short(address, false);
      await plain.lift(address);
    },
    slow: async (address: number, delayMs: number) => user.slow(address, delayMs),
    own: async (address: number, on: boolean) => user.own(address, on),
    transfers: async (address: number) => user.transfers(address),
  };
  const server = createServer((socket) => {
    socket.on("error", () => {}); // the child is gone
    createInterface({ input: socket }).on("line", (line) => {
      const [call, ...args] = JSON.parse(line) as [string, ...unknown[]];
      void hand[call]?.(...args).then((result) => socket.write(`${JSON.stringify(result ?? null)}\n`));
    });
  });
  server.listen(join(user.dir, "hand.sock"));
  await once(server, "listening");
  return server;
}

/** The child's end of `serveHand`. */
export async function holdHand(dir: string): Promise<{ hand: I2cUserHand; release: () => void }> {
  const socket = connect(join(dir, "hand.sock"));
  await once(socket, "connect");
  const answers: ((result: unknown) => void)[] = [];
  createInterface({ input: socket }).on("line", (line) => answers.shift()?.(JSON.parse(line)));
  const call =
    (name: string) =>
    (...args: unknown[]) =>
      new Promise<any>((resolve) => {
        answers.push(resolve);
        socket.write(`${JSON.stringify([name, ...args])}\n`);
      });
  const names = ["attach", "detach", "register", "inject", "lift", "slow", "own", "transfers"] as const;
  const hand = Object.fromEntries(names.map((name) => [name, call(name)])) as unknown as I2cUserHand;
  return { hand, release: () => socket.destroy() };
}
