import { expect } from "vitest";
import { finallyWanted } from "../../src/device/bring-up.ts";
import type { I2cDevice } from "../../src/device/define.ts";
import { qualityNames } from "../../src/model/quality.ts";
import { createRig } from "../device/rig.ts";
import { bytesOf, createScriptPart, type ScriptPart } from "./script-part.ts";

interface Bits {
  mask: string;
  value: string;
}
/** Value and quality names of the newest sample; null where there is no value. */
type Expected = Record<string, [number | null, string[]]>;

interface GoldenRun {
  title: string;
  options: unknown;
  /** Sweep these options through the twin too. */
  sweep?: boolean;
  setup?: Record<string, Bits>;
  /** Registers that measuring writes again and again, so that a lost setting mends itself. */
  rewritten?: string[];
  /** Registers written as a whole before they are set up. */
  zeroed?: string[];
  awake?: { reg: string } & Bits;
  writes?: string[];
  reads?: { reg: string; bytes: number }[];
  frames?: {
    title: string;
    answers?: Record<string, string>;
    after?: Record<string, Record<string, string>>;
    expect: Expected;
  }[];
}

/** What the data sheet says, worked by hand: `test/golden/<part>.json`. */
export interface Golden {
  part: string;
  source: string;
  /** Options for the sweep through the twin. */
  options: unknown;
  identity?: Record<string, { bytes: string; mask: string }>;
  /** Answers that every run of this part needs (calibration constants). */
  constants?: Record<string, string>;
  runs: GoldenRun[];
}

export interface Check {
  title: string;
  run(device: I2cDevice): void;
}

/** Long enough to be set up, and to give every channel twice. */
function settleMs(device: I2cDevice, run: GoldenRun): number {
  const { read } = device.plan(run.options);
  const frames = read.verb === "poll" ? read.frames : read.verb === "oneShot" ? read.shots : [];
  return 1300 + 2.2 * Math.max(0, ...frames.map((f) => f.everyMs));
}

function start(device: I2cDevice, golden: Golden, run: GoldenRun, prepare: (part: ScriptPart) => void, blank = 0) {
  const part = createScriptPart(blank);
  for (const [reg, { bytes }] of Object.entries(golden.identity ?? {})) part.answer(reg, bytes);
  for (const [reg, bytes] of Object.entries(golden.constants ?? {})) part.answer(reg, bytes);
  prepare(part);
  // A script repeats itself, as a stuck part does; whether one is, is not its business.
  const plan = (options: unknown) => ({ ...device.plan(options), stuckAfter: undefined });
  const rig = createRig({ ...device, plan }, run.options, () => part);
  return { rig, part };
}

/** Everything that a golden file claims, as checks to run on a part's table. */
export function goldenChecks(golden: Golden): Check[] {
  return [...identityChecks(golden), ...golden.runs.flatMap((run) => runChecks(golden, run))];
}

function identityChecks(golden: Golden): Check[] {
  const run = golden.runs[0]!;
  return Object.entries(golden.identity ?? {}).map(([reg, { bytes, mask }]) => ({
    title: `knows the part by every bit of register 0x${reg} that tells it, and by no other`,
    run(device) {
      const right = bytesOf(bytes);
      const masks = bytesOf(mask);
      for (let bit = 0; bit < 8 * right.length; bit++) {
        const answer = [...right];
        answer[bit >> 3]! ^= 1 << (bit & 7);
        const hex = answer.map((b) => b.toString(16)).join(" ");
        const { rig } = start(device, golden, run, (part) => part.answer(reg, hex));
        rig.run(300);
        const tells = (masks[bit >> 3]! & (1 << (bit & 7))) !== 0;
        expect(rig.source.counters["stranger"]! > 0, `bit ${bit}`).toBe(tells);
      }
    },
  }));
}

