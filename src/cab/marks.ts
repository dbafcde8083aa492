import { z } from "zod";
import { MARK_KINDS, type MarkKind } from "../model/operator.ts";
import { jsonOf } from "./json.ts";

/** What the page sends when a button is pressed: `id` is its own, so that a press that is sent twice is one mark. */
const press = z.strictObject({ kind: z.enum(MARK_KINDS), id: z.string().regex(/^[A-Za-z0-9-]{8,64}$/) });

/** Presses remembered by their ids. */
const REMEMBERED = 200;
/** More presses than this in a minute are no operator. */
const PER_MINUTE = 30;
const MINUTE_MS = 60_000;

export type Answer = { readonly status: 200 | 400 | 429 | 503; readonly words: string };

/** Takes presses of the mark buttons; `mark` resolves when the mark is durable. */
export function createMarks(options: {
  readonly mark: (kind: MarkKind) => Promise<unknown>;
  readonly nowMs: () => number;
}) {
  const taken = new Map<string, Promise<unknown>>();
  let times: number[] = [];

  return {
    async press(body: string): Promise<Answer> {
      const parsed = press.safeParse(jsonOf(body));
      if (!parsed.success) return { status: 400, words: "Expected { kind, id }." };
      const { kind, id } = parsed.data;
      let mark = taken.get(id);
      if (mark === undefined) {
        const nowMs = options.nowMs();
        times = times.filter((ms) => nowMs - ms < MINUTE_MS);
        if (times.length >= PER_MINUTE) return { status: 429, words: "Too many marks in a minute." };
        times.push(nowMs);
        mark = options.mark(kind);
        taken.set(id, mark);
        if (taken.size > REMEMBERED) taken.delete(taken.keys().next().value!);
      }
      try {
        await mark;
        return { status: 200, words: "Marked." };
      } catch {
        taken.delete(id);
        return { status: 503, words: "The mark could not be stored." };
      }
    },
  };
}
