import { LANES, type Lane } from "../../src/model/record.ts";
import { openSpool, type Spool, type StageMark } from "../../src/spool/spool.ts";
import { bodyOf, idOf } from "./marked-bodies.ts";
import { ModelFiles, type Random, random } from "./model-files.ts";

/** What a series of cuts came to. Everything from `lost` on must be 0. */
export interface CutFigures {
  cuts: number;
  /** Cuts of a kind: power during the run, power during recovery, only the process. */
  duringRecovery: number;
  killed: number;
  acknowledged: number;
  recovered: number;
  gaps: number;
  dropped: number;
  lost: number;
  torn: number;
  invented: number;
  doubled: number;
  reused: number;
  stagedLost: number;
  stagedDoubled: number;
  notOpened: number;
  firstFailure: string | undefined;
}

/** True when nothing went wrong. */
export function unharmed(f: CutFigures): boolean {
  return f.lost + f.torn + f.invented + f.doubled + f.reused + f.stagedLost + f.stagedDoubled + f.notOpened === 0;
}

const clock = { monoMs: () => 0 };

/** What a run has been told, so far. Lists only grow, so a length is a snapshot. */
interface Told {
  /** Ids handed to `append`, and the acknowledged ones with their numbers. */
  readonly issued: { id: number; lane: number; supersedes: readonly number[] }[];
  readonly acked: { id: number; lane: number; seq: number }[];
  readonly stagedIssued: number[];
  readonly stagedAcked: number[];
  readonly freed: [number, number, number];
}

interface Fork {
  readonly files: ModelFiles;
  readonly issued: number;
  readonly acked: number;
  readonly stagedIssued: number;
  readonly stagedAcked: number;
  readonly freed: [number, number, number];
}

/**
 * Cuts power at operations of a model file system under a random load, recovers and checks what was promised. Deterministic
 * for a seed, but for the ids and nonces that the spool draws.
 */
