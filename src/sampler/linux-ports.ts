import type { I2cBus } from "../bus/i2c.ts";
import { openLinuxCounter } from "../bus/linux-counter.ts";
import { openLinuxI2c } from "../bus/linux-i2c.ts";
import { openLinuxSerial } from "../bus/linux-serial.ts";
import { isSwathError, type SwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import type { Port } from "./open-parts.ts";

/** A bus of the configuration. */
export type BusSpec =
  | { readonly kind: "i2c"; readonly device: number }
  | { readonly kind: "counter"; readonly device: number }
  | { readonly kind: "serial"; readonly port: string; readonly baud: number; readonly silenceS: number };

/** A bus that cannot be opened on this machine: every call says why, so that its parts are shown as absent and nothing stops. */
function closedBus(name: string, error: SwathError): I2cBus {
  const refuse = (): never => {
    throw error;
  };
  return { name, readRegister: refuse, writeRegister: refuse, receive: refuse, probe: refuse, close: () => undefined };
}

/** Opens the buses of the configuration. Never throws for a bus that is missing or not permitted. */
export async function openLinuxPorts(
  buses: Readonly<Record<string, BusSpec>>,
  clock: Clock,
): Promise<ReadonlyMap<string, Port>> {
  const ports = new Map<string, Port>();
  for (const [name, spec] of Object.entries(buses)) {
    if (spec.kind === "serial") {
      const { port, baud, silenceS } = spec;
      ports.set(name, { kind: "serial", link: openLinuxSerial({ name, path: port, baud, silenceS, clock }) });
      continue;
    }
    if (spec.kind === "counter") {
      ports.set(name, { kind: "counter", bus: openLinuxCounter({ name, device: spec.device }) });
      continue;
    }
    const bus = await openLinuxI2c({ name, device: spec.device, clock }).catch((e: unknown) => {
      if (isSwathError(e)) return closedBus(name, e);
      throw e;
    });
    ports.set(name, { kind: "i2c", bus });
  }
  return ports;
}
