import { LANES } from "../../src/model/lane.ts";
import { openSpool, type Spool, type StageMark } from "../../src/spool/spool.ts";
import { type Checked, checkSpool, type Held } from "./cut-check.ts";
import { Ledger, type Point, ROWS, stricter } from "./cut-ledger.ts";
import { ModelFiles, type Random, random } from "./model-files.ts";

/** What a series of cuts came to. From `lost` to `notOpened` everything must be 0. */
export interface CutFigures extends Checked {
  /** States that a cut left, each different from every other, recovered and checked. */
  cuts: number;
  /** Of them: found by a cut in the middle of recovering another; left by a kill of only the process. */
  duringRecovery: number;
  killed: number;
  /** Cuts that left a state which was counted already; not counted again. */
  alike: number;
}

/** True when nothing went wrong. */
export function unharmed(f: Checked): boolean {
  return f.lost + f.torn + f.invented + f.doubled + f.reused + f.stagedLost + f.stagedDoubled + f.notOpened === 0;
}

const clock = { monoMs: () => 0 };

/** A state that a cut left, and what was promised by then. */
interface Fork {
  readonly files: ModelFiles;
  readonly killed: boolean;
  point: Point;
}

/** One run: the lives of one spool. States are told apart within it; another run's spool has another id. */
interface Run {
  readonly ledger: Ledger;
  readonly rng: Random;
  /** Little room, so that records are dropped and thinned. */
  readonly tight: boolean;
  readonly known: Set<string>;
  readonly f: CutFigures;
  readonly cuts: number;
}

/** Adds `more` to `sum`. */
export function addFigures(sum: CutFigures, more: CutFigures): void {
  for (const key of Object.keys(sum) as (keyof CutFigures)[])
    if (key === "firstFailure") sum.firstFailure ??= more.firstFailure;
    else sum[key] += more[key];
}

export function noCuts(): CutFigures {
  return {
    cuts: 0,
    duringRecovery: 0,
    killed: 0,
    alike: 0,
    acknowledged: 0,
    recovered: 0,
    gaps: 0,
    dropped: 0,
    lost: 0,
    torn: 0,
    invented: 0,
    doubled: 0,
    reused: 0,
    stagedLost: 0,
    stagedDoubled: 0,
    notOpened: 0,
    firstFailure: undefined,
  };
}

/**
 * Cuts power at operations of a model file system under a random load, recovers and checks what was promised. Deterministic
 * for a seed, but for the ids and nonces that the spool draws.
 */
export async function modelCuts(o: { cuts: number; seed: number; syncIgnored?: boolean }): Promise<CutFigures> {
  const rng = random(o.seed);
  const f = noCuts();
  while (f.cuts < o.cuts) {
    let files = new ModelFiles();
    files.syncIgnored = o.syncIgnored ?? false;
    const tight = rng() < 0.01;
    const run: Run = { ledger: new Ledger(), rng, tight, known: new Set(), f, cuts: o.cuts };
    const lives = 1 + Math.floor(rng() * 4);
    for (let life = 0; life < lives && f.cuts < o.cuts; life++) {
      const next = await live(files, run);
      if (next === undefined) break;
      files = next;
    }
  }
  return f;
}

/** Cuts at an operation with this probability, then so often at once: each leaves another part of what is not synced. */
const SHARE = 0.5;
const AT_ONCE = 4;

/** Has `draw` called before operations of `files` where a cut may leave something new. */
function cutAtRandom(
  files: ModelFiles,
  run: Run,
  share: number,
  draw: (left: ModelFiles, killed: boolean) => void,
): void {
  let seen = -1;
  files.onOp = () => {
    const unsynced = files.unsynced;
    if ((!unsynced && files.mutations === seen) || run.rng() >= share) return;
    seen = files.mutations;
    for (let n = unsynced ? Math.floor(run.rng() * AT_ONCE) : 0; n >= 0; n--) {
      const killed = run.rng() < 0.1;
      draw(killed ? files.kill() : files.cut(run.rng), killed);
    }
  };
}

