import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createEventStreams, summaryOf } from "./event-stream.ts";
import type { RulesView, Tidings } from "./page/view.ts";
import { loadStaticFiles } from "./static-files.ts";
import type { Subscriber } from "./subscriber.ts";
import { createCursor, patchOf } from "./unit-view.ts";

export interface PageServerOptions {
  /** 0 takes a free port. */
  readonly port: number;
  readonly subscriber: Subscriber;
  /** What people call a machine, by its id. */
  readonly machineNames?: Readonly<Record<string, string>>;
}

export interface PageServer {
  readonly url: string;
  /** Pages that listen now. */
  listeners(): number;
  /** Ends open streams and frees the port, within 500 ms. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
const MAX_CONNECTIONS = 64;

/** What every answer says: nothing from elsewhere, nothing inline, nobody may frame it. */
const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
} as const;

/**
 * Serves the page, its stream `/events` and `GET /api/state` on the loopback address. Nothing here changes anything. The
 * Host header must name this machine's loopback, or a page elsewhere could read it through a name it controls.
 */
export async function startPageServer(options: PageServerOptions): Promise<PageServer> {
  const files = loadStaticFiles();
  const { port, subscriber } = options;
  const rules: RulesView = { ...subscriber.fleet.rules, machineNames: options.machineNames ?? {} };
  const streams = createEventStreams(subscriber, rules);
  let boundPort = port;

  function snapshot(): Tidings {
    const units = [...subscriber.fleet.units.values()].flatMap((unit) => patchOf(unit, createCursor()) ?? []);
    return { ...summaryOf(subscriber), rules, units };
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const path = (request.url ?? "/").split("?", 1)[0]!;
    const file = files.get(path);
    if (!isLoopback(request.headers.host, boundPort)) {
      refuse(response, 421, "This page is served on loopback only.");
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      refuse(response, 405, "This server only answers GET.");
    } else if (path === "/events" && request.method === "GET") {
      if (streams.attach(request, response)) return;
      response.setHeader("retry-after", "5");
      refuse(response, 503, "Too many pages listen already.");
    } else if (path === "/api/state") {
      reply(request, response, "application/json; charset=utf-8", JSON.stringify(snapshot()));
    } else if (file === undefined) {
      refuse(response, 404, "There is nothing here.");
    } else {
      reply(request, response, file.type, file.body);
    }
  }

  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8192 }, answer);
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", () => {});
  const address = server.address();
  if (typeof address === "object" && address !== null) boundPort = address.port;
  let closing: Promise<void> | undefined;

  return {
    url: `http://${HOST}:${boundPort}/`,
    listeners: streams.count,
    close() {
      closing ??= new Promise<void>((resolve) => {
        streams.close();
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}

/** Whether a Host header names this server by a loopback name. */
function isLoopback(host: string | undefined, port: number): boolean {
  return host === `127.0.0.1:${port}` || host === `localhost:${port}` || host === `[::1]:${port}`;
}

function reply(request: IncomingMessage, response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

function refuse(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  response.end(`${words}\n`);
}
