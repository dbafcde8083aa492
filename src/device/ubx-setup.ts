import {
  decodeItems,
  encodeValget,
  encodeValset,
  UBX_ACK,
  UBX_CFG,
  UBX_MON_VER,
  type UbxItem,
} from "../codec/ubx-config.ts";
import { encodeUbx } from "../codec/ubx-framer.ts";

/** An answer comes within this, or the step is tried again. */
const ANSWER_MS = 1000;
const TRIES = 3;
/** After a set-up that failed. */
const AGAIN_MS = 30_000;
/** What is in force is read again this often: a receiver that lost its supply has its maker's settings. */
const CHECK_MS = 10_000;

/** The dialogue that sets a u-blox receiver up: version, settings group by group, all of them read back, and again while it runs. */
export function createUbxSetup(options: {
  readonly groups: readonly (readonly UbxItem[])[];
  readonly write: (bytes: Uint8Array) => boolean;
  /** Everything wanted has been read back; false: it is not known, or no longer so. */
  readonly verified: (is: boolean) => void;
}) {
  const { groups } = options;
  const wanted = groups.flat();
  const keys = wanted.map((item) => item.key);
  const counters = { setups: 0, setupTimeouts: 0, setupNaks: 0, setupFailures: 0, readback: 0, lostSettings: 0 };
  /** 0 version, 1 to groups.length settings, then reading back. */
  let step = 0;
  let tries = 0;
  let awaiting = false;
  let complete = false;
  let dueMs = Number.POSITIVE_INFINITY;

  const isReadback = () => step === groups.length + 1;

  function ask(nowMs: number): void {
    const group = groups[step - 1];
    const frame =
      step === 0
        ? encodeUbx(UBX_MON_VER.cls, UBX_MON_VER.id, new Uint8Array(0))
        : group === undefined
          ? encodeValget(keys)
          : encodeValset(group);
    options.write(frame);
    tries++;
    awaiting = true;
    dueMs = nowMs + ANSWER_MS;
  }

  function begin(nowMs: number): void {
    step = 0;
    tries = 0;
    complete = false;
    options.verified(false);
    ask(nowMs);
  }

  /** The receiver no longer has what was set: it lost its supply. */
  function again(nowMs: number): void {
    counters.lostSettings++;
    begin(nowMs);
  }

  function next(nowMs: number): void {
    step++;
    tries = 0;
    ask(nowMs);
  }

  function fail(nowMs: number): void {
    counters.setupFailures++;
    awaiting = false;
    complete = false;
    step = 0;
    tries = 0;
    dueMs = nowMs + AGAIN_MS;
  }

  function readBack(payload: Uint8Array, nowMs: number): void {
    const got = new Map(decodeItems(payload).map(({ key, value }) => [key, value]));
    if (wanted.every(({ key, value }) => got.get(key) === value)) {
      if (!complete) counters.setups++;
      complete = true;
      awaiting = false;
      tries = 0;
      dueMs = nowMs + CHECK_MS;
      options.verified(true);
      return;
    }
    if (!complete) {
      counters.readback++;
      fail(nowMs);
      return;
    }
    again(nowMs);
  }

  return {
    counters: counters as Readonly<typeof counters>,
    begin,
    get dueMs() {
      return dueMs;
    },
    /** Takes an answer; frames that are none are left alone. */
    frame(cls: number, id: number, payload: Uint8Array, nowMs: number): void {
      if (!awaiting) return;
      if (cls === UBX_MON_VER.cls && id === UBX_MON_VER.id && step === 0 && payload.length >= 40) next(nowMs);
      else if (cls === UBX_CFG.cls && id === UBX_CFG.valget && isReadback()) readBack(payload, nowMs);
      else if (cls === UBX_ACK.cls && payload[0] === UBX_CFG.cls) {
        const isSetting = payload[1] === UBX_CFG.valset && step >= 1 && !isReadback();
        const isAsking = payload[1] === UBX_CFG.valget && isReadback();
        if (isSetting && id === UBX_ACK.ack) next(nowMs);
        else if (isAsking && id === UBX_ACK.nak && complete) again(nowMs);
        else if ((isSetting || isAsking) && id === UBX_ACK.nak) {
          counters.setupNaks++;
          fail(nowMs);
        }
      }
    },
    step(nowMs: number): void {
      if (nowMs < dueMs) return;
      if (awaiting) {
        counters.setupTimeouts++;
        if (tries >= TRIES) fail(nowMs);
        else ask(nowMs);
      } else if (complete) ask(nowMs);
      else begin(nowMs);
    },
    stop(): void {
      awaiting = false;
      complete = false;
      dueMs = Number.POSITIVE_INFINITY;
    },
  };
}
