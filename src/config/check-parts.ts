import type { Catalogue, Device } from "../device/catalogue.ts";
import type { I2cDevice } from "../device/define.ts";
import { busKindOf, channelsOf } from "./catalogue.ts";
import { at, type Checking, complain, goodEntries, namesAt, type Path } from "./checking.ts";
import { oneOf } from "./expected.ts";
import { parseTree } from "./issues.ts";
import type { LoadedPart } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { type BusConfig, busSchema, partSchema } from "./schema.ts";

// A key too many has been reported with the whole file; it does not keep the rest from being checked.
const loosePart = partSchema.strip();

/** Least silence after which the port of a sub-board may be reopened: its bootloader and its reader need that long. */
const BOARD_SILENCE_S = 10;

/** An I2C address as people write it: `0x1d`. */
export const hex = (address: number) => `0x${address.toString(16).padStart(2, "0")}`;

/** What a bus is called in messages. */
const KIND_WORDS = { i2c: "an I2C", serial: "a serial", counter: "a counter" } as const;

/** What a bus is on the machine. */
function thingOf(bus: BusConfig): string {
  if (bus.kind === "serial") return bus.port;
  return bus.kind === "i2c" ? `/dev/i2c-${bus.device}` : `counter${bus.device}`;
}

/** The buses that are well formed, after checking that no two of them are the same adapter or port. */
export function checkBuses(c: Checking): Map<string, BusConfig> {
  const buses = goodEntries(c, busSchema, ["buses"]);
  const owner = new Map<string, string>();
  for (const [name, bus] of buses) {
    const thing = thingOf(bus);
    const other = owner.get(thing);
    const path = ["buses", name, bus.kind === "serial" ? "port" : "device"];
    if (other === undefined) owner.set(thing, name);
    else complain(c, "config/conflict", path, `${thing} is already the bus "${other}" (${at(c, ["buses", other])})`);
  }
  return buses;
}

/** The parts that are right in themselves and fit their bus. */
export function checkParts(
  c: Checking,
  buses: ReadonlyMap<string, BusConfig>,
  catalogue: Catalogue,
): Map<string, LoadedPart> {
  const parts = new Map<string, LoadedPart>();
  const seat = new Map<string, string>();
  for (const [name, written] of goodEntries(c, loosePart, ["parts"])) {
    const path = ["parts", name];
    const device = Object.hasOwn(catalogue, written.part) ? catalogue[written.part] : undefined;
    if (device === undefined) {
      const names = Object.keys(catalogue).filter((part) => catalogue[part]?.kind !== "display");
      const hint = suggest(written.part, names, "parts in the catalogue");
      complain(
        c,
        "config/conflict",
        [...path, "part"],
        `found "${written.part}", which is not in the catalogue; ${hint}`,
      );
    }
    if (device?.kind === "display") {
      const text = `${device.part} is a display: it measures nothing, and has the section display: of its own`;
      complain(c, "config/conflict", [...path, "part"], text);
      continue;
    }
    if (!namesAt(c, ["buses"]).includes(written.bus)) {
      const hint = suggest(written.bus, namesAt(c, ["buses"]), "buses of this file");
      complain(c, "config/conflict", [...path, "bus"], `there is no bus "${written.bus}"; ${hint}`);
    }
    if (device === undefined) continue;
    const bus = buses.get(written.bus);
    const fits = bus === undefined || checkBus(c, path, device, written.bus, bus);
    const address = device.kind === "i2c" ? addressOf(c, path, device, written.address) : undefined;
    if (device.kind !== "i2c" && written.address !== undefined)
      complain(
        c,
        "config/conflict",
        [...path, "address"],
        `${device.part} is ${KIND_WORDS[busKindOf(device)]} part and has no address`,
      );
    if (fits && bus !== undefined) takeSeat(c, name, written.bus, bus, address, seat);
    const options = parseTree(device.options, c.tree, [...path, "options"], c.problems);
    if (options === undefined || typeof options !== "object" || options === null) continue;
    const channels = channelsOf(device, options);
    const base = {
      name,
      device,
      bus: written.bus,
      options: options as Readonly<Record<string, unknown>>,
      ...(written.hooks === undefined ? {} : { hooks: written.hooks }),
      channels,
    };
    parts.set(name, address === undefined ? base : { ...base, address });
  }
  return parts;
}

function checkBus(c: Checking, path: Path, device: Device, busName: string, bus: BusConfig): boolean {
  const wanted = busKindOf(device);
  if (bus.kind !== wanted) {
    const text = `${device.part} needs ${KIND_WORDS[wanted]} bus, but "${busName}" is ${KIND_WORDS[bus.kind]} bus (${at(c, ["buses", busName])})`;
    complain(c, "config/conflict", [...path, "bus"], text);
    return false;
  }
  if (bus.kind === "serial" && device.kind === "board" && bus.silenceS < BOARD_SILENCE_S) {
    const text = `${device.part} says nothing until it is asked, and reopening its port restarts it: expected silenceS of at least ${BOARD_SILENCE_S}, found ${bus.silenceS} (${at(c, ["buses", busName])})`;
    complain(c, "config/conflict", [...path, "bus"], text);
  }
  if (bus.kind === "i2c" && device.kind === "i2c" && bus.clockHz > device.maxClockHz) {
    const text = `${device.part} bears at most ${device.maxClockHz} Hz, but "${busName}" runs at ${bus.clockHz} Hz (${at(c, ["buses", busName, "clockHz"])})`;
    complain(c, "config/conflict", [...path, "bus"], text);
  }
  return true;
}

function addressOf(c: Checking, path: Path, device: I2cDevice, written: number | undefined): number | undefined {
  const allowed = device.kind === "i2c" ? device.addresses : [];
  const list = `${oneOf(allowed.map(hex))} (the addresses of ${device.part})`;
  if (written === undefined) {
    if (allowed.length === 1) return allowed[0];
    complain(c, "config/invalid", [...path, "address"], `is missing, expected ${list}`);
    return undefined;
  }
  if (allowed.includes(written)) return written;
  complain(c, "config/conflict", [...path, "address"], `found ${hex(written)}, expected ${list}`);
  return undefined;
}

/** One part at one address of an I2C bus; one device on a serial port. */
function takeSeat(
  c: Checking,
  name: string,
  busName: string,
  bus: BusConfig,
  address: number | undefined,
  seat: Map<string, string>,
): void {
  if (bus.kind === "i2c" && address === undefined) return;
  const key = bus.kind === "i2c" ? `${busName} ${address}` : busName;
  const other = seat.get(key);
  if (other === undefined) {
    seat.set(key, name);
    return;
  }
  const where = `taken by "${other}" (${at(c, ["parts", other])})`;
  if (address !== undefined)
    complain(c, "config/conflict", ["parts", name, "address"], `${hex(address)} on "${busName}" is already ${where}`);
  else complain(c, "config/conflict", ["parts", name, "bus"], `the ${bus.kind} bus "${busName}" is already ${where}`);
}
