import { expect } from "vitest";
import { finallyWanted } from "../../src/device/bring-up.ts";
import type { I2cDevice, I2cPlan } from "../../src/device/define.ts";
import { codecOf } from "../../src/device/encoding.ts";
import type { ChannelTable } from "../../src/device/table.ts";
import { QUALITY } from "../../src/model/quality.ts";
import { createTwinRig } from "../device/rig.ts";
import type { Check } from "../golden/checks.ts";

/** A value somewhere within a channel's range, `share` of the way up, within what its encoding can carry. */
function within(channel: ChannelTable, share: number): number {
  let [low, high] = channel.range;
  if ("encoding" in channel) {
    const { lowest, highest } = codecOf(channel.encoding);
    const ends = [lowest, highest].map((count) => count * channel.scale + (channel.offset ?? 0));
    low = Math.max(low, Math.min(...ends));
    high = Math.min(high, Math.max(...ends));
  }
  return low + (high - low) * share;
}

const stepOf = (channel: ChannelTable) => ("scale" in channel ? Math.abs(channel.scale) : channel.resolution);

/** Channels that others are measured against stand still near the top, where their own rounding matters least. */
const railsOf = (plan: I2cPlan) =>
  new Set(
    Object.values(plan.channels).flatMap((c) => ("ratio" in c && c.ratio !== undefined ? [c.ratio.channel] : [])),
  );
const RAIL = 0.61;

/** A world where every channel stands at one share of its range, with the few counts of noise that no part is without. */
function world(plan: I2cPlan, share: number, swing = 0) {
  const rails = railsOf(plan);
  return (key: string, tMs: number) => {
    const channel = plan.channels[key]!;
    if (rails.has(key)) return within(channel, RAIL);
    const noise = plan.stuckAfter === undefined ? 0 : (Math.floor(tMs / 1.7) % 3) - 1;
    return within(channel, share + swing * (Math.floor(tMs / 40) % 2)) + noise * 2 * stepOf(channel);
  };
}

/** How much of the range a value must move for an armed part to take notice. */
const isArmed = (plan: I2cPlan) => plan.read.verb === "armedFifo";
const swingOf = (plan: I2cPlan, share: number) => (isArmed(plan) ? (share > 0.5 ? -0.2 : 0.2) : 0);

/** Long enough to be set up and to give every channel at least once. */
function settleMs(plan: I2cPlan): number {
  const { read } = plan;
  const frames = read.verb === "poll" ? read.frames : read.verb === "oneShot" ? read.shots : [];
  return 1500 + 2 * Math.max(0, ...frames.map((f) => f.everyMs));
}

