import { type ChildProcess, spawn } from "node:child_process";

/** How a hook ended. */
export interface HookEnd {
  readonly outcome: "done" | "failed" | "timed-out" | "not-started";
  /** Its exit code; null when it has none. */
  readonly code: number | null;
}

const running = new Set<ChildProcess>();

/** Kills a hook with whatever it has started. */
function kill(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

/**
 * Runs a hook without a shell, in a process group of its own, with nothing on its streams and no more of the environment than
 * the path. Returns at once; `onEnd` is called later, exactly once.
 */
export function runHook(path: string, args: readonly string[], limitMs: number, onEnd: (end: HookEnd) => void): void {
  let ended = false;
  let timedOut = false;
  let timer: NodeJS.Timeout | undefined;
  const child = spawn(path, args, {
    stdio: "ignore",
    detached: true,
    env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  running.add(child);
  const end = (outcome: HookEnd["outcome"], code: number | null): void => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    running.delete(child);
    onEnd({ outcome, code });
  };
  child.on("error", () => end("not-started", null));
  child.on("exit", (code) => end(timedOut ? "timed-out" : code === 0 ? "done" : "failed", code));
  timer = setTimeout(() => {
    timedOut = true;
    kill(child);
  }, limitMs);
}

/** Ends every hook that still runs, for the end of the process. */
export function stopHooks(): void {
  for (const child of running) kill(child);
}
