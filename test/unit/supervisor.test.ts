import { describe, expect, it, vi } from "vitest";
import { createSupervisor } from "../../src/unit/supervisor.ts";

function supervise(script: string) {
  let now = 0;
  const pids: number[] = [];
  const ends: string[] = [];
  const supervisor = createSupervisor({
    command: process.execPath,
    args: ["-e", script],
    clock: { monoMs: () => now },
    listener: { started: (pid) => pids.push(pid), ended: (why) => ends.push(why) },
  });
  supervisor.start();
  return { supervisor, pids, ends, advance: (ms: number) => (now += ms) };
}

const WAIT = "process.stdin.resume(); process.stdin.on('end', () => process.exit(0));";

describe("the supervisor of the sampler", () => {
  it("starts a killed sampler again at once and counts it", async () => {
    const { supervisor, pids, ends } = supervise(WAIT);
    process.kill(pids[0]!, "SIGKILL");
    await vi.waitFor(() => expect(pids).toHaveLength(2), { timeout: 2000 });
    expect(ends).toEqual(["signal SIGKILL"]);
    expect(supervisor.restarts).toBe(1);
    await supervisor.stop(1000);
  });

  it("kills a sampler that shows no sign of life, even one that is stopped", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { supervisor, pids, ends, advance } = supervise(WAIT);
    process.kill(pids[0]!, "SIGSTOP");
    for (let s = 0; s < 16; s++) {
      advance(1000);
      vi.advanceTimersByTime(1000);
    }
    vi.useRealTimers();
    await vi.waitFor(() => expect(ends).toEqual(["signal SIGKILL"]), { timeout: 4000 });
    await supervisor.stop(1000);
  });

  it("does not blame the sampler for the time in which the unit itself was stopped", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { supervisor, pids, ends, advance } = supervise(WAIT);
    advance(60_000);
    vi.advanceTimersByTime(1000);
    vi.useRealTimers();
    expect(() => process.kill(pids[0]!, 0)).not.toThrow();
    expect(ends).toEqual([]);
    await supervisor.stop(1000);
  });

  it("insists when the sampler does not end on request", async () => {
    const { supervisor, pids } = supervise(
      "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')",
    );
    await vi.waitFor(() => expect(() => process.kill(pids[0]!, 0)).not.toThrow());
    const before = Date.now();
    await supervisor.stop(200);
    expect(Date.now() - before).toBeLessThan(2000);
    expect(() => process.kill(pids[0]!, 0)).toThrow();
  });
});
