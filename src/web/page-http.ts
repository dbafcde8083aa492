import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { StaticFile } from "./static-files.ts";

export interface PageHttpOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Whether a Host header may name this server: without the check a page elsewhere could read it through a name it controls. */
  readonly mayName: (host: string | undefined, port: number) => boolean;
  readonly files: ReadonlyMap<string, StaticFile>;
  /** Answers what is no file; false when there is nothing of that path and method. */
  readonly route: (request: IncomingMessage, response: ServerResponse, path: string) => boolean;
}

export interface PageHttp {
  readonly port: number;
  /** Frees the port and lets every connection go. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;

/** What every answer says: nothing from elsewhere, nothing inline, nobody may frame it. */
const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** Serves a page's files and its routes; a GET never changes anything. Rejects when the port cannot be taken. */
export async function startPageHttp(options: PageHttpOptions): Promise<PageHttp> {
  let boundPort = options.port;

  function answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const path = (request.url ?? "/").split("?", 1)[0]!;
    const reads = request.method === "GET" || request.method === "HEAD";
    const file = options.files.get(path);
    if (!options.mayName(request.headers.host, boundPort)) {
      refuse(response, 421, "This page is not served under that name.");
    } else if (reads && file !== undefined) {
      reply(request, response, file.type, file.body);
    } else if (!options.route(request, response, path)) {
      if (reads) refuse(response, 404, "There is nothing here.");
      else {
        response.setHeader("allow", "GET, HEAD");
        refuse(response, 405, "This path only answers GET.");
      }
    }
  }

  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8192 }, answer);
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", () => {});
  const address = server.address();
  if (typeof address === "object" && address !== null) boundPort = address.port;
  let closing: Promise<void> | undefined;

  return {
    port: boundPort,
    close() {
      closing ??= new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}

/** Whether a Host header names this server by a loopback name. */
export function isLoopback(host: string | undefined, port: number): boolean {
  return host === `127.0.0.1:${port}` || host === `localhost:${port}` || host === `[::1]:${port}`;
}

/** Answers with a body that must not be kept by anybody. */
export function reply(request: IncomingMessage, response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Answers with a status and one line of words. */
export function refuse(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  response.end(`${words}\n`);
}
