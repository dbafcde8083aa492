import { manualClock } from "../../src/bus/clock.ts";
import type { I2cTwin } from "../../src/bus/i2c.ts";
import { createMemoryI2c } from "../../src/bus/memory-i2c.ts";
import type { I2cDevice } from "../../src/device/define.ts";
import { createI2cSource } from "../../src/device/i2c-source.ts";
import type { SourceSink } from "../../src/device/source.ts";
import { createTwin, type TwinSpec } from "../../src/device/twin.ts";
import type { SourceState } from "../../src/model/record.ts";

/** Keeps what a source delivers, by channel key. */
export interface Kept {
  t: number[];
  x: number[];
  q: number[];
}

/** A source on a memory bus with time that stands still until `run` moves it. */
export function createRig(device: I2cDevice, options: unknown, part: (clock: { monoMs(): number }) => I2cTwin) {
  const clock = manualClock(1000);
  const bus = createMemoryI2c({ name: "test" });
  const address = device.addresses[0]!;
  const kept: Record<string, Kept> = {};
  const states: { state: SourceState; reason: string; atMs: number }[] = [];
  const scans: number[] = [];
  const sink: SourceSink = {
    block(channel, block) {
      const { key } = source.channels[channel]!;
      kept[key] ??= { t: [], x: [], q: [] };
      const into = kept[key];
      for (let i = 0; i < block.n; i++) {
        into.t.push(block.t[i]!);
        into.x.push(block.x[i]!);
        into.q.push(block.q[i]!);
      }
    },
    scan: (tMs) => void scans.push(tMs),
    state: (state, _previous, reason) => void states.push({ state, reason, atMs: clock.monoMs() }),
  };
  const twin = part(clock);
  let detach = bus.attach(address, twin);
  const source = createI2cSource({ device, name: "part", options, bus, address, clock, sink });

  return {
    clock,
    bus,
    address,
    source,
    kept,
    states,
    scans,
    /** Steps the source whenever it is due, for so long. */
    run(ms: number, untilTrue?: () => boolean): boolean {
      const endMs = clock.monoMs() + ms;
      while (clock.monoMs() < endMs) {
        if (untilTrue?.() === true) return true;
        const nextMs = Math.min(endMs, Math.max(source.dueMs, clock.monoMs() + 0.1));
        clock.advance(nextMs - clock.monoMs());
        if (source.dueMs <= clock.monoMs()) source.step(clock.monoMs());
      }
      return untilTrue?.() ?? true;
    },
    /** Pulls the connector. */
    pull: () => detach(),
    plug(other: I2cTwin = twin) {
      detach = bus.attach(address, other);
    },
    /** Forgets the samples so far. */
    forget() {
      for (const key of Object.keys(kept)) delete kept[key];
    },
  };
}

/** A source and the twin of its part. */
export function createTwinRig(device: I2cDevice, options: unknown, value: TwinSpec["value"], more?: Partial<TwinSpec>) {
  let twin!: ReturnType<typeof createTwin>;
  const rig = createRig(device, options, (clock) => {
    twin = createTwin({ device, options, clock, value, ...more });
    return twin;
  });
  return { ...rig, twin };
}
