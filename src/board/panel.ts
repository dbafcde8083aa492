import type { Lamp } from "../model/operator.ts";
import { createKey, type OperatorKey, type Press } from "./key.ts";
import { isOn, LAMP_ANSWER, LAMP_PATTERNS, lengthOf, SOUNDS, type Sound } from "./panel-patterns.ts";

/** Without a word about the lamp for so long (ms) the unit is taken for dead, and the lamp says fault. */
const LAMP_SILENT_MS = 10_000;
/** A press that has not been taken after so long (ms) is lost, and the operator hears it. */
const TAKEN_MS = 3000;

/** The operator's panel: what lamp and buzzer do at an instant, and the key. All pure: time and pins come from outside. */
export interface Panel {
  readonly key: OperatorKey;
  /** The unit says what the lamp shall say. */
  lamp(lamp: Lamp, nowMs: number): void;
  /** A press was taken. */
  noted(press: Press, nowMs: number): void;
  /** Sets lamp and buzzer to what they are at this instant; call some twenty times a second. */
  step(nowMs: number): void;
}

/** `press` passes a press on; `set` is called only when an output changes. */
export function createPanel(spec: {
  readonly muted: boolean;
  readonly startMs: number;
  readonly press: (kind: Press, downMs: number) => void;
  readonly set: (output: "lamp" | "buzzer", on: boolean) => void;
}): Panel {
  const is = { lamp: false, buzzer: false };
  let lamp: Lamp = "fault";
  let lampMs = spec.startMs;
  let toldMs = spec.startMs;
  let told = false;
  let answerMs = Number.NEGATIVE_INFINITY;
  let sound: Sound | undefined;
  let soundMs = 0;
  let isFaultMuted = false;
  /** Presses that were passed on and not taken yet, by the time they were passed on. */
  let awaited: number[] = [];

  function play(next: Sound, nowMs: number): void {
    sound = next;
    soundMs = nowMs;
  }

  function change(next: Lamp, nowMs: number): void {
    if (next === lamp && told) return;
    lamp = next;
    lampMs = nowMs;
    if (next === "fault" && !isFaultMuted) play("fault", nowMs);
  }

  function set(output: "lamp" | "buzzer", on: boolean): void {
    if (is[output] === on) return;
    is[output] = on;
    spec.set(output, on);
  }

  let nowMs = spec.startMs;
  const key = createKey((kind, downMs) => {
    if (kind === "mute") {
      isFaultMuted = !isFaultMuted;
      play("mute", nowMs);
      answerMs = nowMs;
      return;
    }
    awaited.push(nowMs);
    spec.press(kind, downMs);
  });

  /** While the key is held the lamp shows how far the press has got: lit from long on, flickering from mute on. */
  function lampOn(): boolean {
    const held = key.held(nowMs);
    if (held === "long") return true;
    if (held === "mute") return isOn(LAMP_ANSWER, nowMs);
    if (nowMs - answerMs < lengthOf(LAMP_ANSWER)) return isOn(LAMP_ANSWER, nowMs - answerMs, true);
    if (!told) return false;
    return isOn(LAMP_PATTERNS[lamp], nowMs - lampMs);
  }

  return {
    key,
    lamp(next, atMs) {
      nowMs = Math.max(nowMs, atMs);
      change(next, nowMs);
      told = true;
      toldMs = nowMs;
    },
    noted(press, atMs) {
      nowMs = Math.max(nowMs, atMs);
      awaited.shift();
      answerMs = nowMs;
      play(press, nowMs);
    },
    step(atMs) {
      nowMs = Math.max(nowMs, atMs);
      if (nowMs - toldMs > LAMP_SILENT_MS) {
        change("fault", nowMs);
        told = true;
        toldMs = nowMs;
      }
      if (awaited.some((sinceMs) => nowMs - sinceMs > TAKEN_MS)) {
        awaited = [];
        play("lost", nowMs);
      }
      set("lamp", lampOn());
      const silent = spec.muted || (sound === "fault" && isFaultMuted);
      set("buzzer", sound !== undefined && !silent && isOn(SOUNDS[sound], nowMs - soundMs, true));
    },
  };
}