/** Runs a random load from `files`, checks every cut, and returns a file system for the next life. */
async function live(files: ModelFiles, run: Run): Promise<ModelFiles | undefined> {
  const { ledger, rng, tight, f } = run;
  const forks = new Map<string, Fork>();
  const draw = (left: ModelFiles, killed: boolean): void => {
    const key = `${left.key()} ${killed}`;
    const alike = forks.get(key);
    // What a killed process has left looks the same before and after a sync; only what was promised at first holds for both.
    if (alike !== undefined && !killed) alike.point = stricter(alike.point, ledger.point);
    if (run.known.has(key)) f.alike++;
    else forks.set(key, { files: left, killed, point: ledger.point });
    run.known.add(key);
  };
  cutAtRandom(files, run, tight ? SHARE / 25 : SHARE, draw);
  await load(await open(files), run);
  files.onOp = undefined;
  draw(files.cut(rng), false);
  const all = [...forks.values()];
  const chosen = all[Math.floor(rng() * all.length)];
  for (const fork of all) if (fork !== chosen && f.cuts < run.cuts) await recover(fork, run);
  if (chosen === undefined) return undefined;
  // The next life begins with a cut, and keeps only what was known then.
  const held = await recover(chosen, run);
  if (held === undefined) return undefined;
  ledger.resume(chosen.point, held);
  return chosen.files.cut(rng);
}

/** Opens what a cut has left and checks it; then what cuts during this recovery have left, and so on. */
async function recover(fork: Fork, run: Run, depth = 0): Promise<Held | undefined> {
  const again: Fork[] = [];
  const draw = (files: ModelFiles, killed: boolean): void => {
    const key = `${files.key()} ${killed}`;
    if (run.known.has(key)) run.f.alike++;
    else again.push({ files, killed, point: fork.point });
    run.known.add(key);
  };
  if (depth < 3) cutAtRandom(fork.files, run, 0.01, draw);
  const spool = await open(fork.files);
  fork.files.onOp = undefined;
  run.f.cuts++;
  if (depth > 0) run.f.duringRecovery++;
  if (fork.killed) run.f.killed++;
  const held = await checkSpool(spool, run.ledger, fork.point, run.rng, run.tight, run.f);
  for (const next of again) await recover(next, run, depth + 1);
  return held;
}

function open(files: ModelFiles): Promise<Spool> {
  return openSpool({ dir: "/spool", files, clock, maxBytes: 1024 * 1024 });
}

async function load(spool: Spool, { ledger, rng, tight }: Run): Promise<void> {
  let marks: { mark: StageMark; id: number }[] = [];
  for (const s of spool.staged()) marks.push({ mark: s.mark, id: ledger.idOf(s.rows) });
  const size = (): number => (tight ? 3000 + Math.floor(rng() * 4000) : 12 + Math.floor(rng() ** 8 * 4000));
  const append = (lane: number, mark?: StageMark, replaces?: readonly number[]): void => {
    const { id, body } = ledger.issue(lane, size(), replaces);
    void spool
      .append(LANES[lane]!, body, { ...(mark && { supersedes: mark }), weight: rng(), keep: rng() < 0.1 })
      .then((seq) => ledger.acknowledge(id, seq));
  };
  const steps = tight ? 80 : 5 + Math.floor(rng() * 30);
  for (let step = 0; step < steps; step++) {
    for (let n = Math.floor(rng() * 4); n >= 0; n--) append(Math.floor(rng() * 3));
    const wait: Promise<unknown>[] = [];
    const rows = rng();
    if (rows < 0.5) {
      const { id, body } = ledger.issue(ROWS, 12 + Math.floor(rng() * 200));
      const staged = spool.stage(body).then((mark) => {
        ledger.acknowledgeRows(id);
        marks.push({ mark, id });
      });
      wait.push(staged);
    } else if (marks.length > 0 && rows < 0.75) {
      append(
        1,
        marks.at(-1)!.mark,
        marks.map((m) => m.id),
      );
      marks = [];
    }
    if (rng() < 0.2) {
      const lane = Math.floor(rng() * 3);
      ledger.freed[lane] = Math.max(ledger.freed[lane]!, Math.floor(ledger.newest(lane) * (tight ? 0.2 : 0.9)));
      spool.free(LANES[lane]!, ledger.freed[lane]!);
    }
    await spool.flush();
    await Promise.all(wait);
  }
}
