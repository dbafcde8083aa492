import { dirname, join } from "node:path";
import { isLoopback, refuse, reply, startPageHttp } from "../web/page-http.ts";
import { loadStaticFiles, packageRoot, vendorFile } from "../web/static-files.ts";
import { createFleetStreams, summaryOf } from "./event-stream.ts";
import type { RulesView, Tidings } from "./page/view.ts";
import type { Subscriber } from "./subscriber.ts";
import { createCursor, patchOf } from "./unit-view.ts";

export interface PageServerOptions {
  /** 0 takes a free port. */
  readonly port: number;
  readonly subscriber: Subscriber;
  /** What people call a machine, by its id. */
  readonly machineNames?: Readonly<Record<string, string>>;
  /** The page says that this HQ keeps nothing. */
  readonly demo?: boolean;
}

export interface PageServer {
  readonly url: string;
  /** Pages that listen now. */
  listeners(): number;
  /** Ends open streams and frees the port, within 500 ms. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";

function pageFiles() {
  const sources = join(packageRoot(), "src/hq/page");
  const uplot = dirname(vendorFile("uplot"));
  return loadStaticFiles(
    {
      "/": join(sources, "index.html"),
      "/style.css": join(sources, "style.css"),
      "/tables.css": join(sources, "tables.css"),
      "/icon.svg": join(packageRoot(), "src/web/icon.svg"),
      "/vendor/uplot.js": join(uplot, "uPlot.esm.js"),
      "/vendor/uplot.css": join(uplot, "uPlot.min.css"),
    },
    join(packageRoot(), "dist/src/hq/page"),
  );
}

/** Serves the page, its stream `/events` and `GET /api/state` on the loopback address. Nothing here changes anything. */
export async function startPageServer(options: PageServerOptions): Promise<PageServer> {
  const { port, subscriber } = options;
  const rules: RulesView = {
    ...subscriber.fleet.rules,
    machineNames: options.machineNames ?? {},
    demo: options.demo ?? false,
  };
  const streams = createFleetStreams(subscriber, rules);

  function snapshot(): Tidings {
    const units = [...subscriber.fleet.units.values()].flatMap((unit) => patchOf(unit, createCursor()) ?? []);
    return { ...summaryOf(subscriber), rules, units };
  }

  const http = await startPageHttp({
    host: HOST,
    port,
    mayName: isLoopback,
    files: pageFiles(),
    route(request, response, path) {
      if (path === "/events" && request.method === "GET") {
        if (streams.attach(request, response)) return true;
        response.setHeader("retry-after", "5");
        refuse(response, 503, "Too many pages listen already.");
        return true;
      }
      if (path !== "/api/state" || (request.method !== "GET" && request.method !== "HEAD")) return false;
      reply(request, response, "application/json; charset=utf-8", JSON.stringify(snapshot()));
      return true;
    },
  });

  return {
    url: `http://${HOST}:${http.port}/`,
    listeners: streams.count,
    close() {
      streams.close();
      return http.close();
    },
  };
}