export async function modelCuts(o: { cuts: number; seed: number; syncIgnored?: boolean }): Promise<CutFigures> {
  const rng = random(o.seed);
  const f: CutFigures = {
    cuts: 0,
    duringRecovery: 0,
    killed: 0,
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
  while (f.cuts < o.cuts) {
    let files = new ModelFiles();
    files.syncIgnored = o.syncIgnored ?? false;
    const told: Told = { issued: [], acked: [], stagedIssued: [], stagedAcked: [], freed: [0, 0, 0] };
    const lives = 1 + Math.floor(rng() * 4);
    const tight = rng() < 0.05;
    for (let life = 0; life < lives && f.cuts < o.cuts; life++) {
      const next = await live(files, told, rng, f, o.cuts, tight);
      if (next === undefined) break;
      files = next;
    }
  }
  return f;
}

/** Runs a random load from `files`, checks every cut, and returns a file system for the next life. */
async function live(files: ModelFiles, told: Told, rng: Random, f: CutFigures, cuts: number, tight: boolean) {
  const forks: Fork[] = [];
  const share = tight ? 0.02 : 0.5;
  const snapshot = (of: ModelFiles): Fork => ({
    files: of,
    issued: told.issued.length,
    acked: told.acked.length,
    stagedIssued: told.stagedIssued.length,
    stagedAcked: told.stagedAcked.length,
    freed: [...told.freed],
  });
  files.onOp = () => {
    if (rng() >= share) return;
    const kill = rng() < 0.1;
    if (kill) f.killed++;
    forks.push(snapshot(kill ? files.kill() : files.cut(rng)));
  };
  const spool = await open(files);
  await load(spool, told, rng, tight);
  files.onOp = undefined;
  forks.push(snapshot(files.cut(rng)));
  const chosen = Math.floor(rng() * forks.length);
  for (let i = 0; i < forks.length && f.cuts < cuts; i++) {
    const fork = forks[i]!;
    if (i === chosen) continue;
    if (rng() < 0.2) {
      // Power fails again while the spool recovers.
      const at = Math.floor(rng() * 12);
      let again: ModelFiles | undefined;
      fork.files.onOp = () => {
        if (fork.files.ops === at) again = rng() < 0.1 ? fork.files.kill() : fork.files.cut(rng);
      };
      await open(fork.files);
      fork.files.onOp = undefined;
      if (again === undefined) continue;
      f.duringRecovery++;
      await check({ ...fork, files: again }, told, rng, f, tight);
    } else await check(fork, told, rng, f, tight);
  }
  // The next life begins with a cut, and keeps only what was known then.
  const fork = forks[chosen]!;
  const known = await check(fork, told, rng, f, tight);
  if (known === undefined) return undefined;
  told.issued.length = fork.issued;
  told.acked.length = fork.acked;
  told.stagedIssued.length = fork.stagedIssued;
  told.stagedAcked.length = fork.stagedAcked;
  told.freed.splice(0, 3, ...fork.freed);
  told.issued.push(...known.appended.map((a) => ({ ...a, supersedes: [] })));
  told.acked.push(...known.recovered, ...known.appended);
  told.stagedAcked.push(...known.staged);
  return fork.files.cut(rng);
}

function open(files: ModelFiles): Promise<Spool> {
  return openSpool({ dir: "/spool", files, clock, maxBytes: 1024 * 1024 });
}

let lastId = 0;

async function load(spool: Spool, told: Told, rng: Random, tight: boolean): Promise<void> {
  let marks: { mark: StageMark; id: number }[] = [];
  for (const s of spool.staged()) marks.push({ mark: s.mark, id: idOf(s.rows) });
  const size = (): number => (tight ? 3000 + Math.floor(rng() * 4000) : 12 + Math.floor(rng() ** 5 * 4000));
  const append = (lane: number, mark?: StageMark, supersedes: readonly number[] = []): void => {
    const id = ++lastId;
    told.issued.push({ id, lane, supersedes });
    const body = bodyOf(id, size());
    void spool
      .append(LANES[lane]!, body, { ...(mark && { supersedes: mark }), weight: rng(), keep: rng() < 0.1 })
      .then((seq) => told.acked.push({ id, lane, seq }));
  };
  const steps = tight ? 80 : 5 + Math.floor(rng() * 30);
  for (let step = 0; step < steps; step++) {
    for (let n = Math.floor(rng() * 4); n >= 0; n--) append(Math.floor(rng() * 3));
    const wait: Promise<unknown>[] = [];
    const rows = rng();
    if (rows < 0.5) {
      const id = ++lastId;
      told.stagedIssued.push(id);
      const staged = spool.stage(bodyOf(id, 12 + Math.floor(rng() * 200))).then((mark) => {
        told.stagedAcked.push(id);
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
      const given = told.acked.findLast((a) => a.lane === lane)?.seq ?? 0;
      told.freed[lane] = Math.max(told.freed[lane]!, Math.floor(given * (tight ? 0.2 : 0.9)));
      spool.free(LANES[lane]!, told.freed[lane]!);
    }
    await spool.flush();
    await Promise.all(wait);
  }
}

interface Recovered {
  readonly bySeq: Map<number, number>;
  readonly gaps: { from: number; to: number; reason: string }[];
}

/** Reads all of a lane, in portions, and fails on anything out of order. */
async function readLane(spool: Spool, lane: Lane, rng: Random, fail: (what: "torn" | "lost", why: string) => void) {
  const out: Recovered = { bySeq: new Map(), gaps: [] };
  let at = spool.first(lane);
  for (;;) {
    const records = await spool.read(lane, at, 1 + Math.floor(rng() * 200), 1 + Math.floor(rng() * 1e6));
    if (records.length === 0) return out;
    for (const r of records) {
      if (r.seq !== at) fail("lost", `${lane}: ${r.seq} follows where ${at} was due`);
      if ("gap" in r) {
        out.gaps.push(r.gap);
        at = r.gap.to + 1;
      } else {
        out.bySeq.set(r.seq, idOf(r.body));
        at = r.seq + 1;
      }
    }
  }
}

/** Recovers one cut; gives what the spool has promised by now when nothing is wrong. */
async function check(fork: Fork, told: Told, rng: Random, f: CutFigures, tight: boolean) {
  f.cuts++;
  type Harm = "lost" | "torn" | "invented" | "doubled" | "reused" | "stagedLost" | "stagedDoubled" | "notOpened";
  let harmed = false;
  const fail = (what: Harm, why: string): void => {
    harmed = true;
    f[what]++;
    f.firstFailure ??= `cut ${f.cuts}: ${what}: ${why}`;
  };
  const spool = await open(fork.files);
  if (spool.state === "failed") fail("notOpened", "the spool is in memory");
  const issued = new Map(told.issued.slice(0, fork.issued).map((r) => [r.id, r]));
  const staged = new Set(spool.staged().map((s) => idOf(s.rows)));
  const seen = new Set<number>();
  const highest: number[] = [0, 0, 0];
  const lanes: Recovered[] = [];
  for (const lane of LANES) {
    const index = lanes.length;
    const got = await readLane(spool, lane, rng, fail);
    lanes.push(got);
    f.recovered += got.bySeq.size;
    for (const gap of got.gaps) {
      f.gaps++;
      if (gap.reason !== "corrupt") f.dropped += gap.to - gap.from + 1;
    }
    for (const [seq, id] of got.bySeq) {
      const known = issued.get(id);
      if (id < 0) fail("torn", `${lane} ${seq}`);
      else if (known === undefined || known.lane !== index) fail("invented", `${lane} ${seq}: id ${id}`);
      else if (seen.has(id)) fail("doubled", `${lane} ${seq}: id ${id}`);
      else for (const s of known.supersedes) if (staged.has(s)) fail("stagedDoubled", `rows ${s} and record ${id}`);
      seen.add(id);
    }
  }
  for (const { id, lane, seq } of told.acked.slice(0, fork.acked)) {
    highest[lane] = Math.max(highest[lane]!, seq);
    if (seq <= fork.freed[lane]!) continue;
    f.acknowledged++;
    if (lanes[lane]!.bySeq.get(seq) === id) continue;
    const gap = lanes[lane]!.gaps.find((g) => g.from <= seq && seq <= g.to);
    if (tight && gap !== undefined && gap.reason !== "corrupt") continue;
    fail("lost", `${LANES[lane]} ${seq}: ${gap ? `gap ${gap.from}-${gap.to} ${gap.reason}` : "no trace"}`);
  }
  const replaced = new Map<number, { id: number; lane: number }>();
  for (const r of issued.values()) for (const s of r.supersedes) replaced.set(s, r);
  const acked = new Set(told.acked.slice(0, fork.acked).map((a) => a.id));
  for (const id of told.stagedAcked.slice(0, fork.stagedAcked)) {
    const by = replaced.get(id);
    const there = by !== undefined && (seen.has(by.id) || acked.has(by.id));
    if (!there && !staged.has(id)) fail("stagedLost", `rows ${id}`);
    if (there && staged.has(id)) fail("stagedDoubled", `rows ${id}`);
  }
  for (const id of staged) if (!told.stagedIssued.slice(0, fork.stagedIssued).includes(id)) fail("torn", `rows ${id}`);
  const appended: { id: number; lane: number; seq: number }[] = [];
  const done = LANES.map(async (name, lane) => {
    const id = ++lastId;
    const seq = await spool.append(name, bodyOf(id, 20));
    appended.push({ id, lane, seq });
    if (seq <= highest[lane]! || lanes[lane]!.bySeq.has(seq)) fail("reused", `${name} ${seq}`);
  });
  await spool.flush();
  await Promise.all(done);
  const recovered = lanes.flatMap((got, lane) => [...got.bySeq].map(([seq, id]) => ({ id, lane, seq })));
  return harmed ? undefined : { appended, recovered, staged: [...staged] };
}
