import { createHash } from "node:crypto";
import { connect, createServer } from "node:net";
import { resolve } from "node:path";
import { z } from "zod";
import { SwathError } from "../model/errors.ts";
import { healthMessage, stateMessage } from "../model/record.ts";

/** What a running unit tells on its own computer. Never holds a position. */
export const presence = z.strictObject({
  pid: z.int(),
  /** Absent while the unit still starts. */
  state: stateMessage.optional(),
  health: healthMessage.optional(),
  /** The last error of the link, as a line. */
  linkError: z.string().optional(),
});
export type Presence = z.infer<typeof presence>;

/**
 * A socket in Linux's abstract space, named after the spool's folder: it needs no disk, and it is gone with its process, so
 * there is never a stale one.
 */
const socketOf = (spoolDir: string) =>
  `\0swath-${createHash("sha256").update(resolve(spoolDir)).digest("hex").slice(0, 32)}`;

/** A spool's folder, claimed for this process. */
export interface Claim {
  /** From now on whoever asks is told this. */
  answerWith(tell: () => Omit<Presence, "pid">): void;
  close(): Promise<void>;
}

/** Claims a spool's folder. Throws `spool/in-use` when another unit has it: two that write one spool would destroy it. */
export async function claimSpool(spoolDir: string): Promise<Claim> {
  let tell: () => Omit<Presence, "pid"> = () => ({});
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(JSON.stringify({ pid: process.pid, ...tell() }));
  });
  const error = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
    server.once("error", done);
    server.listen(socketOf(spoolDir), () => done(undefined));
  });
  if (error?.code === "EADDRINUSE")
    throw new SwathError("spool/in-use", `${spoolDir}: another unit is running on this spool`, error);
  // Only Linux has this space; elsewhere, on a laptop with the demo, nothing is claimed.
  if (error !== undefined) return { answerWith: () => undefined, close: () => Promise.resolve() };
  server.unref();
  return {
    answerWith(next) {
      tell = next;
    },
    close: () => new Promise((done) => server.close(() => done())),
  };
}

/** Asks the unit that runs on a spool's folder; undefined when none runs or it does not answer within `timeoutMs`. */
export function askUnit(spoolDir: string, timeoutMs = 2000): Promise<Presence | undefined> {
  return new Promise((done) => {
    const socket = connect(socketOf(spoolDir));
    let text = "";
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      try {
        done(presence.safeParse(JSON.parse(text)).data);
      } catch {
        done(undefined);
      }
    });
  });
}
