import type { IncomingMessage, ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import type { MarkKind } from "../model/operator.ts";
import { createEventStreams } from "../web/event-streams.ts";
import { refuse, reply, startPageHttp } from "../web/page-http.ts";
import { loadStaticFiles, packageRoot, vendorFile } from "../web/static-files.ts";
import { createGate, isAddressed } from "./gate.ts";
import { createMarks } from "./marks.ts";
import type { CabSetup, CabView } from "./page/view.ts";
import { loadWords } from "./words.ts";

export interface CabOptions {
  /** Address to listen on: loopback, or that of the cab's own network. */
  readonly listen: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** What a browser must show first; without it anybody who reaches the address may look and mark. */
  readonly token?: string;
  /** Code of the language to begin with. */
  readonly language: string;
  /** A folder with more languages. */
  readonly languagesDir?: string | undefined;
  /** What is shown now; asked a few times a second while somebody looks. */
  readonly view: () => CabView;
  /** Stores an operator's mark; resolves when it is durable. */
  readonly mark: (kind: MarkKind) => Promise<unknown>;
  readonly nowMs: () => number;
}

export interface CabServer {
  readonly url: string;
  close(): Promise<void>;
}

const JSON_TYPE = "application/json; charset=utf-8";
/** Longest body of a POST, in bytes. */
const BODY_MAX = 1024;
const FONTS = { regular: 400, bold: 700 } as const;

function pageFiles() {
  const sources = join(packageRoot(), "src/cab/page");
  const fonts = join(dirname(vendorFile("@fontsource/noto-sans-khmer/package.json")), "files");
  const font = (script: string, weight: number) => join(fonts, `noto-sans-khmer-${script}-${weight}-normal.woff2`);
  return loadStaticFiles(
    {
      "/": join(sources, "index.html"),
      "/style.css": join(sources, "style.css"),
      "/icon.svg": join(packageRoot(), "src/web/icon.svg"),
      ...Object.fromEntries(
        Object.entries(FONTS).flatMap(([name, weight]) =>
          ["khmer", "latin"].map((script) => [`/fonts/${script}-${name}.woff2`, font(script, weight)]),
        ),
      ),
    },
    join(packageRoot(), "dist/src/cab/page"),
  );
}

/**
 * Serves the page in the cab. It only shows, but for the mark buttons; nothing is fetched from elsewhere, and no GET changes
 * anything. Rejects when the port is taken or a language file is wrong.
 */
export async function startCabServer(options: CabOptions): Promise<CabServer> {
  const words = loadWords(join(packageRoot(), "src/cab/page/languages"), options.languagesDir);
  const gate = createGate(options.token, options.nowMs);
  const marks = createMarks({ mark: options.mark, nowMs: options.nowMs });
  const streams = createEventStreams<{ last: string }>({
    newSeen: () => ({ last: "" }),
    tidings(seen, due) {
      const view = options.view();
      const { onS: _, ...shift } = view.shift;
      const key = JSON.stringify({ ...view, shift, marks: view.marks.map((m) => m.kind), clock: view.clock.trust });
      if (!due && key === seen.last) return undefined;
      seen.last = key;
      return view;
    },
  });
  const setup: CabSetup = {
    languages: [...words].map(([code, own]) => ({ code, name: own["language"] ?? code })),
    language: words.has(options.language) ? options.language : "en",
  };

  function read(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const language = /^\/words\/([a-z]{2,8})\.json$/.exec(path)?.[1];
    if (path === "/api/setup") reply(request, response, JSON_TYPE, JSON.stringify(setup));
    else if (language !== undefined && words.has(language))
      reply(request, response, JSON_TYPE, JSON.stringify(words.get(language)));
    else if (path !== "/events" && path !== "/api/view") return false;
    else if (!gate.isOpen(request)) refuse(response, 401, "Show the unit's token first.");
    else if (path === "/api/view") reply(request, response, JSON_TYPE, JSON.stringify(options.view()));
    else if (request.method === "HEAD" || !streams.attach(request, response)) {
      response.setHeader("retry-after", "5");
      refuse(response, 503, "Too many pages listen already.");
    }
    return true;
  }

  async function write(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) {
      response.setHeader("connection", "close");
      return refuse(response, 413, "That is too long.");
    }
    if (path === "/api/enter") {
      const cookie = gate.enter(body);
      if (cookie === undefined) return refuse(response, 401, "That is not the unit's token.");
      response.setHeader("set-cookie", cookie);
      return reply(request, response, "text/plain; charset=utf-8", "Welcome.\n");
    }
    if (!gate.isOpen(request)) return refuse(response, 401, "Show the unit's token first.");
    const { status, words: said } = await marks.press(body);
    if (status === 200) reply(request, response, "text/plain; charset=utf-8", `${said}\n`);
    else refuse(response, status, said);
  }

  const http = await startPageHttp({
    host: options.listen,
    port: options.port,
    mayName: isAddressed,
    files: pageFiles(),
    route(request, response, path) {
      if (request.method === "GET" || request.method === "HEAD") return read(request, response, path);
      if (request.method !== "POST" || (path !== "/api/mark" && path !== "/api/enter")) return false;
      if (!isOwnPage(request)) refuse(response, 403, "Only this page may send that.");
      else
        write(request, response, path).catch(() => {
          if (!response.headersSent) refuse(response, 400, "The request broke off.");
        });
      return true;
    },
  });
  const shown = options.listen === "0.0.0.0" || options.listen === "::" ? "127.0.0.1" : options.listen;
  return {
    url: `http://${shown.includes(":") ? `[${shown}]` : shown}:${http.port}/`,
    close() {
      streams.close();
      return http.close();
    },
  };
}

/** Whether a POST comes from the page itself: its origin is this server, and its type is one no plain form can send. */
function isOwnPage(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  return origin === `http://${host}` && request.headers["content-type"] === "application/json";
}

/** The whole body; undefined when it is longer than allowed. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The socket stays open where reading ends early: the answer still has to go out.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
