import type { LoadedConfig } from "../config/loaded.ts";
import type { Clock } from "../model/time.ts";
import { createSimulatedMachine } from "../sim/machine.ts";
import type { Port } from "./open-parts.ts";
import type { Due } from "./schedule.ts";

/** What a voltage behind the key reads while it is on: a machine of 24 V at work. */
const SUPPLY_V = 27.6;

/** The simulated machine: memory for every bus, a twin for every part but those that are unplugged. */
export function simulatedPorts(config: LoadedConfig, clock: Clock, startMs: number, startUtcMs: number) {
  const { profile, simulation, power } = config;
  const sense = config.channels.find((c) => c.column === power?.ignition.channel);
  const machine = createSimulatedMachine({
    scene: {
      seed: simulation?.seed ?? 1,
      toolWidthM: profile?.toolWidthM ?? 2,
      targetDepthM: profile?.targetDepthM ?? 0.2,
      rotorRpm: profile?.rotorRpm ?? 200,
      workSpeedMps: profile?.workSpeedMps ?? 0.139,
    },
    buses: config.buses,
    parts: config.parts
      .filter(({ name }) => simulation?.unplugged?.includes(name) !== true)
      .map((part) => ({
        ...part,
        columns: Object.fromEntries(
          config.channels.flatMap((c) =>
            [c, ...c.standIns].filter((s) => s.part === part.name).map((s) => [s.key, c.column]),
          ),
        ),
      })),
    constant: config.harness && { column: config.harness.channel, value: config.harness.serial },
    key: sense && {
      column: sense.column,
      on: sense.spec.unit === "V" ? SUPPLY_V : 1,
      offAtS: simulation?.keyOffAtS,
      onAtS: simulation?.keyOnAtS,
    },
    display: config.display,
    clock,
    startMs,
    startUtcMs,
  });
  const ports = new Map<string, Port>();
  for (const [name, bus] of machine.i2c) ports.set(name, { kind: "i2c", bus });
  for (const [name, bus] of machine.counters) ports.set(name, { kind: "counter", bus });
  for (const [name, link] of machine.serial) ports.set(name, { kind: "serial", link });
  return { ports, boards: machine.boards, display: machine.display, actors: machine.actors as readonly Due[] };
}
