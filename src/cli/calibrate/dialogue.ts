import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Thrown when there will be no more answers: Ctrl-C, or the input ended. */
export class NoAnswer extends Error {}

/** Questions to one person, one at a time; answers are lines, from a keyboard or from a script. */
export interface Dialogue {
  say(text: string): void;
  /** One line, trimmed. Rejects with `NoAnswer` when there will be none. */
  ask(question: string): Promise<string>;
  /** Asks until the number lies within; `why` says what such a figure is. An empty answer gives `empty` where there is one. */
  number(
    question: string,
    within: { readonly least: number; readonly most: number; readonly unit: string; readonly empty?: number },
  ): Promise<number>;
  /** Rejects with `NoAnswer` when Ctrl-C is pressed, whatever goes on meanwhile. */
  readonly interrupted: Promise<never>;
  close(): void;
}

export function openDialogue(
  input: Readable & { readonly isTTY?: boolean },
  out: { write(text: string): unknown },
): Dialogue {
  const isTerminal = input.isTTY === true;
  const lines: string[] = [];
  const waiting: { resolve: (line: string) => void; reject: (e: Error) => void }[] = [];
  let ended = false;
  let stopped = false;
  let interrupt: (e: Error) => void = () => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = reject;
  });
  interrupted.catch(() => undefined);
  const reader = createInterface(isTerminal ? { input, output: process.stdout, terminal: true } : { input });
  reader.on("line", (line) => {
    // After Ctrl-C nothing is an answer any more.
    if (stopped) return;
    const next = waiting.shift();
    if (next === undefined) lines.push(line);
    else next.resolve(line);
  });
  function end(why: string): void {
    ended = true;
    for (const { reject } of waiting.splice(0)) reject(new NoAnswer(why));
  }
  reader.on("close", () => end("the answers have ended"));
  function stop(): void {
    stopped = true;
    lines.length = 0;
    interrupt(new NoAnswer("interrupted"));
    end("interrupted");
  }
  reader.on("SIGINT", stop);
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);

  async function ask(question: string): Promise<string> {
    if (isTerminal) reader.setPrompt(question);
    if (isTerminal) reader.prompt();
    else out.write(question);
    const given = lines.shift();
    if (given === undefined && ended) throw new NoAnswer("the answers have ended");
    const line = given ?? (await new Promise<string>((resolve, reject) => waiting.push({ resolve, reject })));
    // What a script answered is shown, so that what was said can be read later.
    if (!isTerminal) out.write(`${line}\n`);
    return line.trim();
  }

  return {
    say: (text) => void out.write(`${text}\n`),
    ask,
    async number(question, { least, most, unit, empty }) {
      for (;;) {
        const text = await ask(question);
        if (text === "" && empty !== undefined) return empty;
        const value = text === "" ? Number.NaN : Number(text.replace(",", "."));
        if (Number.isFinite(value) && value >= least && value <= most) return value;
        const found = text === "" ? "nothing" : `"${text.slice(0, 40)}"`;
        out.write(`  found ${found}, expected a number from ${least} to ${most} ${unit}\n`);
      }
    },
    interrupted,
    close() {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
      reader.close();
    },
  };
}
