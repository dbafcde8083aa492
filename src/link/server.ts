import { rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import type { Lamp, Screen } from "../model/operator.ts";
import {
  createFrameReader,
  encodeAck,
  encodeAskRings,
  encodeLamp,
  encodeScreen,
  type Hello,
  type Note,
  type RingsWord,
  type Row,
  type Status,
} from "./frame.ts";

/** What the unit hears from the sampler. Rows and notes come once each and in order, whatever the connections did. */
export interface LinkListener {
  hello(hello: Hello): void;
  row(row: Row, bytes: Uint8Array, number: number): void;
  note(note: Note, number: number): void;
  status(status: Status): void;
  /** What is in the rings is told: its beginning and end, and pieces of it. `bytes` is the frame. */
  rings?(word: RingsWord, bytes: Uint8Array): void;
  samples?(bytes: Uint8Array): void;
  /** The sampler is not connected any more. */
  gone(): void;
}

/** The unit's end of the link: it listens, one sampler at a time; a newer connection replaces the older. */
export interface LinkServer {
  readonly session: string | undefined;
  /** Everything up to this number of the running session is durable. */
  ack(upTo: number): void;
  /** What the operator's lamp shall say; lost while no sampler is connected, so it is told again and again. */
  lamp(lamp: Lamp): void;
  /** What the operator's display shall show; told again and again for the same reason. */
  screen(lines: Screen): void;
  /** Asks for what is in the rings now; false when no sampler is there. */
  askRings(): boolean;
  close(): Promise<void>;
}

/** Listens on a unix socket. `resume` is the session and number up to which an earlier unit made things durable. */
export async function startLinkServer(options: {
  readonly path: string;
  readonly listener: LinkListener;
  /** Hash of the configuration that rows must be of; a sampler that runs another one is not heard. */
  readonly config?: string;
  /** Told of a sampler that runs another one. */
  readonly refused?: (config: string) => void;
  readonly resume?: { readonly session: string; readonly number: number } | undefined;
}): Promise<LinkServer> {
  const { listener } = options;
  let current: Socket | undefined;
  let session = options.resume?.session;
  let seen = options.resume?.number ?? 0;

  function accept(socket: Socket): void {
    current?.destroy();
    current = socket;
    let greeted = false;
    const reader = createFrameReader(
      (frame) => {
        if (frame.type === "hello") {
          // Its columns, and maybe its machine, are others: it ends by itself once it sees that its files were replaced.
          if (options.config !== undefined && frame.body.config !== options.config) {
            options.refused?.(frame.body.config);
            socket.destroy();
            return;
          }
          greeted = true;
          if (frame.body.session !== session) {
            session = frame.body.session;
            seen = 0;
          }
          listener.hello(frame.body);
          return;
        }
        if (!greeted) return;
        if (frame.type === "status") return listener.status(frame.body);
        if (frame.type === "rings") return listener.rings?.(frame.body, frame.bytes);
        if (frame.type === "samples") return listener.samples?.(frame.bytes);
        if (frame.type !== "row" && frame.type !== "note") return;
        if (frame.number <= seen) {
          // Durable already, or on its way to be: the acknowledgement that covers it may have been lost.
          return;
        }
        seen = frame.number;
        if (frame.type === "row") listener.row(frame.row, frame.bytes, frame.number);
        else listener.note(frame.body, frame.number);
      },
      () => socket.destroy(),
    );
    socket.on("data", reader);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (current !== socket) return;
      current = undefined;
      listener.gone();
    });
  }

  rmSync(options.path, { force: true });
  const server = createServer(accept);
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(options.path, () => done());
  });

  return {
    get session() {
      return session;
    },
    ack(upTo) {
      current?.write(encodeAck(upTo));
    },
    lamp(lamp) {
      current?.write(encodeLamp(lamp));
    },
    screen(lines) {
      current?.write(encodeScreen(lines));
    },
    askRings() {
      current?.write(encodeAskRings());
      return current !== undefined;
    },
    close() {
      current?.destroy();
      return new Promise((done) => server.close(() => done()));
    },
  };
}
