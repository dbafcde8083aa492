import { connect, type Socket } from "node:net";
import type { Lamp, Screen } from "../model/operator.ts";
import { createFrameReader, encodeHello, encodeStatus, type Hello, type Status } from "./frame.ts";
import type { Outbox } from "./outbox.ts";

/** The sampler's end of the link. */
export interface LinkClient {
  readonly connected: boolean;
  /** Sends what the outbox holds and has not sent on this connection; call after every `outbox.add`. */
  pump(): void;
  /** Newest-wins: dropped while the unit does not read. */
  status(body: Status): void;
  /** Sends a frame that is not kept; false while the unit does not read, or there is none. */
  offer(frame: Uint8Array): boolean;
  /** Resolves when everything kept is acknowledged or `timeoutMs` has passed, and closes. */
  close(timeoutMs: number): Promise<void>;
}

const RETRY_MS = 250;
/** Beyond this much unread data the unit hangs: frames stay in the outbox, where their memory is bounded. */
const CONGESTED_BYTES = 256 * 1024;

/** Connects to the unit's socket and keeps trying; after every connection all unacknowledged frames are sent again. */
export function createLinkClient(options: {
  readonly path: string;
  readonly outbox: Outbox;
  readonly hello: () => Hello;
  /** The unit says what the operator's lamp shall say. */
  readonly onLamp?: (lamp: Lamp) => void;
  /** The unit says what the operator's display shall show. */
  readonly onScreen?: (lines: Screen) => void;
  /** The unit wants to have what is in the rings. */
  readonly onAskRings?: () => void;
}): LinkClient {
  const { outbox } = options;
  let socket: Socket | undefined;
  let sentUpTo = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let onDrained: (() => void) | undefined;

  function pump(): void {
    if (socket === undefined) return;
    while (socket.writableLength < CONGESTED_BYTES) {
      const frame = outbox.after(sentUpTo);
      if (frame === undefined) return;
      sentUpTo = frame.number;
      socket.write(frame.bytes);
    }
  }

  function offer(frame: Uint8Array): boolean {
    if (socket === undefined || socket.writableLength >= CONGESTED_BYTES) return false;
    socket.write(frame);
    return true;
  }

  function open(): void {
    const s = connect(options.path);
    s.on("connect", () => {
      socket = s;
      sentUpTo = 0;
      s.write(encodeHello(options.hello()));
      pump();
    });
    s.on("drain", pump);
    const reader = createFrameReader(
      (frame) => {
        if (frame.type === "lamp") options.onLamp?.(frame.lamp);
        if (frame.type === "screen") options.onScreen?.(frame.screen);
        if (frame.type === "askRings") options.onAskRings?.();
        if (frame.type !== "ack") return;
        outbox.ack(frame.number);
        if (outbox.length === 0) onDrained?.();
      },
      () => s.destroy(),
    );
    s.on("data", reader);
    // The reason is in the close that follows; the retry is the answer to all of them.
    s.on("error", () => undefined);
    s.on("close", () => {
      if (socket === s) socket = undefined;
      // Without a unit nobody acknowledges any more.
      onDrained?.();
      if (!closed) timer = setTimeout(open, RETRY_MS);
    });
  }
  open();

  return {
    get connected() {
      return socket !== undefined;
    },
    pump,
    offer,
    status: (body) => void offer(encodeStatus(body)),
    async close(timeoutMs) {
      if (outbox.length > 0 && socket !== undefined) {
        await new Promise<void>((done) => {
          onDrained = done;
          setTimeout(done, timeoutMs);
        });
      }
      closed = true;
      clearTimeout(timer);
      socket?.destroy();
    },
  };
}
