import { spawn } from "node:child_process";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** Of a longer recording the start is replayed. */
const RECORDING_MAX_BYTES = 24 * 1024 * 1024;
/** A rehearsal that takes longer is ended, in ms. */
const LIMIT_MS = 60_000;
/** Heap of the process that replays, in MB. */
const HEAP_MB = 128;
/** Lines that are shown of the differences. */
export const LINES_MAX = 60;
const LINE_MAX = 300;
const ANSWER_MAX = 4 * 1024 * 1024;

const flat = z.array(z.strictObject({ name: z.string(), text: z.string() })).min(1);
/** What the process that replays is asked. */
export const rehearsalAsked = z.strictObject({
  recording: z.string(),
  maxBytes: z.int().min(1),
  before: flat,
  after: flat,
});
type Files = z.infer<typeof flat>;

const answered = z.discriminatedUnion("outcome", [
  z.strictObject({ outcome: z.literal("compared"), summary: z.string(), lines: z.array(z.string()) }),
  /** The recording could not be replayed even by what runs now: nothing is known. */
  z.strictObject({ outcome: z.literal("failed"), reason: z.string() }),
  /** What runs now replays it, and the new configuration does not. */
  z.strictObject({ outcome: z.literal("threw"), reason: z.string() }),
]);
export type RehearsalAnswer = z.infer<typeof answered>;

/** What a rehearsal came to. */
export interface Rehearsed {
  /** Why the new configuration must not run; undefined when nothing speaks against it. */
  readonly refused?: string;
  /** One short line. */
  readonly summary: string;
  /** For the maintainer: a title and at most 60 lines. */
  readonly lines: readonly string[];
}

/** The newest plain file `*.rec` in any of the folders. */
export async function newestRecording(dirs: readonly string[]): Promise<string | undefined> {
  let newest: { readonly path: string; readonly mtimeMs: number } | undefined;
  for (const dir of dirs) {
    const names = await readdir(dir).catch(() => []);
    for (const name of names.filter((n) => n.endsWith(".rec")).slice(0, 1000)) {
      const path = join(dir, name);
      const found = await lstat(path).catch(() => undefined);
      if (found?.isFile() && found.mtimeMs > (newest?.mtimeMs ?? -Infinity)) newest = { path, mtimeMs: found.mtimeMs };
    }
  }
  return newest?.path;
}

/**
 * Replays the newest recording through what runs now and what is to run, in a process of its own with bounded time, heap and
 * input. Undefined where there is no recording. Never rejects: only a new chain that throws where the old one does not is refused.
 */
export async function rehearse(options: {
  /** The script of the process that replays. */
  readonly entry: string;
  readonly dirs: readonly string[];
  readonly before: Files;
  readonly after: Files;
  /** Resolves when the unit is to end: nobody waits for a rehearsal then. */
  readonly asked: Promise<void>;
  readonly limitMs?: number;
}): Promise<Rehearsed | undefined> {
  const recording = await newestRecording(options.dirs);
  if (recording === undefined) return undefined;
  const { entry, before, after, asked, limitMs = LIMIT_MS } = options;
  const question = JSON.stringify({ recording, maxBytes: RECORDING_MAX_BYTES, before, after });
  const answer = await ask(entry, question, asked, limitMs);
  const name = recording.slice(recording.lastIndexOf("/") + 1);
  if (answer.outcome === "threw") {
    const refused = `it throws when ${name} is replayed through it, and what runs now does not: ${answer.reason}`;
    return { refused, summary: refused, lines: [] };
  }
  if (answer.outcome === "failed") {
    const summary = `not rehearsed, ${name}: ${answer.reason}`.slice(0, LINE_MAX);
    return { summary, lines: [summary] };
  }
  const shown = answer.lines.slice(0, LINES_MAX).map((line) => line.slice(0, LINE_MAX));
  return { summary: answer.summary.slice(0, LINE_MAX), lines: [`Rehearsed with ${name}:`, ...shown] };
}

function ask(entry: string, question: string, asked: Promise<void>, limitMs: number): Promise<RehearsalAnswer> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MB}`, entry], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    let text = "";
    function end(answer: RehearsalAnswer): void {
      clearTimeout(timer);
      child.kill("SIGKILL");
      done(answer);
    }
    const failed = (reason: string) => end({ outcome: "failed", reason });
    const timer = setTimeout(() => failed(`it was not through after ${limitMs / 1000} s`), limitMs);
    void asked.then(() => failed("the unit was asked to end"));
    child.once("error", (e) => failed(e.message));
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (text.length > ANSWER_MAX) failed("it said too much");
    });
    child.once("close", (code, signal) => {
      if (code !== 0) return failed(`the replay ended with ${signal ?? code}`);
      end(readAnswer(Buffer.from(text, "latin1").toString("utf8")));
    });
    // A process that ended early is told of by its end.
    child.stdin.on("error", () => undefined);
    child.stdin.end(question);
  });
}

function readAnswer(text: string): RehearsalAnswer {
  try {
    return answered.parse(JSON.parse(text));
  } catch {
    return { outcome: "failed", reason: "the replay gave no answer" };
  }
}
