import type { KeyObject } from "node:crypto";
import { openSigned } from "../codec/signed-text.ts";
import { type CmdText, cmdText, type RspMessage, rspMessage } from "../model/downlink.ts";

/** What came of a command, before it is an answer. */
export type Outcome = Omit<RspMessage, "v" | "id">;

/** What a run remembers of commands, durably. */
export interface CommandMemory {
  /** The greatest serial that was begun. */
  readonly serial: number;
  /** The newest answers, oldest first. */
  readonly answers: RspMessage[];
}

/** Answers kept, so that a command that is repeated is answered and not done again. */
const ANSWERS_MAX = 8;
/** Commands that wait for the one being done; HQ sends again what is dropped. */
const WAITING_MAX = 16;

/**
 * Does what HQ asks, once: signed, for this unit, not expired, newer than all before. Every command that is HQ's gets an
 * answer, a refusal too; what is not HQ's gets none, is counted, and told once per reason.
 */
export function createCommands(options: {
  readonly unit: string;
  readonly keys: readonly KeyObject[];
  /** UTC in ms, while it is known. */
  readonly utcMs: () => number | undefined;
  readonly ops: Readonly<Record<CmdText["op"], (args: CmdText["args"]) => Outcome | Promise<Outcome>>>;
  readonly memory: CommandMemory | undefined;
  /** Makes the memory durable. Never rejects. */
  readonly keep: () => Promise<void>;
  readonly answer: (payload: Uint8Array) => void;
  /** A message that is not believed; told once per reason. */
  readonly refused: (reason: string) => void;
  readonly done: (op: string, serial: number, ok: boolean, reason: string) => void;
}) {
  let serial = options.memory?.serial ?? 0;
  let answers = [...(options.memory?.answers ?? [])];
  const underway = new Set<string>();
  const told = new Set<string>();
  let refusedCount = 0;
  let turn: Promise<unknown> = Promise.resolve();

  function refuse(reason: string): void {
    refusedCount += 1;
    if (told.has(reason) || told.size >= 50) return;
    told.add(reason);
    options.refused(reason);
  }

  function say(rsp: RspMessage): void {
    options.answer(Buffer.from(JSON.stringify(rsp)));
  }

  async function remember(id: string, outcome: Outcome): Promise<void> {
    const rsp = rspMessage.parse({ v: 1, id, ...outcome });
    answers = [...answers.filter((a) => a.id !== id), rsp].slice(-ANSWERS_MAX);
    await options.keep();
    say(rsp);
  }

  async function obey(cmd: CmdText): Promise<void> {
    const known = answers.find((a) => a.id === cmd.id);
    if (known !== undefined) return say(known);
    const outcome = (await tooLate(cmd)) ?? (await run(cmd));
    options.done(cmd.op, cmd.serial, outcome.ok, outcome.reason);
    await remember(cmd.id, outcome);
  }

  async function tooLate(cmd: CmdText): Promise<Outcome | undefined> {
    const utcMs = options.utcMs();
    if (cmd.serial <= serial)
      return { ok: false, reason: `serial ${cmd.serial} is not newer than ${serial}, which was done before` };
    if (utcMs !== undefined && utcMs >= Date.parse(cmd.expires))
      return { ok: false, reason: `expired at ${cmd.expires}; here it is ${new Date(utcMs).toISOString()}` };
    return undefined;
  }

  async function run(cmd: CmdText): Promise<Outcome> {
    // Durable before it is done: a crash in the middle must not do it twice.
    serial = cmd.serial;
    await options.keep();
    try {
      return await options.ops[cmd.op](cmd.args);
    } catch (error) {
      return {
        ok: false,
        reason: `it failed: ${error instanceof Error ? error.message : String(error)}`.slice(0, 500),
      };
    }
  }

  return {
    /** A message of the topic `cmd`. Resolves when it is answered or refused. */
    async heard(payload: Uint8Array, retained: boolean): Promise<void> {
      if (retained) return refuse("cmd: a retained one is ignored");
      const opened = openSigned(payload, options.keys);
      if ("refused" in opened) return refuse(`cmd: ${opened.refused}`);
      const parsed = cmdText.safeParse(opened.value);
      if (!parsed.success) return refuse("cmd: what was signed is not a command");
      const cmd = parsed.data;
      if (cmd.unit !== options.unit) return refuse(`cmd is for the unit ${cmd.unit}`);
      if (underway.has(cmd.id)) return;
      if (underway.size >= WAITING_MAX) return refuse("cmd: too many wait already");
      underway.add(cmd.id);
      turn = turn.then(() => obey(cmd)).finally(() => underway.delete(cmd.id));
      await turn;
    },
    get memory(): CommandMemory {
      return { serial, answers: [...answers] };
    },
    get refusedCount(): number {
      return refusedCount;
    },
  };
}
