import { LANES } from "../../src/model/lane.ts";
import type { Spool } from "../../src/spool/spool.ts";
import { type Ledger, type Point, ROWS } from "./cut-ledger.ts";
import type { Random } from "./model-inode.ts";

/** What must not happen, counted. */
export interface Harm {
  lost: number;
  torn: number;
  invented: number;
  doubled: number;
  reused: number;
  stagedLost: number;
  stagedDoubled: number;
  notOpened: number;
}

/** What was checked, and what came of it. */
export interface Checked extends Harm {
  acknowledged: number;
  recovered: number;
  gaps: number;
  dropped: number;
  firstFailure: string | undefined;
}

/** What a spool holds after a cut: records by id with their numbers, and rows that wait. */
export interface Held {
  readonly records: Map<number, number>;
  readonly rows: readonly number[];
}

/**
 * Checks a spool that was opened after a cut against what was promised at `point`, and appends a record to each lane. Gives
 * what it holds when nothing is wrong. `tight`: records may have been dropped for want of room, each with a gap.
 */
export async function checkSpool(
  spool: Spool,
  ledger: Ledger,
  point: Point,
  rng: Random,
  tight: boolean,
  f: Checked,
): Promise<Held | undefined> {
  let harmed = false;
  const fail = (what: keyof Harm, why: string): void => {
    harmed = true;
    f[what]++;
    f.firstFailure ??= `${what}: ${why}`;
  };
  if (spool.state === "failed") fail("notOpened", "the spool is in memory");
  const rows: number[] = [];
  for (const s of spool.staged()) {
    const id = ledger.idOf(s.rows);
    if (ledger.kindOf(id, point) !== ROWS) fail("torn", `rows ${id}`);
    rows.push(id);
  }
  const records = new Map<number, number>();
  const highest = [0, 0, 0];
  const gaps: { from: number; to: number; reason: string }[][] = [[], [], []];
  for (let lane = 0; lane < LANES.length; lane++) {
    const name = LANES[lane]!;
    let at = spool.first(name);
    for (;;) {
      const found = await spool.read(name, at, 1 + Math.floor(rng() * 200), 1 + Math.floor(rng() * 1e6));
      if (found.length === 0) break;
      for (const r of found) {
        if (r.seq !== at) fail("lost", `${name}: ${r.seq} follows where ${at} was due`);
        if ("gap" in r) {
          f.gaps++;
          if (r.gap.reason !== "corrupt") f.dropped += r.gap.to - r.gap.from + 1;
          gaps[lane]!.push(r.gap);
          at = r.gap.to + 1;
          continue;
        }
        const id = ledger.idOf(r.body);
        if (id === 0) fail("torn", `${name} ${r.seq}`);
        else if (ledger.kindOf(id, point) !== lane) fail("invented", `${name} ${r.seq}: id ${id}`);
        else if (records.has(id)) fail("doubled", `${name} ${r.seq}: id ${id}`);
        records.set(id, r.seq);
        highest[lane] = r.seq;
        at = r.seq + 1;
      }
    }
  }
  f.recovered += records.size;
  ledger.eachAcked(point, (id, lane, seq) => {
    highest[lane] = Math.max(highest[lane]!, seq);
    if (seq <= point.freed[lane]!) return;
    f.acknowledged++;
    if (records.get(id) === seq) return;
    const gap = gaps[lane]!.find((g) => g.from <= seq && seq <= g.to);
    if (tight && gap !== undefined && gap.reason !== "corrupt") return;
    fail("lost", `${LANES[lane]} ${seq}: ${gap ? `gap ${gap.from}-${gap.to} ${gap.reason}` : "no trace"}`);
  });
  const there = (record: number): boolean => record > 0 && (records.has(record) || ledger.isAcked(record, point));
  for (const id of ledger.stagedAcked(point))
    if (!there(ledger.replacementOf(id, point)) && !rows.includes(id)) fail("stagedLost", `rows ${id}`);
  for (const id of rows) if (there(ledger.replacementOf(id, point))) fail("stagedDoubled", `rows ${id}`);
  const appended = LANES.map(async (name, lane) => {
    const { id, body } = ledger.issue(lane, 20);
    const seq = await spool.append(name, body);
    if (seq <= highest[lane]!) fail("reused", `${name} ${seq}`);
    records.set(id, seq);
  });
  await spool.flush();
  await Promise.all(appended);
  return harmed ? undefined : { records, rows };
}