/** What must hold of any part, through its twin: the same checks for all. */
export function twinChecks(options: unknown): Check[] {
  const rigOf = (device: I2cDevice, share = 0.6) => {
    const plan = device.plan(options);
    const value = world(plan, share, swingOf(plan, share));
    return { plan, value, rig: createTwinRig(device, options, value) };
  };

  return [
    {
      title: "gives out what is put in, within half a count",
      run(device) {
        for (const share of [0.07, 0.31, 0.5, 0.77, 0.96]) {
          const { plan, rig } = rigOf(device, share);
          rig.run(settleMs(plan));
          for (const [key, channel] of Object.entries(plan.channels)) {
            const step = stepOf(channel);
            if (railsOf(plan).has(key)) continue;
            // Measured against another channel, the rounding of that one is added.
            const half = "ratio" in channel ? 1.3 : 0.501;
            const levels = [within(channel, share), within(channel, share + swingOf(plan, share))];
            const kept = rig.kept[key]!;
            expect(kept?.x.length, `${key} has samples`).toBeGreaterThan(0);
            const from = "ratio" in channel ? 1 : 0;
            const near = (x: number) =>
              levels.some((level) => [-2, 0, 2].some((n) => Math.abs(x - level - n * step) <= half * step));
            const wrong = kept.x.slice(from).find((x) => !near(x));
            expect(wrong, `${key}, for ${levels.join(" or ")} ± 2 counts of ${step}`).toBeUndefined();
            expect(
              kept.q.slice(from).every((q) => q === 0),
              `${key} is good`,
            ).toBe(true);
          }
        }
      },
    },
    {
      title: "starts, runs, says how it was recognised, and counts nothing but samples",
      run(device) {
        const { plan, rig } = rigOf(device);
        expect(rig.source.state).toBe("starting");
        rig.run(settleMs(plan));
        expect(rig.states.map((s) => s.state)).toEqual(["running"]);
        const recognised = plan.identity.length > 0 ? "id" : plan.setup.length > 0 ? "readback" : "ack-only";
        expect(rig.source.verified).toBe(recognised);
        expect(rig.source.channels.map((c) => c.key)).toEqual(Object.keys(plan.channels));
        expect(rig.scans.length).toBeGreaterThan(0);
        const { samples, missing, ...rest } = rig.source.counters;
        expect(samples).toBeGreaterThan(0);
        expect(missing).toBeLessThanOrEqual(1);
        expect(Object.entries(rest).filter(([, n]) => n !== 0)).toEqual([]);
      },
    },
    {
      title: "flags a value beyond the end of the range as clipped, and shows the end",
      run(device) {
        const plan = device.plan(options);
        const clipping = Object.entries(plan.channels).filter(([, c]) => "clip" in c && c.clip !== undefined);
        for (const sign of [-1, 1]) {
          const beyond = (key: string, tMs: number) =>
            clipping.some(([k]) => k === key) && (!isArmed(plan) || Math.floor(tMs / 40) % 2 === 1)
              ? sign * 1e9
              : within(plan.channels[key]!, 0.5) + (Math.floor(tMs / 1.7) % 3) * stepOf(plan.channels[key]!);
          const rig = createTwinRig(device, options, beyond);
          rig.run(settleMs(plan));
          for (const [key, channel] of clipping) {
            if (sign < 0 && channel.range[0] === 0) continue;
            const kept = rig.kept[key]!;
            const clipped = kept.x.flatMap((x, i) => ((kept.q[i]! & QUALITY.clipped) !== 0 ? [x] : []));
            expect(clipped.length, `${key} clips`).toBeGreaterThan(0);
            const end = sign < 0 ? channel.range[0] : channel.range[1];
            for (const x of clipped) expect(Math.abs(x - end) / Math.abs(end), `${key}: ${x}`).toBeLessThan(0.02);
          }
        }
      },
    },
    {
      title: "refuses a stranger at its address, and takes no sample from it",
      run(device) {
        const { plan, rig } = rigOf(device);
        if (plan.identity.length === 0) return;
        rig.twin.disguise();
        rig.run(10_000);
        expect(rig.source.state).toBe("failed");
        expect(rig.states.map((s) => s.reason)).toEqual(["device/stranger"]);
        expect(rig.source.counters["stranger"]).toBeGreaterThan(1);
        expect(rig.kept).toEqual({});
      },
    },
    {
      title: "finds a brown-out, sets the part up anew and runs again",
      run(device) {
        const { plan, rig } = rigOf(device);
        rig.run(settleMs(plan) + 3000);
        expect(rig.source.state).toBe("running");
        rig.twin.brownOut();
        const checks = finallyWanted(plan.setup).length + (plan.awake === undefined ? 0 : 1);
        // Nothing is lost where the part wakes up as it is wanted, or where measuring itself writes the setting.
        const harmless = plan.setup.every(
          (w) => mendedByMeasuring(plan, w.reg) || (rig.twin.peek(w.reg) & w.mask) === (w.value & w.mask),
        );
        if (!harmless) {
          rig.run(1000 * (checks + 1), () => rig.source.counters["brownOut"]! > 0);
          expect(rig.source.counters["brownOut"]).toBe(1);
          expect(rig.source.state).toBe("degraded");
          expect(rig.states.at(-1)!.reason).toBe("device/brown-out");
        }
        rig.forget();
        rig.run(settleMs(plan) + 4500);
        expect(rig.source.state).toBe("running");
        for (const w of plan.setup.filter((w) => !mendedByMeasuring(plan, w.reg)))
          expect(rig.twin.peek(w.reg) & w.mask, w.reg).toBe(w.value & w.mask);
        for (const key of Object.keys(plan.channels)) expect(rig.kept[key]!.q.at(-1), key).toBe(0);
      },
    },
    {
      title: "is absent while its connector is pulled, and runs again after it is back",
      run(device) {
        const { plan, rig } = rigOf(device);
        rig.run(settleMs(plan));
        rig.pull();
        rig.run(2500 + settleMs(plan));
        expect(rig.source.state).toBe("absent");
        expect(rig.source.counters["noAck"]).toBeGreaterThan(0);
        rig.run(20_000);
        const asked = rig.source.counters["noAck"]!;
        rig.run(120_000);
        // At one attempt a minute at the most; a pulled part costs its neighbours nothing.
        expect(rig.source.counters["noAck"]! - asked).toBeLessThanOrEqual(6);
        expect(rig.states.filter((s) => s.state === "absent")).toHaveLength(1);
        rig.twin.brownOut();
        rig.plug();
        rig.forget();
        rig.run(60_000 + settleMs(plan) + 4000, () => rig.source.state === "running");
        expect(rig.source.state).toBe("running");
        rig.run(settleMs(plan));
        for (const key of Object.keys(plan.channels)) expect(rig.kept[key]!.q.at(-1), key).toBe(0);
      },
    },
    {
      title: "counts each kind of fault once under its own name, and tries again within the step",
      run(device) {
        for (const [fault, kind] of [
          ["nack", "noAck"],
          ["timeout", "timeout"],
          ["busy", "busy"],
          ["arbitration", "arbitration"],
          ["io", "io"],
        ] as const) {
          const { plan, rig } = rigOf(device);
          rig.run(settleMs(plan));
          rig.bus.faults.inject(rig.address, fault, 1);
          rig.run(3000);
          expect(rig.source.counters[kind], kind).toBe(1);
          expect(rig.source.counters["retries"]).toBe(1);
          expect(rig.states.map((s) => s.state)).toEqual(["running"]);
        }
      },
    },
    {
      title: "is parked after three time-outs, then asked once in a while, and comes back",
      run(device) {
        const { plan, rig } = rigOf(device);
        rig.run(settleMs(plan));
        rig.bus.faults.inject(rig.address, "timeout");
        rig.run(2500 + settleMs(plan), () => rig.source.state === "failed");
        expect(rig.source.state).toBe("failed");
        expect(rig.source.counters["timeout"]).toBe(3);
        rig.run(60_000);
        expect(rig.source.counters["timeout"]).toBeLessThanOrEqual(3 + 6);
        rig.bus.faults.lift(rig.address);
        rig.run(84_000 + settleMs(plan), () => rig.source.state === "running");
        expect(rig.source.state).toBe("running");
      },
    },
    {
      title: "never throws and never takes a sample that is not marked, whatever the bus returns",
      run(device) {
        for (const byte of [0x00, 0xff]) {
          const { plan, rig } = rigOf(device);
          rig.run(settleMs(plan));
          rig.pull();
          rig.plug({
            read: (_r, into, length) => void into.fill(byte, 0, length),
            write: () => {},
            receive: (into, length) => void into.fill(byte, 0, length),
          });
          rig.run(10_000 + 1000 * plan.setup.length);
          if (plan.identity.length > 0 || plan.setup.some((w) => (byte & w.mask) !== (w.value & w.mask & 0xff)))
            expect(rig.source.state, `all ${byte}`).not.toBe("running");
        }
        const { plan, rig } = rigOf(device);
        rig.run(settleMs(plan));
        rig.bus.faults.inject(rig.address, "bitFlip");
        rig.run(5000);
        rig.bus.faults.lift(rig.address);
        rig.run(84_000 + settleMs(plan), () => rig.source.state === "running");
        expect(rig.source.state).toBe("running");
      },
    },
    {
      title: "calls a part stuck that repeats one scan, when its table says that it never does",
      run(device) {
        const { plan, rig } = rigOf(device);
        if (plan.stuckAfter === undefined || isArmed(plan)) return;
        rig.run(settleMs(plan));
        rig.twin.freeze();
        const everyMs = plan.read.verb === "poll" ? (plan.read.frames[0]?.everyMs ?? 0) : 0;
        rig.run(Math.max(3000, 2 * (plan.stuckAfter + 2) * everyMs));
        expect(rig.source.counters["stuck"]).toBeGreaterThan(0);
        expect(rig.source.state).toBe("degraded");
        const bits = QUALITY.stuck | QUALITY.suspect;
        for (const [key, { q }] of Object.entries(rig.kept)) {
          const isIts = plan.stuckFrame === undefined || plan.channels[key]!.frame === plan.stuckFrame;
          expect(q.at(-1)! & bits, key).toBe(isIts ? bits : 0);
        }
        rig.twin.thaw();
        rig.run(20_000 + 3 * everyMs, () => rig.source.state === "running");
        expect(rig.source.state).toBe("running");
      },
    },
  ];
}

/** Whether taking a measurement writes the register anyway. */
function mendedByMeasuring(plan: I2cPlan, reg: string): boolean {
  return plan.read.verb === "oneShot" && plan.read.shots.some((shot) => shot.start.reg === reg);
}
