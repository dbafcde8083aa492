import type { Logger } from "pino";
import { COMMIT_LIMIT_MS, type Ignition, TAKEN_LIMIT_MS, type WindDownStep } from "../model/power.ts";
import type { Severity } from "../model/record.ts";
import type { PowerRequest } from "./power-request.ts";

/** How often the request is looked at, in ms. */
const LOOK_MS = 50;

/** What the unit can do about it; every promise is waited for only so long as the hold-up time allows. */
export interface WindDownPorts {
  /** Makes everything received durable, the last rows as records. */
  settle(): Promise<void>;
  /** Keeps for the next start that the ignition is off, or on again. Never rejects. */
  keep(): Promise<void>;
  /** Makes an event of it. */
  tell(name: string, severity: Severity, detail: Readonly<Record<string, string | number>>): Promise<void>;
  /** State, lamp and alarms are otherwise now. */
  changed(): void;
  readonly request: PowerRequest;
}

/**
 * Switches the computer off in order once the ignition is off: last rows durable, the next start told, HQ told `sleeping`, then
 * the request. Nothing is torn down before somebody has taken the request, so that a key turned on again costs nothing; measuring
 * ends with the stop that the system asks for. Where nobody takes it, or the power stays, it says so and works on until the key
 * has been on again.
 */
export function createWindDown(options: {
  readonly ports: WindDownPorts;
  /** How long the supply goes on, in ms: still there after this, the computer was not switched off. */
  readonly holdUpMs: number;
  /** Whether the ignition has been on since the computer started: one that never was is a unit on a bench. */
  readonly wasOn: boolean;
  readonly log: Logger;
}) {
  const { ports, holdUpMs, log } = options;
  const { request } = ports;
  let step: WindDownStep = "none";
  let ignition: Ignition = "unknown";
  let { wasOn } = options;
  let timer: NodeJS.Timeout | undefined;

  const pause = (ms: number): Promise<void> =>
    new Promise((done) => {
      timer = setTimeout(done, ms);
    });
  function enter(next: WindDownStep): void {
    step = next;
    ports.changed();
  }
  /** An event is no reason to wait, nor a card that does not take it. */
  function say(name: string, severity: Severity, detail: Readonly<Record<string, string | number>>): void {
    ports.tell(name, severity, detail).catch((e: unknown) => log.warn({ err: e }, "an event could not be stored"));
  }
  async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
    const late = Symbol();
    const limit = new Promise<symbol>((done) => {
      timer = setTimeout(() => done(late), ms);
    });
    const first = await Promise.race([work.catch((e: unknown) => log.error({ err: e }, "not durable")), limit]);
    clearTimeout(timer);
    return first !== late;
  }
  const isBack = () => ignition === "on";

  /** The key is on again before anybody has taken the request: everything goes on as it was. */
  function goOn(): void {
    enter("none");
    say("ignition_on", "info", {});
    void ports.keep();
    log.info("the ignition is on again: the unit goes on");
  }
  function stay(reason: string): void {
    enter("stayed");
    say("power_off_failed", "warning", { reason });
    log.error({ reason }, "the ignition is off, but the computer is not switched off: the unit goes on");
  }

  async function run(): Promise<void> {
    log.info("the ignition is off: the unit winds down");
    enter("winding");
    say("ignition_off", "info", {});
    const durable = await within(COMMIT_LIMIT_MS, Promise.all([ports.settle(), ports.keep()]));
    if (!durable) log.error("not everything is durable in time; the power is switched off all the same");
    if (isBack()) return goOn();
    try {
      request.ask();
    } catch (e) {
      return stay(`the request cannot be left: ${e instanceof Error ? e.message : String(e)}`);
    }
    enter("asked");
    for (let waitedMs = 0; !request.taken(); waitedMs += LOOK_MS) {
      const enough = waitedMs >= TAKEN_LIMIT_MS;
      if ((enough || isBack()) && request.withdraw())
        return isBack()
          ? goOn()
          : stay("nobody takes the request: swath-power-off.path is not installed or not running");
      await pause(LOOK_MS);
    }
    enter("going");
    log.info("the computer is being switched off");
    await pause(holdUpMs);
    // Whoever is still here after this has power, and a machine that may be working.
    stay(`the computer still runs ${holdUpMs} ms after it was to be switched off`);
    if (isBack()) goOn();
  }

  return {
    get step(): WindDownStep {
      return step;
    },
    get ignition(): Ignition {
      return ignition;
    },
    /** Whether HQ is to be told that the unit sleeps rather than that it is on. */
    get sleeping(): boolean {
      return step === "winding" || step === "asked" || step === "going";
    },
    /** Whether parts may be silent because the key is off; a key that never was on since the computer started is no reason. */
    get resting(): boolean {
      return this.sleeping || (wasOn && (ignition === "off" || ignition === "leaving"));
    },
    /** What the sampler says of the ignition; undefined when nobody has heard from it for too long. */
    heard(next: Ignition | undefined): void {
      const before = ignition;
      ignition = next ?? "unknown";
      if (ignition !== before) {
        log.info({ ignition, before }, "ignition");
        if (ignition === "on" || ignition === "off") void ports.keep();
      }
      if (ignition === "on") wasOn = true;
      if (ignition === "off" && step === "none" && wasOn) {
        void run();
        return;
      }
      if (ignition === "on" && step === "stayed") goOn();
      if (ignition !== before) ports.changed();
    },
    /** The unit is stopped: nothing more is asked for. A request that nobody has taken is taken back. */
    stop(): void {
      if (step === "asked") request.withdraw();
      clearTimeout(timer);
    },
  };
}

export type WindDown = ReturnType<typeof createWindDown>;
