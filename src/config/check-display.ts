import type { z } from "zod";
import type { Catalogue } from "../device/catalogue.ts";
import { hex } from "./check-parts.ts";
import { at, type Checking, complain, goodAt, namesAt } from "./checking.ts";
import { oneOf } from "./expected.ts";
import type { LoadedChannel, LoadedDisplay, LoadedPart } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { type BusConfig, cabSchema, displaySchema } from "./schema.ts";

/** Checks that the operator's display sits at an address of its own on an I2C bus that it keeps up with, and shows what there is. */
export function checkDisplay(
  c: Checking,
  buses: ReadonlyMap<string, BusConfig>,
  parts: ReadonlyMap<string, LoadedPart>,
  channels: readonly LoadedChannel[],
  catalogue: Catalogue,
): LoadedDisplay | undefined {
  const display = goodAt(c, displaySchema.strip(), ["display"]);
  if (display === undefined) return undefined;
  const { part, bus: busName, address, size } = display;
  const refuse = (key: string, text: string): undefined => {
    complain(c, "config/conflict", ["display", key], text);
  };
  const device = Object.hasOwn(catalogue, part) ? catalogue[part] : undefined;
  if (device?.kind !== "display") {
    const displays = Object.values(catalogue).filter((d) => d.kind === "display");
    return refuse(
      "part",
      `found "${part}"; ${suggest(
        part,
        displays.map((d) => d.part),
        "displays in the catalogue",
      )}`,
    );
  }
  if (!namesAt(c, ["buses"]).includes(busName))
    return refuse(
      "bus",
      `there is no bus "${busName}"; ${suggest(busName, namesAt(c, ["buses"]), "buses of this file")}`,
    );
  const bus = buses.get(busName);
  if (bus === undefined) return undefined;
  const there = at(c, ["buses", busName]);
  if (bus.kind !== "i2c")
    return refuse("bus", `${part} needs an I2C bus, but "${busName}" is of kind ${bus.kind} (${there})`);
  if (bus.clockHz > device.maxClockHz)
    refuse(
      "bus",
      `${part} bears at most ${device.maxClockHz} Hz, but "${busName}" runs at ${bus.clockHz} Hz (${there})`,
    );
  if (!device.addresses.includes(address))
    refuse("address", `found ${hex(address)}, expected ${oneOf(device.addresses.map(hex))} (the addresses of ${part})`);
  const other = [...parts.values()].find((p) => p.bus === busName && p.address === address);
  if (other !== undefined)
    refuse(
      "address",
      `${hex(address)} on "${busName}" is already taken by "${other.name}" (${at(c, ["parts", other.name])})`,
    );
  const cab = goodAt(c, cabSchema, ["cab"]) ?? cabSchema.parse({});
  const shown = { depth: display.depth ?? cab.depth, rotor: display.rotor ?? cab.rotor };
  checkShown(c, display, shown, channels);
  return { device, bus: busName, address, size, ...shown };
}

/** What is shown as m and rpm must be in m and rpm; a channel that is only the default need not be there. */
function checkShown(
  c: Checking,
  written: z.output<typeof displaySchema>,
  shown: Readonly<Record<"depth" | "rotor", string>>,
  channels: readonly LoadedChannel[],
): void {
  const names = namesAt(c, ["channels"]);
  for (const [key, unit] of [["depth", "m"] as const, ["rotor", "rpm"] as const]) {
    const name = shown[key];
    const path = written[key] === undefined ? ["display"] : ["display", key];
    const found = channels.find(({ column }) => column === name)?.spec.unit;
    if (written[key] !== undefined && !names.includes(name))
      complain(
        c,
        "config/conflict",
        path,
        `there is no channel "${name}"; ${suggest(name, names, "channels of this file")}`,
      );
    else if (found !== undefined && found !== unit)
      complain(c, "config/conflict", path, `it shows the ${key} in ${unit}, but channel "${name}" is in ${found}`);
  }
}
