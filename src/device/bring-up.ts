import type { I2cPlan } from "./define.ts";
import type { FailureLog } from "./failures.ts";
import type { RegisterPort } from "./register-port.ts";
import { createRestTest } from "./rest-test.ts";
import type { Scans } from "./scans.ts";
import type { Wanted } from "./table.ts";

/** How far a part has come: still at it, ready to be read, or why not. */
export type BringUpResult = "busy" | "ready" | "silent" | "stranger" | "readback";

/** Brings one part from unknown to measuring: recognise it, set it up, read it back. A few transfers at a time. */
export interface BringUp {
  readonly dueMs: number;
  /** From the beginning; `afresh` sets the part up even where it already is as wanted. */
  begin(nowMs: number, afresh: boolean): void;
  step(nowMs: number): BringUpResult;
}

/** What must hold in the end: the last word of `setup` on each bit. */
export function finallyWanted(setup: readonly Wanted[]): Wanted[] {
  const last = new Map<string, Wanted>();
  for (const w of setup) {
    const before = last.get(w.reg) ?? { reg: w.reg, mask: 0, value: 0 };
    last.set(w.reg, { reg: w.reg, mask: before.mask | w.mask, value: (before.value & ~w.mask) | (w.value & w.mask) });
  }
  return [...last.values()];
}

/** Whether a register shows the wanted bits; undefined when it cannot be read. */
export function holds(port: RegisterPort, { reg, mask, value }: Wanted): boolean | undefined {
  const now = port.value(reg);
  return Number.isNaN(now) ? undefined : (now & mask) >>> 0 === (value & mask) >>> 0;
}

/** Set-ups tried before a part that does not keep them is left alone for a while. */
const SETUPS = 3;

export function createBringUp(plan: I2cPlan, port: RegisterPort, scans: Scans, log: FailureLog): BringUp {
  const wanted = finallyWanted(plan.setup);
  const rest = plan.atRest === undefined ? undefined : createRestTest(plan, plan.atRest, port);
  let dueMs = 0;
  let stage: "identify" | "prepare" | "setup" | "rest" = "identify";
  let prepared = 0;
  let setups = 0;
  let afresh = false;

  /** Every wanted register as it should be. */
  function asWanted(): boolean | undefined {
    let good = true;
    for (const w of wanted) {
      const held = holds(port, w);
      if (held === undefined) return undefined;
      good &&= held;
    }
    return good;
  }

  function identify(): BringUpResult {
    if (plan.identity.length === 0 && wanted.length === 0) {
      if (!(plan.hello === undefined ? port.probe() : port.command(plan.hello))) return "silent";
    }
    for (const id of plan.identity) {
      const value = port.value(id.reg);
      if (Number.isNaN(value)) return "silent";
      const seen = id.mask === undefined ? value : (value & id.mask) >>> 0;
      if ("equals" in id ? seen !== id.equals : seen < id.least) {
        log.count("stranger");
        return "stranger";
      }
    }
    const good = asWanted();
    if (good === undefined) return "silent";
    // A part that is as wanted keeps running: a reset would lose what it counts (charge, energy) and what its FIFO holds.
    if (good && !afresh) return calibrate();
    stage = "prepare";
    prepared = 0;
    return "busy";
  }

  function prepare(nowMs: number): BringUpResult {
    while (prepared < plan.prepare.length) {
      const command = plan.prepare[prepared++]!;
      if (!port.command(command)) return "silent";
      if (command.waitMs !== undefined) {
        dueMs = nowMs + command.waitMs;
        return "busy";
      }
    }
    stage = "setup";
    return "busy";
  }

  function setUp(): BringUpResult {
    for (const w of plan.setup) if (!port.set(w)) return "silent";
    const good = asWanted();
    if (good === undefined) return "silent";
    if (good) return calibrate();
    log.count("readback");
    setups += 1;
    if (setups >= SETUPS) return "readback";
    stage = "prepare";
    prepared = 0;
    return "busy";
  }

  function calibrate(): BringUpResult {
    if (plan.calibration !== undefined) {
      let at = 0;
      for (const frame of plan.calibration.frames) {
        if (!port.frame(frame, scans.calibration.subarray(at, at + frame.bytes))) return "silent";
        at += frame.bytes;
      }
      if (!plan.calibration.ok(scans.calibration)) {
        log.count("readback");
        return "readback";
      }
    }
    stage = "rest";
    rest?.begin();
    return "busy";
  }

  function weigh(nowMs: number): BringUpResult {
    const verdict = rest?.step(nowMs) ?? "passed";
    if (verdict === "silent") return "silent";
    if (verdict === "busy") {
      dueMs = rest!.dueMs;
      return "busy";
    }
    if (verdict === "stranger") {
      log.count("stranger");
      return "stranger";
    }
    return "ready";
  }

  return {
    get dueMs() {
      return dueMs;
    },
    begin(nowMs, anew) {
      dueMs = nowMs;
      stage = "identify";
      setups = 0;
      afresh = anew;
    },
    step(nowMs) {
      let result: BringUpResult = "busy";
      while (result === "busy" && dueMs <= nowMs) {
        if (stage === "identify") result = identify();
        else if (stage === "prepare") result = prepare(nowMs);
        else if (stage === "setup") result = setUp();
        else result = weigh(nowMs);
      }
      return result;
    },
  };
}
