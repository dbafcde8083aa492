import type { IncomingMessage, ServerResponse } from "node:http";
import type { RulesView, Tidings, UnitPatch } from "./page/view.ts";
import type { Subscriber } from "./subscriber.ts";
import { createCursor, patchOf, type UnitCursor } from "./unit-view.ts";

export interface EventStreams {
  /** Takes over a response as a stream of events; false when there are too many already. */
  attach(request: IncomingMessage, response: ServerResponse): boolean;
  count(): number;
  /** Ends every stream. */
  close(): void;
}

interface Listener {
  readonly response: ServerResponse;
  readonly cursors: Map<string, UnitCursor>;
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

/** Server-sent events with the changes of every unit. A slow page costs itself freshness and nobody else anything. */
export function createEventStreams(subscriber: Subscriber, rules: RulesView): EventStreams {
  const listeners = new Set<Listener>();

  function tidingsFor(listener: Listener, first: boolean): Tidings | undefined {
    const units: UnitPatch[] = [];
    for (const [key, unit] of subscriber.fleet.units) {
      let cursor = listener.cursors.get(key);
      if (cursor === undefined) {
        cursor = createCursor();
        listener.cursors.set(key, cursor);
      }
      const patch = patchOf(unit, cursor);
      if (patch !== undefined) units.push(patch);
    }
    listener.silentTicks++;
    if (units.length === 0 && !first && listener.silentTicks < HEARTBEAT_TICKS) return undefined;
    listener.silentTicks = 0;
    return { ...summaryOf(subscriber), ...(first ? { rules } : {}), units };
  }

  function send(listener: Listener, first: boolean): void {
    const { response } = listener;
    if (response.writableLength > MAX_UNREAD_BYTES) {
      listener.blockedSinceMs ??= performance.now();
      if (performance.now() - listener.blockedSinceMs > MAX_BLOCKED_MS) response.destroy();
      return;
    }
    listener.blockedSinceMs = undefined;
    const tidings = tidingsFor(listener, first);
    if (tidings !== undefined) response.write(`data: ${JSON.stringify(tidings)}\n\n`);
  }

  const timer = setInterval(() => {
    for (const listener of listeners) send(listener, false);
  }, TICK_MS);
  timer.unref();

  return {
    attach(request, response) {
      if (listeners.size >= MAX_LISTENERS) return false;
      const listener: Listener = { response, cursors: new Map(), blockedSinceMs: undefined, silentTicks: 0 };
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

/** What holds for all units: HQ's clock, its session and what it put aside. */
export function summaryOf(subscriber: Subscriber): Pick<Tidings, "nowMs" | "broker" | "bad"> {
  const bad = Object.fromEntries(Object.entries(subscriber.fleet.bad).filter(([, count]) => count > 0));
  return { nowMs: Date.now(), broker: subscriber.connected(), bad };
}
