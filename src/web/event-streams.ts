import type { IncomingMessage, ServerResponse } from "node:http";

export interface EventStreams {
  /** Takes over a response as a stream of events; false when there are too many already. */
  attach(request: IncomingMessage, response: ServerResponse): boolean;
  count(): number;
  /** Ends every stream. */
  close(): void;
}

interface Listener<S> {
  readonly response: ServerResponse;
  readonly seen: S;
  blockedSinceMs: number | undefined;
  silentTicks: number;
}

/** Between two looks at what changed, in ms: at most five messages a second to a page. */
const TICK_MS = 200;
/** Ticks after which a message goes out although nothing changed, so that the page knows it is still connected. */
const HEARTBEAT_TICKS = 5;
const MAX_LISTENERS = 16;
/** A page with more than this unread, in bytes, gets nothing more until it has caught up; then it gets the newest. */
const MAX_UNREAD_BYTES = 512 * 1024;
/** A page that reads nothing for this long, in ms, is let go. */
const MAX_BLOCKED_MS = 30_000;

/**
 * Server-sent events. `newSeen` makes what a page has seen so far; `tidings` gives what is new to it and moves that on, or
 * undefined when there is nothing new and `due` is false. A slow page costs itself freshness and nobody else anything.
 */
export function createEventStreams<S>(options: {
  readonly newSeen: () => S;
  readonly tidings: (seen: S, due: boolean, first: boolean) => object | undefined;
}): EventStreams {
  const listeners = new Set<Listener<S>>();

  function send(listener: Listener<S>, first: boolean): void {
    const { response } = listener;
    if (response.writableLength > MAX_UNREAD_BYTES) {
      listener.blockedSinceMs ??= performance.now();
      if (performance.now() - listener.blockedSinceMs > MAX_BLOCKED_MS) response.destroy();
      return;
    }
    listener.blockedSinceMs = undefined;
    listener.silentTicks++;
    const tidings = options.tidings(listener.seen, first || listener.silentTicks >= HEARTBEAT_TICKS, first);
    if (tidings === undefined) return;
    listener.silentTicks = 0;
    response.write(`data: ${JSON.stringify(tidings)}\n\n`);
  }

  const timer = setInterval(() => {
    for (const listener of listeners) send(listener, false);
  }, TICK_MS);
  timer.unref();

  return {
    attach(request, response) {
      if (listeners.size >= MAX_LISTENERS) return false;
      const listener: Listener<S> = {
        response,
        seen: options.newSeen(),
        blockedSinceMs: undefined,
        silentTicks: 0,
      };
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write("retry: 1000\n\n");
      listeners.add(listener);
      const leave = () => listeners.delete(listener);
      response.on("close", leave);
      response.on("error", leave);
      request.on("error", leave);
      send(listener, true);
      return true;
    },
    count: () => listeners.size,
    close() {
      clearInterval(timer);
      for (const { response } of listeners) {
        response.end();
        response.destroy();
      }
      listeners.clear();
    },
  };
}
