import { readFileSync } from "node:fs";
import type { Logger } from "pino";
import { startCabServer } from "../cab/server.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import type { Row } from "../link/frame.ts";
import type { MarkKind } from "../model/operator.ts";
import { createOperatorFacts, type OperatorSource } from "./operator-facts.ts";
import type { TableSpec } from "./recorder.ts";
import type { Timebase } from "./timebase.ts";

/** The page in the cab as the unit runs it: fed with rows and events, closed with the unit. */
export interface Cab {
  row(row: Row): void;
  event(event: { name: string; mono: number; detail: Readonly<Record<string, unknown>> }): void;
  close(): Promise<void>;
}

/** Starts the page, if the configuration has one. A port that is taken costs the page and nothing else. */
export async function startCab(options: {
  readonly config: LoadedConfig;
  readonly tables: readonly TableSpec[];
  readonly timebase: Timebase;
  readonly log: Logger;
  readonly mark: (monoMs: number, kind: MarkKind) => Promise<unknown>;
  readonly source: OperatorSource;
}): Promise<Cab | undefined> {
  const { config, tables, timebase, log, source } = options;
  const { cab } = config;
  if (cab === undefined) return undefined;
  const facts = createOperatorFacts({ config, shown: cab, tables, timebase, source });
  try {
    const server = await startCabServer({
      ...cab,
      ...(cab.tokenFile === undefined ? {} : { token: tokenIn(cab.tokenFile) }),
      view: () => facts.view(),
      mark: async (kind) => {
        const monoMs = source.nowMs();
        await options.mark(monoMs, kind);
        facts.marked(kind, monoMs);
      },
      nowMs: () => performance.now(),
    });
    log.info({ url: server.url }, "the page in the cab");
    return { row: facts.row, event: (event) => facts.event(event), close: () => server.close() };
  } catch (error) {
    log.error({ err: error, port: cab.port }, "there is no page in the cab: check cab.port and cab.tokenFile");
    return undefined;
  }
}

/** The first line of the file. An empty token would let everybody in, so it is none. */
function tokenIn(file: string): string {
  const token = readFileSync(file, "utf8").split(/\r?\n/, 1)[0]!.trim();
  if (token.length < 8) throw new Error(`${file}: expected a token of at least 8 letters in its first line`);
  return token;
}
