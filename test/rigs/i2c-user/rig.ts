import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { I2cBus } from "../../../src/bus/i2c.ts";
import { isSwathError } from "../../../src/model/errors.ts";

const FRAME = 36;
/** The errors that the kernel gives for what a bus made of memory throws. */
const ERRNO: Record<string, number> = {
  "bus/no-ack": 121,
  "bus/timeout": 110,
  "bus/arbitration": 11,
  "bus/busy": 16,
  "bus/crc": 74,
  "bus/unsupported": 95,
};

/** `/dev/i2c-N` without a kernel bus, for child processes started with `env`. */
export interface I2cUser {
  readonly dir: string;
  /** To be added to the environment of a child: the genuine i2c-bus addon in it then talks to the buses given. */
  readonly env: { readonly LD_PRELOAD: string; readonly SWATH_I2C_USER: string };
  /** Delays every answer of the address by this long; 0 ends it. The caller's thread is blocked meanwhile, as by a kernel. */
  slow(address: number, delayMs: number): void;
  /** Makes reads of the address arrive one byte short, as drivers of some adapters do; false ends it. */
  short(address: number, on: boolean): void;
  /** Lets the kernel own the address (EBUSY when it is selected); false ends it. */
  own(address: number, on: boolean): void;
  /** Transfers that reached the address. */
  transfers(address: number): number;
  stop(): Promise<void>;
}

/** Serves buses, by their number, from this process to children of it. Needs gcc. */
export async function startI2cUser(buses: Readonly<Record<number, I2cBus>>): Promise<I2cUser> {
  const dir = mkdtempSync(join(tmpdir(), "swath-i2c-"));
  const library = join(dir, "shim.so");
  // Compiled tests run from dist/, where there is no C.
  const source = resolve(import.meta.dirname.replace(/\/dist\//, "/"), "shim.c");
  await promisify(execFile)("gcc", ["-O1", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"]);
  const delays = new Map<number, number>();
  const shorts = new Set<number>();
  const owned = new Set<number>();
  const counts = new Map<number, number>();
  const sockets = new Set<Socket>();

  function answer(bus: I2cBus, request: Buffer): Buffer {
    const [kind = 0, address = 0, register = 0, length = 0] = request;
    const reply = Buffer.alloc(FRAME);
    const bytes = reply.subarray(4);
    if (kind === 3) {
      if (owned.has(address) && register === 0) reply[0] = 16;
      return reply;
    }
    counts.set(address, (counts.get(address) ?? 0) + 1);
    try {
      if (kind === 0) bus.readRegister(address, register, bytes, length);
      else if (kind === 1) bus.writeRegister(address, register, request.subarray(4), length);
      else bus.receive(address, bytes, length);
      reply[1] = kind !== 1 && shorts.has(address) ? length - 1 : length;
    } catch (e) {
      reply[0] = (isSwathError(e, "bus") && ERRNO[e.code]) || 5;
    }
    return reply;
  }

  function serve(bus: I2cBus, socket: Socket): void {
    let inbox: Buffer = Buffer.alloc(0);
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // the child was killed; `close` follows
    socket.on("data", (chunk) => {
      inbox = Buffer.concat([inbox, chunk]);
      while (inbox.length >= FRAME) {
        const request = inbox.subarray(0, FRAME);
        inbox = inbox.subarray(FRAME);
        const delayMs = request[0] === 3 ? 0 : (delays.get(request[1] ?? 0) ?? 0);
        if (delayMs > 0) setTimeout(() => socket.write(answer(bus, request)), delayMs);
        else socket.write(answer(bus, request));
      }
    });
  }

  const servers: Server[] = [];
  for (const [number, bus] of Object.entries(buses)) {
    const server = createServer((socket) => serve(bus, socket));
    await new Promise<void>((listening) => server.listen(join(dir, `i2c-${number}.sock`), listening));
    servers.push(server);
  }

  function put(set: Set<number>, address: number, on: boolean): void {
    if (on) set.add(address);
    else set.delete(address);
  }

  return {
    dir,
    env: { LD_PRELOAD: library, SWATH_I2C_USER: dir },
    slow: (address, delayMs) => void delays.set(address, delayMs),
    short: (address, on) => put(shorts, address, on),
    own: (address, on) => put(owned, address, on),
    transfers: (address) => counts.get(address) ?? 0,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
