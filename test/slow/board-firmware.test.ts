import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/bus/clock.ts";
import { until } from "../hq/until.ts";
import { type AvrBoard, startAvrBoard } from "../rigs/avr-board.ts";
import { startBoardSource } from "../rigs/board-source.ts";
import { openPty } from "../rigs/pty.ts";

const OPTIONS = {
  analog: { pressure: { pin: 0 }, level: { pin: 3, unit: "kPa", scale: 2, offset: -100 } },
  digital: { lever: { pin: 2 }, door: { pin: 4, pullUp: true, invert: true } },
  samplingMs: 50,
};
const WAIT_MS = 60_000;

/** Processes that this test run has started to read a board. */
function readerPids(): number[] {
  const text = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)]).toString();
  return text.split("\n").flatMap((line) => (line.includes("board/main.js") ? [Number.parseInt(line, 10)] : []));
}

describe("a sub-board with the real StandardFirmata, on a tty", () => {
  const undo: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });

  async function board(): Promise<AvrBoard> {
    const b = await startAvrBoard();
    undo.push(b.stop);
    return b;
  }

  function read(b: AvrBoard) {
    const r = startBoardSource(b.pty.path, OPTIONS);
    undo.push(r.stop);
    return r;
  }

  const running = (r: ReturnType<typeof read>) => until("running", () => r.source.state === "running", WAIT_MS);

  it("reads volts and levels, follows them, and marks the ends of the converter", async () => {
    const b = await board();
    b.volts(0, 2.5);
    b.volts(3, 1);
    b.drive(4, 1);
    const r = read(b);
    await running(r);
    expect(r.states).toEqual(["starting: opened", "running: reports"]);
    expect(r.source.verified).toBe("readback");
    await until("both levels", () => r.newest("lever") !== undefined && r.newest("door") !== undefined, WAIT_MS);
    expect(r.newest("pressure")!.x).toBeCloseTo(2.5, 2);
    expect(r.newest("pressure")!.q).toBe(0);
    expect(r.newest("level")!.x).toBe(204 * 2 - 100);
    expect([r.newest("lever")!.x, r.newest("door")!.x]).toEqual([0, 0]);
    b.volts(0, 4);
    b.drive(2, 1);
    b.drive(4, 0);
    await until("the new volts", () => Math.abs(r.newest("pressure")!.x - 4) < 0.02, WAIT_MS);
    await until("the new levels", () => r.newest("lever")!.x === 1 && r.newest("door")!.x === 1, WAIT_MS);
    b.volts(0, 5);
    await until("the end of the range", () => r.newest("pressure")!.q === 1, WAIT_MS);
    expect(r.source.counters["clipped"]).toBeGreaterThan(0);
    const times = r.samples.filter((s) => s.key === "pressure").map((s) => s.t);
    expect(times.every((t, i) => i === 0 || t > times[i - 1]!)).toBe(true);
    expect(systemClock.monoMs() - times.at(-1)!).toBeLessThan(2000);
  });

  it("is set up anew after the board restarts by itself, and says so", async () => {
    const b = await board();
    b.volts(0, 1);
    const r = read(b);
    await running(r);
    b.volts(0, 3);
    b.reset();
    // Told by what the board says first, or, where a cut message swallowed that, by the pins it no longer knows.
    const told = () => r.states.some((state) => /^starting: (board-reset|settings-lost)$/.test(state));
    await until("the restart told", told, WAIT_MS);
    await running(r);
    await until("the new volts", () => Math.abs(r.newest("pressure")!.x - 3) < 0.02, WAIT_MS);
    expect(r.source.counters["boardResets"]! + r.source.counters["settingsLost"]!).toBe(1);
    expect(r.source.counters["crashes"]).toBe(0);
  });

  it("delivers nothing of a board that stands still or is pulled, and goes on when it is back", async () => {
    const b = await board();
    b.volts(0, 2);
    const r = read(b);
    await running(r);
    b.halt(true);
    await until("silence", () => r.states.at(-1) === "degraded: silent", WAIT_MS);
    // What was on its way has come by now; a library that repeats its last value would be found here.
    const told = r.samples.length;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(r.samples.length).toBe(told);
    b.halt(false);
    await running(r);
    await b.pty.pull();
    await until("the loss", () => r.source.state === "absent" || r.source.state === "failed", WAIT_MS);
    const pulled = r.samples.length;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(r.samples.length).toBe(pulled);
    b.volts(0, 4.5);
    await b.pty.plug();
    await running(r);
    await until("the new volts", () => Math.abs(r.newest("pressure")!.x - 4.5) < 0.02, WAIT_MS);
  });

  it("starts its reader again when that is killed or stands still, and never waits for it", async () => {
    const b = await board();
    b.volts(0, 2);
    const r = read(b);
    await running(r);
    process.kill(readerPids()[0]!, "SIGKILL");
    await until("the end told", () => r.states.includes("starting: reader-ended"), WAIT_MS);
    await running(r);
    expect(r.source.counters["crashes"]).toBe(1);
    const [pid] = readerPids();
    r.loop.slowestMs = 0;
    process.kill(pid!, "SIGSTOP");
    await until("silence", () => r.source.state === "degraded", WAIT_MS);
    await until("the hang told", () => r.states.includes("starting: reader-hung"), WAIT_MS);
    expect(r.loop.slowestMs).toBeLessThan(2000);
    await running(r);
    expect(r.source.counters["hangs"]).toBe(1);
    expect(readerPids()).not.toContain(pid);
  });

  it("says that what answers is no Firmata, and that a port is not there", async () => {
    const pty = await openPty();
    undo.push(pty.stop);
    const talk = setInterval(() => pty.write("$GPGGA,,,,,,0,,,,,,,,*66\r\n"), 100);
    undo.push(async () => clearInterval(talk));
    const r = startBoardSource(pty.path, OPTIONS);
    undo.push(r.stop);
    await until("the refusal", () => r.states.at(-1) === "failed: no-firmata", WAIT_MS);
    expect(r.samples).toEqual([]);
    await pty.pull();
    await until("the absence", () => r.source.state === "absent", WAIT_MS);
    const none = startBoardSource("/dev/serial/by-id/no-such-board", OPTIONS);
    undo.push(none.stop);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(none.source.state).toBe("absent");
  });

  it("refuses a board that lacks what is configured", async () => {
    const b = await board();
    const r = startBoardSource(b.pty.path, { pulses: { rotor: { pin: 2, pulsesPerRevolution: 60 } } });
    undo.push(r.stop);
    await until("the refusal", () => r.states.some((s) => s.startsWith("failed: pin 2 counts no pulses")), WAIT_MS);
    expect(r.samples).toEqual([]);
  });
});
