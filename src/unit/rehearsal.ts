import { spawn } from "node:child_process";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { RingFrames } from "./ring-collector.ts";

/** Of a longer recording the start is replayed. */
const RECORDING_MAX_BYTES = 24 * 1024 * 1024;
/** A rehearsal that takes longer is ended, in ms. */
const LIMIT_MS = 60_000;
/** Heap of the process that replays, in MB. */
const HEAP_MB = 128;
/** Lines that are shown of the differences. */
const LINES_MAX = 60;
const LINE_MAX = 300;
const ANSWER_MAX = 4 * 1024 * 1024;

const flat = z.array(z.strictObject({ name: z.string(), text: z.string() })).min(1);
/** What the process that replays is asked, as one line; what was told of the rings follows it. */
export const rehearsalAsked = z.strictObject({
  /** A file of `swath record`; without one the rings are replayed. */
  recording: z.string().optional(),
  maxBytes: z.int().min(1),
  before: flat,
  after: flat,
  /** Lines of the answer at most. */
  most: z.int().min(2),
});
type Files = z.infer<typeof flat>;

const answered = z.discriminatedUnion("outcome", [
  z.strictObject({ outcome: z.literal("compared"), summary: z.string(), lines: z.array(z.string()) }),
  /** It could not be replayed even by what runs now: nothing is known. */
  z.strictObject({ outcome: z.literal("failed"), reason: z.string() }),
  /** What runs now replays it, and the new configuration does not. */
  z.strictObject({ outcome: z.literal("threw"), reason: z.string() }),
  /** What runs now makes usable values of it, and the new configuration makes none of a channel. */
  z.strictObject({ outcome: z.literal("useless"), reason: z.string() }),
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
 * Replays what the rings hold, and the newest recording where there is one, through what runs now and what is to run, in
 * processes of their own with bounded time, heap and input. Undefined where there is neither. Never rejects. Refused is a chain
 * that throws where the old one does not, or that makes nothing usable of a channel of which the old one does.
 */
export async function rehearse(options: {
  /** The script of the process that replays. */
  readonly entry: string;
  readonly dirs: readonly string[];
  /** What is in the rings; undefined where no sampler runs. */
  readonly rings?: RingFrames | undefined;
  readonly before: Files;
  readonly after: Files;
  /** Resolves when the unit is to end: nobody waits for a rehearsal then. */
  readonly asked: Promise<void>;
  readonly limitMs?: number;
}): Promise<Rehearsed | undefined> {
  const { dirs, rings } = options;
  const recording = await newestRecording(dirs);
  const most = recording === undefined || rings === undefined ? LINES_MAX : LINES_MAX / 2;
  const results: Rehearsed[] = [];
  if (rings !== undefined) results.push(await withRings(options, rings, most));
  if (recording !== undefined && results[0]?.refused === undefined)
    results.push(await withRecording(options, recording, most));
  if (results.length === 0) return undefined;
  const refused = results.find((r) => r.refused !== undefined)?.refused;
  return {
    ...(refused === undefined ? {} : { refused }),
    summary: results.map((r) => r.summary).join("; "),
    lines: results.flatMap((r) => r.lines),
  };
}

type Options = Parameters<typeof rehearse>[0];

async function withRings(options: Options, rings: RingFrames, most: number): Promise<Rehearsed> {
  if ("missing" in rings) return judge({ outcome: "failed", reason: rings.missing }, "the rings");
  return judge(await ask(options, { most }, rings.frames), "the rings");
}

async function withRecording(options: Options, recording: string, most: number): Promise<Rehearsed> {
  const name = recording.slice(recording.lastIndexOf("/") + 1);
  return judge(await ask(options, { recording, most }, []), name);
}

/** What an answer means; `of` is what was replayed. */
function judge(answer: RehearsalAnswer, of: string): Rehearsed {
  if (answer.outcome === "threw") {
    const refused = `it throws when ${of} ${of === "the rings" ? "are" : "is"} replayed through it, and what runs now does not: ${answer.reason}`;
    return { refused, summary: refused, lines: [] };
  }
  if (answer.outcome === "useless") {
    const refused = `replayed with ${of}: ${answer.reason}. Where that is right because of how the machine stood, deliver it again while it works`;
    return { refused, summary: refused, lines: [] };
  }
  if (answer.outcome === "failed") {
    const summary = `not rehearsed, ${of}: ${answer.reason}`.slice(0, LINE_MAX);
    return { summary, lines: [summary] };
  }
  const shown = answer.lines.slice(0, LINES_MAX).map((line) => line.slice(0, LINE_MAX));
  return { summary: answer.summary.slice(0, LINE_MAX), lines: [`Rehearsed with ${of}:`, ...shown] };
}

function ask(
  { entry, before, after, asked, limitMs = LIMIT_MS }: Options,
  about: { readonly recording?: string; readonly most: number },
  frames: readonly Uint8Array[],
): Promise<RehearsalAnswer> {
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
    child.stdin.write(`${JSON.stringify({ ...about, maxBytes: RECORDING_MAX_BYTES, before, after })}\n`);
    for (const frame of frames) child.stdin.write(frame);
    child.stdin.end();
  });
}

function readAnswer(text: string): RehearsalAnswer {
  try {
    return answered.parse(JSON.parse(text));
  } catch {
    return { outcome: "failed", reason: "the replay gave no answer" };
  }
}
