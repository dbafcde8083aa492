import { describe, expect, it, vi } from "vitest";
import type { SamplerEnd } from "../../src/model/record.ts";
import { createSupervisor } from "../../src/unit/supervisor.ts";

function supervise(script: string) {
  let now = 0;
  const pids: number[] = [];
  const ends: SamplerEnd[] = [];
  const supervisor = createSupervisor({
    command: process.execPath,
    args: ["-e", script],
    clock: { monoMs: () => now },
    listener: { started: (pid) => pids.push(pid), ended: (end) => ends.push(end) },
  });
  supervisor.start();
  /** Lets so many seconds pass, for the supervisor alone. */
  function pass(seconds: number): void {
    for (let s = 0; s < seconds; s++) {
      now += 1000;
      vi.advanceTimersByTime(1000);
    }
  }
  return { supervisor, pids, ends, pass, advance: (ms: number) => (now += ms) };
}

const WAIT = "process.stdin.resume(); process.stdin.on('end', () => process.exit(0));";

describe("the supervisor of the sampler", () => {
  it("starts a killed sampler again at once and counts it", async () => {
    const { supervisor, pids, ends } = supervise(WAIT);
    process.kill(pids[0]!, "SIGKILL");
    await vi.waitFor(() => expect(pids).toHaveLength(2), { timeout: 2000 });
    expect(ends).toEqual([{ cause: "died", words: "signal SIGKILL" }]);
    expect(supervisor.restarts).toBe(1);
    await supervisor.stop(1000);
  });

  it("kills a sampler that shows no sign of life, even one that is stopped, and says so", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { supervisor, pids, ends, pass } = supervise(WAIT);
    supervisor.alive();
    process.kill(pids[0]!, "SIGSTOP");
    pass(16);
    vi.useRealTimers();
    await vi.waitFor(() => expect(ends).toHaveLength(1), { timeout: 4000 });
    expect(ends).toEqual([{ cause: "hung", words: "no sign of life for 16 s; it was killed" }]);
    await supervisor.stop(1000);
  });

  it("gives one that starts from a slow card 30 s, and twice as long after each start in which it was not heard", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { supervisor, pids, ends, pass } = supervise(WAIT);
    pass(30);
    expect(ends).toEqual([]);
    pass(1);
    await vi.waitFor(() => expect(pids).toHaveLength(2), { timeout: 4000 });
    pass(60);
    expect(ends).toHaveLength(1);
    supervisor.alive();
    pass(16);
    await vi.waitFor(() => expect(pids).toHaveLength(3), { timeout: 4000 });
    vi.useRealTimers();
    expect(ends.map((end) => end.cause)).toEqual(["hung", "hung"]);
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
