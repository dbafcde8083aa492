import type { I2cBus } from "../bus/i2c.ts";
import type { Catalogue } from "../device/catalogue.ts";
import type { I2cDevice } from "../device/define.ts";
import { isSwathError } from "../model/errors.ts";

/** What was found at one address. */
export interface Answer {
  readonly address: number;
  /** `part`: known by its identity register; `answers`: something is there; `kernel`: a driver of the kernel has it. */
  readonly kind: "part" | "answers" | "kernel";
  /** The part known by its identity; or all parts that may sit here and have none. */
  readonly parts: readonly string[];
}

/** Addresses that are not reserved. */
const FIRST = 0x08;
const LAST = 0x77;

/** Whether a part's identity registers show what its table wants. They are read and nothing is written but their number. */
function isPart(bus: I2cBus, address: number, { identity, registers }: I2cDevice): boolean {
  return identity.every((id) => {
    const { at, bytes, order } = registers[id.reg]!;
    const word = new Uint8Array(bytes);
    bus.readRegister(address, at, word, bytes);
    let value = 0;
    for (let i = 0; i < bytes; i++) value = value * 256 + word[order === "le" ? bytes - 1 - i : i]!;
    const seen = id.mask === undefined ? value : (value & id.mask) >>> 0;
    return "equals" in id ? seen === id.equals : seen >= id.least;
  });
}

/** Nothing can be read from a display: it may be one where one can sit. */
const displaysAt = (address: number, catalogue: Catalogue): string[] =>
  Object.values(catalogue).flatMap((d) => (d.kind === "display" && d.addresses.includes(address) ? [d.part] : []));

function identify(bus: I2cBus, address: number, devices: readonly I2cDevice[], catalogue: Catalogue): Answer {
  const here = devices.filter((d) => d.addresses.includes(address));
  const known = here.filter((device) => {
    if (device.identity.length === 0) return false;
    try {
      return isPart(bus, address, device);
    } catch {
      return false;
    }
  });
  if (known.length > 0) return { address, kind: "part", parts: known.map((d) => d.part) };
  const mute = here.filter((d) => d.identity.length === 0).map((d) => d.part);
  return { address, kind: "answers", parts: [...mute, ...displaysAt(address, catalogue)] };
}

/**
 * Asks every address for one byte and what answers for its identity. An address that the kernel's own driver has is left alone;
 * after two time-outs the bus is given up, because its wires hang.
 * @returns what was found, and why the bus was given up if it was
 */
export function scanI2c(bus: I2cBus, catalogue: Catalogue): { answers: Answer[]; givenUp: string | undefined } {
  const devices = Object.values(catalogue).filter((d): d is I2cDevice => d.kind === "i2c");
  const answers: Answer[] = [];
  let timeouts = 0;
  for (let address = FIRST; address <= LAST; address++) {
    try {
      if (bus.probe(address)) answers.push(identify(bus, address, devices, catalogue));
    } catch (e) {
      if (!isSwathError(e, "bus")) throw e;
      if (e.code === "bus/busy") answers.push({ address, kind: "kernel", parts: [] });
      else if (e.code === "bus/timeout" && ++timeouts < 2) continue;
      else if (e.code !== "bus/io" && e.code !== "bus/arbitration") return { answers, givenUp: e.message };
    }
  }
  return { answers, givenUp: undefined };
}
