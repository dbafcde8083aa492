import { open, readFile, rename, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { rspMessage } from "../model/downlink.ts";
import { LANES } from "../model/record.ts";

/** What one run of the unit leaves for the next. */
const runFacts = z.object({
  v: z.literal(1),
  boot: z.string().optional().describe("id of the boot of the computer it ran in"),
  ended: z.boolean().default(false).describe("it was stopped in order"),
  undervoltage: z.boolean().default(false).describe("the supply was too low when this was written"),
  ignition: z
    .enum(["on", "off"])
    .optional()
    .describe("the ignition when this was written, where it is sensed and known"),
  utcMs: z.number().min(0).default(0).describe("a time that has certainly passed; also the time of the file itself"),
  sent: z
    .record(z.string(), z.partialRecord(z.enum(LANES), z.int().min(0)))
    .default({})
    .describe("up to which number the broker has had each lane, by spool id"),
  commands: z
    .object({ serial: z.int().min(0), answers: z.array(rspMessage).max(64) })
    .optional()
    .describe("the newest serial that was begun, and the newest answers"),
});
export type RunFacts = z.output<typeof runFacts>;

const KEEP_MS = 60_000;

/** Writes a small file so that a power cut leaves the old one or the new one, whole. Its own time is `utcMs`. */
async function replaceFile(path: string, text: string, utcMs: number): Promise<void> {
  const next = `${path}.new`;
  const file = await open(next, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  // Read at boot, before anything of ours runs, by the service that sets a clock that is in the past.
  if (utcMs > 0) await utimes(next, utcMs / 1000, utcMs / 1000);
  await rename(next, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * The file in which a run leaves what the next one must know. Written once a minute when something changed, so a card bears
 * it; without it, or when it is damaged, the unit starts as a new one does.
 */
export async function openRunFile(options: {
  readonly path: string;
  readonly failed: (error: unknown) => void;
}): Promise<{
  /** What the run before left, if it left anything readable. */
  readonly previous: RunFacts | undefined;
  /** Keeps `facts` once a minute; the function returned keeps them a last time and ends it. */
  keep(facts: () => Omit<RunFacts, "v">): () => Promise<void>;
  /** Keeps them now. Never rejects. */
  keepNow(): Promise<void>;
}> {
  const { path } = options;
  const parsed = runFacts.safeParse(
    await readFile(path, "utf8")
      .then(JSON.parse)
      .catch(() => undefined),
  );
  let facts: (() => Omit<RunFacts, "v">) | undefined;
  let written = "";
  let failing = false;
  let turn: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    if (facts === undefined) return;
    const now = facts();
    const text = JSON.stringify({ v: 1, ...now });
    if (text === written) return;
    try {
      await replaceFile(path, text, now.utcMs);
      written = text;
      failing = false;
    } catch (error) {
      if (!failing) options.failed(error);
      failing = true;
    }
  }
  const keepNow = (): Promise<void> => {
    turn = turn.then(write);
    return turn;
  };

  return {
    previous: parsed.success ? parsed.data : undefined,
    keep(next) {
      facts = next;
      const timer = setInterval(keepNow, KEEP_MS);
      return () => {
        clearInterval(timer);
        return keepNow();
      };
    },
    keepNow,
  };
}
