import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { firmataBoard } from "../../devices/firmata-board.ts";
import type { BoardAssignment } from "../../src/board/assignment.ts";
import { systemClock } from "../../src/bus/clock.ts";
import { openLinuxSerial } from "../../src/bus/linux-serial.ts";
import { createBoardSource } from "../../src/device/board-source.ts";
import { createBoardProcess } from "../../src/sampler/board-process.ts";

/** The reader as it is built and shipped. */
const ENTRY =
  ["../../src/board/main.js", "../../dist/src/board/main.js"]
    .map((path) => resolve(import.meta.dirname, path))
    .find(existsSync) ?? resolve(import.meta.dirname, "../../dist/src/board/main.js");

export interface HeardSample {
  readonly key: string;
  readonly t: number;
  readonly x: number;
  readonly q: number;
}

/** The sub-board's source on a real port, with its reader a real process, stepped every few milliseconds as the sampler does. */
export function startBoardSource(path: string, options: unknown, panel: BoardAssignment["panel"] = { muted: true }) {
  const plan = firmataBoard.plan(options);
  const keys = Object.keys(plan.channels);
  const samples: HeardSample[] = [];
  const states: string[] = [];
  const presses: { press: string; atMs: number }[] = [];
  const assignment = { inputs: [...plan.inputs], samplingMs: plan.samplingMs, adcBits: plan.adcBits, panel };
  const reader = createBoardProcess({ entry: ENTRY, assignment });
  const link = openLinuxSerial({ name: "board", path, baud: 57_600, silenceS: 20, clock: systemClock });
  const source = createBoardSource({
    ...{ device: firmataBoard, name: "board", options, link, reader, clock: systemClock },
    sink: {
      block: (channel, b) => {
        for (let i = 0; i < b.n; i++) samples.push({ key: keys[channel]!, t: b.t[i]!, x: b.x[i]!, q: b.q[i]! });
      },
      scan: () => undefined,
      state: (to, _from, reason) => states.push(`${to}: ${reason}`),
    },
    onKey(press, atMs) {
      presses.push({ press, atMs });
      reader.noted(press);
    },
  });
  /** Greatest time between two turns of the loop that steps the source. */
  const loop = { slowestMs: 0 };
  let turnedMs = performance.now();
  const timer = setInterval(() => {
    loop.slowestMs = Math.max(loop.slowestMs, performance.now() - turnedMs);
    turnedMs = performance.now();
    const now = systemClock.monoMs();
    if (source.dueMs <= now) source.step(now);
  }, 5);
  return {
    source,
    reader,
    samples,
    states,
    presses,
    loop,
    newest: (key: string) => samples.findLast((s) => s.key === key),
    async stop() {
      clearInterval(timer);
      reader.close();
      await link.close();
    },
  };
}
