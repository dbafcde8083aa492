import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PTY_PEER } from "./pty-peer.ts";

/** A real tty behind a stable name, with its far end in the hands of the test. */
export interface PtyRig {
  /** The stable name, like a link in `/dev/serial/by-id`; it is absent while the cable is out. */
  readonly path: string;
  /** The tty now behind the name, such as `/dev/pts/4`. */
  readonly tty: string;
  /** Sends bytes to whoever has the tty open; kept by the kernel (4 KiB) and the rig until they are read. */
  write(bytes: Uint8Array | string): void;
  /** Sends bytes as one chunk of its own, once the near end has read all that came before. */
  chunk(bytes: Uint8Array): void;
  /** Hears bytes of the near end as they come. */
  onBytes(listener: (bytes: Buffer) => void): void;
  /** All bytes that came from the near end. */
  received(): Buffer;
  /** The line speed the near end has set. */
  baud(): Promise<number>;
  /** Pulls the cable: the tty hangs up and its name goes. */
  pull(): Promise<void>;
  /** Plugs it in: a new tty, most likely of another number, behind the same name. */
  plug(): Promise<void>;
  /** Points the name to a new tty while the old one stays alive and silent. */
  move(): Promise<void>;
  stop(): Promise<void>;
}

let interpreter: string | undefined;

/** The interpreter itself: `python3` may be a script of a version manager that takes longer than all the rest. */
function python(): string {
  interpreter ??= execFileSync("python3", ["-c", "import sys; print(sys.executable)"]).toString().trim();
  return interpreter;
}

/** Makes a pty held by a Python process (python3 is the only thing needed), plugged in. */
export async function openPty(): Promise<PtyRig> {
  const dir = mkdtempSync(join(tmpdir(), "swath-pty-"));
  const path = join(dir, "port");
  const peer: ChildProcess = spawn(python(), ["-I", "-S", "-c", PTY_PEER, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting: { kind: string; resolve: (body: string) => void; reject: (e: Error) => void }[] = [];
  const received: Buffer[] = [];
  let heard: ((bytes: Buffer) => void) | undefined;
  let inbox: Buffer = Buffer.alloc(0);
  let tty = "";

  peer.stdout?.on("data", (chunk: Buffer) => {
    inbox = Buffer.concat([inbox, chunk]);
    while (inbox.length >= 5 && inbox.length >= 5 + inbox.readUInt32LE(1)) {
      const kind = inbox.toString("latin1", 0, 1);
      const body = inbox.subarray(5, 5 + inbox.readUInt32LE(1));
      inbox = inbox.subarray(5 + body.length);
      if (kind === "R") {
        const bytes = Buffer.from(body);
        received.push(bytes);
        heard?.(bytes);
        continue;
      }
      if (kind === "N") tty = body.toString();
      const at = waiting.findIndex((w) => w.kind === kind);
      if (at >= 0) waiting.splice(at, 1)[0]?.resolve(body.toString());
    }
  });
  peer.stdin?.on("error", () => {}); // the peer has gone; `exit` tells
  const exited = once(peer, "exit").then(() => {
    for (const w of waiting.splice(0)) w.reject(new Error("the pty's peer ended"));
  });

  function answer(kind: string): Promise<string> {
    return new Promise((resolve, reject) => waiting.push({ kind, resolve, reject }));
  }

  function send(kind: string, body: Buffer = Buffer.alloc(0)): void {
    const head = Buffer.alloc(5);
    head.write(kind, 0, "latin1");
    head.writeUInt32LE(body.length, 1);
    peer.stdin?.write(Buffer.concat([head, body]));
  }

  async function ask(kind: string, reply: string): Promise<string> {
    const answered = answer(reply);
    send(kind);
    return await answered;
  }

  await answer("N");
  return {
    path,
    get tty() {
      return tty;
    },
    write: (bytes) => send("W", Buffer.from(bytes)),
    chunk: (bytes) => send("C", Buffer.from(bytes)),
    onBytes(listener) {
      heard = listener;
    },
    received: () => Buffer.concat(received),
    baud: async () => Number(await ask("B", "B")),
    pull: async () => void (await ask("P", "P")),
    plug: async () => void (await ask("G", "N")),
    move: async () => void (await ask("M", "N")),
    async stop() {
      peer.stdin?.end();
      await exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
