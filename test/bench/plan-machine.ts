import { catalogue } from "../../devices/index.ts";
import { systemClock } from "../../src/bus/clock.ts";
import type { I2cBus } from "../../src/bus/i2c.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { LoadedConfig } from "../../src/config/loaded.ts";
import { createLateness } from "../../src/sampler/lateness.ts";
import { createSchedule } from "../../src/sampler/schedule.ts";
import { simulatedPorts } from "../../src/sampler/simulated-ports.ts";
import { type I2cUser, startI2cUser } from "../rigs/i2c-user/rig.ts";
import { SCENE_NAMES } from "./plan-config.ts";

/** The plan's machine made of memory, each of its channels moved by the scene. */
export function planMachine(config: LoadedConfig, startMs: number) {
  const channels = config.channels.map((c) => ({ ...c, column: SCENE_NAMES[c.column] ?? c.column }));
  return simulatedPorts({ ...config, channels }, systemClock, startMs, Date.now());
}

/** The plan's I2C twins in this process, behind `/dev/i2c-N` for a child started with the environment of what is returned. Needs gcc. */
export async function servePlanI2c(configFile: string): Promise<I2cUser> {
  const config = loadConfig(configFile, { catalogue });
  const { ports, actors } = planMachine(config, systemClock.monoMs());
  const buses: Record<number, I2cBus> = {};
  for (const [name, port] of ports) {
    const spec = config.buses[name];
    if (port.kind === "i2c" && spec?.kind === "i2c") buses[spec.device] = port.bus;
  }
  const user = await startI2cUser(buses);
  const schedule = createSchedule({ items: actors, clock: systemClock, lateness: createLateness() });
  schedule.start();
  return {
    ...user,
    async stop() {
      schedule.stop();
      await user.stop();
    },
  };
}