function runChecks(golden: Golden, run: GoldenRun): Check[] {
  const checks: Check[] = [];
  const setup = Object.entries(run.setup ?? {});
  if (setup.length > 0)
    checks.push({
      title: `${run.title}: sets up exactly the bits of the data sheet, whatever the registers held`,
      run(device) {
        for (const blank of [0x00, 0xff]) {
          const { rig, part } = start(device, golden, run, () => {}, blank);
          rig.run(settleMs(device, run));
          for (const [reg, { mask, value }] of setup) {
            const masks = bytesOf(mask);
            const rewritten = run.rewritten?.includes(reg) ?? false;
            const kept = rewritten || run.zeroed?.includes(reg) ? 0 : blank;
            const wanted = bytesOf(value).map((b, i) => b | (kept & ~masks[i]! & 0xff));
            const seen = part.held(reg, masks.length).map((b, i) => (rewritten ? b & masks[i]! : b));
            expect(seen, `register 0x${reg} after 0x${blank.toString(16)}`).toEqual(wanted);
          }
          expect(rig.source.verified).toBe(golden.identity === undefined ? "readback" : "id");
          const named = new Set(setup.map(([reg]) => Number.parseInt(reg, 16)));
          const plan = device.plan(run.options);
          for (const { reg, mask, value } of finallyWanted(plan.setup)) {
            const { at } = plan.registers[reg]!;
            if (run.awake !== undefined) expect(named, reg).toContain(at);
            const stated = setup.find(([hex]) => Number.parseInt(hex, 16) === at)?.[1];
            if (stated !== undefined) expect([mask, value]).toEqual([numberOf(stated.mask), numberOf(stated.value)]);
          }
        }
      },
    });
  const watched = [...setup, ...(run.awake === undefined ? [] : [[run.awake.reg, run.awake] as const])];
  if (watched.length > 0)
    checks.push({
      title: `${run.title}: notices any wanted bit that is lost while running`,
      run(device) {
        const plan = device.plan(run.options);
        if (run.awake !== undefined) {
          expect(plan.registers[plan.awake!.reg]!.at).toBe(Number.parseInt(run.awake.reg, 16));
          expect(plan.awake!.mask).toBe(numberOf(run.awake.mask));
          expect(plan.awake!.value).toBe(numberOf(run.awake.value));
        }
        for (const [reg, { mask }] of watched) {
          if (run.rewritten?.includes(reg)) continue;
          const masks = bytesOf(mask);
          for (let bit = 0; bit < 8 * masks.length; bit++) {
            if ((masks[bit >> 3]! & (1 << (bit & 7))) === 0) continue;
            const { rig, part } = start(device, golden, run, () => {});
            rig.run(800);
            const held = part.held(reg, masks.length);
            held[bit >> 3]! ^= 1 << (bit & 7);
            part.hold(reg, held);
            rig.run(1000 * (plan.setup.length + 2), () => rig.source.counters["brownOut"]! > 0);
            expect(rig.source.counters["brownOut"], `register 0x${reg} bit ${bit}`).toBe(1);
          }
        }
      },
    });
  if (run.reads !== undefined || run.writes !== undefined)
    checks.push({
      title: `${run.title}: asks the part as the data sheet says`,
      run(device) {
        const { rig, part } = start(device, golden, run, (p) => show(p, run.frames?.[0] ?? {}));
        rig.run(settleMs(device, run));
        for (const { reg, bytes } of run.reads ?? []) expect(part.log).toContain(`${reg} ${bytes}`);
        for (const write of run.writes ?? []) expect(part.log).toContain(`w ${write}`);
      },
    });
  for (const frame of run.frames ?? [])
    checks.push({
      title: `${run.title}: ${frame.title}`,
      run(device) {
        const { rig } = start(device, golden, run, (part) => show(part, frame));
        rig.run(settleMs(device, run));
        for (const [key, [x, names]] of Object.entries(frame.expect)) {
          const kept = rig.kept[key];
          expect(kept, key).toBeDefined();
          const at = kept!.x.length - 1;
          const value = kept!.x[at]!;
          if (x === null) expect(value, key).toBeNaN();
          else expect(Math.abs(value - x), `${key}: ${value}`).toBeLessThanOrEqual(2e-8 * Math.abs(x) + 1e-9);
          expect(qualityNames(kept!.q[at]!), `${key}: quality`).toEqual(names);
        }
        if (Object.keys(frame.expect).length === 0) expect(rig.kept).toEqual({});
      },
    });
  return checks;
}

const numberOf = (hex: string) => bytesOf(hex).reduce((sum, b) => sum * 256 + b, 0);

function show(
  part: ScriptPart,
  frame: { answers?: Record<string, string>; after?: Record<string, Record<string, string>> },
): void {
  for (const [reg, hex] of Object.entries(frame.answers ?? {})) part.answer(reg, hex);
  part.after = frame.after ?? {};
}
