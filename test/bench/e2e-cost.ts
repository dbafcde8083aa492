import { readdirSync, readFileSync } from "node:fs";

/** What processes have used up to an instant. */
export interface Cost {
  /** Monotonic, ns: the clock of the feeder and the subscriber. */
  readonly ns: number;
  /** CPU in ns by pid, with what each runs. */
  readonly cpu: ReadonlyMap<number, number>;
  readonly switches: number;
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // gone meanwhile
  }
}

/** A process and all that descend from it. */
export function familyOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const family = [root];
  for (const pid of family) family.push(...(children.get(pid) ?? []));
  return family;
}

const TICK_NS = 1e7;

/** CPU time of a process: of its threads to the ns where the kernel tells, else of its `stat` in ticks of 10 ms. */
function cpuOf(pid: number, threads: readonly string[]): number {
  const exact = threads.map((t) => Number(read(`/proc/${pid}/task/${t}/schedstat`).split(" ")[0]));
  if (exact.every((ns) => ns > 0)) return exact.reduce((sum, ns) => sum + ns, 0);
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_NS;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function switchesOf(pid: number, threads: readonly string[]): number {
  let sum = 0;
  for (const t of threads) {
    for (const [, n] of read(`/proc/${pid}/task/${t}/status`).matchAll(/ctxt_switches:\s+(\d+)/g)) sum += Number(n);
  }
  return sum;
}

/** Takes the reading of all processes of a peer. */
export function takeCost(pids: readonly number[]): Cost {
  const cpu = new Map<number, number>();
  let switches = 0;
  for (const pid of pids) {
    const threads = threadsOf(pid);
    cpu.set(pid, cpuOf(pid, threads));
    switches += switchesOf(pid, threads);
  }
  return { ns: Number(process.hrtime.bigint()), cpu, switches };
}

/** Proportional set size of all processes together, in MB. */
export function pssMb(pids: readonly number[]): number {
  let kb = 0;
  for (const pid of pids) kb += Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  return kb / 1024;
}
