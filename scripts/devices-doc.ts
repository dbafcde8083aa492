import { z } from "zod";
import { catalogue } from "../devices/index.ts";
import { channelsOf } from "../src/config/catalogue.ts";
import type { Device } from "../src/device/catalogue.ts";
import type { DisplayDevice } from "../src/device/display-device.ts";
import { verifiedBy } from "../src/device/verification.ts";
import { keepFile } from "./keep-file.ts";

type Json = Record<string, unknown>;

const object = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});
const hex = (n: number) => `0x${n.toString(16).padStart(2, "0")}`;

/** Options that show every kind of channel of a part that has none until it is told. */
export const SHOWN: Readonly<Record<string, unknown>> = {
  ads1115: {
    a0: { loop420: { shuntOhm: 150, lo: 0, hi: 400, unit: "rpm" } },
    a1: { ratiometric: { divider: 2, lo: 0, hi: 25_000, unit: "kPa" } },
    a2: { volts: {} },
  },
  "j1939-slcan": { dialect: "lawicel" },
  "modbus-rtu": {
    points: { depth: { slave: 1, register: 256, unit: "m", scale: 0.001, range: [30, 4500], everyMs: 200 } },
  },
  "firmata-board": {
    analog: { oilPressure: { pin: 0, unit: "kPa", scale: 3.05, offset: -312, label: "Oil pressure" } },
    digital: { lever: { pin: 2, pullUp: true, invert: true, label: "Lever" } },
    pulses: { rotor: { pin: 3, pulsesPerRevolution: 60 } },
  },
  ina226: { shuntOhm: 0.015, maxA: 10 },
  ina228: { shuntOhm: 0.015, maxA: 10 },
  "interrupt-counter": { pulsesPerRevolution: 60 },
  "ascii-line": { unit: "m", range: [0, 10], rateHz: 10 },
};

/** Options with which a part is verified in another way. */
export const OTHERWISE: Readonly<Record<string, unknown>> = { "gnss-ubx": { setup: true } };

function verification(device: Device | DisplayDevice): string {
  const usual = `Verified: \`${verifiedBy(device, SHOWN[device.part] ?? {})}\``;
  const other = OTHERWISE[device.part];
  return other === undefined
    ? `${usual}.`
    : `${usual}; \`${verifiedBy(device, other)}\` with \`${JSON.stringify(other)}\`.`;
}

function optionRows(device: Device): string[] {
  const json = object(z.toJSONSchema(device.options, { io: "input", unrepresentable: "any", reused: "inline" }));
  const entries = Object.entries(object(json["properties"]));
  if (entries.length === 0) return [];
  const rows = entries.map(([name, value]) => {
    const o = object(value);
    const fallback = "default" in o ? `\`${JSON.stringify(o["default"])}\`` : "";
    return `| \`${name}\` | ${fallback} | ${String(o["description"] ?? "")} |`;
  });
  return ["| option | default | meaning |", "|---|---|---|", ...rows, ""];
}

function channelRows(device: Device): string[] {
  const options = device.options.safeParse(SHOWN[device.part] ?? {});
  if (!options.success) return [];
  const rows = channelsOf(device, options.data).map((c) => {
    const step = Number(c.resolution.toPrecision(4));
    const rate = c.rateHz === undefined ? "" : `${Number(c.rateHz.toPrecision(4))}`;
    const [lo, hi] = c.range.map((x) => Number(x.toPrecision(6)));
    return `| \`${c.key}\` | ${c.label} | ${c.unit} | ${lo} to ${hi} | ${step} | ${rate} |`;
  });
  const shown =
    SHOWN[device.part] === undefined
      ? "with default options"
      : `for example with \`${JSON.stringify(SHOWN[device.part])}\``;
  return [
    `Channels ${shown}:`,
    "",
    "| channel | what | unit | range | step | samples/s |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
  ];
}

/** A display has nothing to be read: what is sent to it is in docs/operator.md. */
function displaySection(device: DisplayDevice): string[] {
  const { part, summary, addresses, maxClockHz, shapes, source } = device;
  const sizes = Object.keys(shapes).join(" or ");
  return [
    `## ${part}`,
    "",
    `${summary}. I2C at ${addresses.map(hex).join(", ")}, up to ${maxClockHz / 1000} kHz; ${sizes} pixels. Source: ${source}.`,
    "",
    `${verification(device)} Nothing can be read from it, so that one which lost its settings is not seen to have; it is set up and drawn anew every minute.`,
    "A display, not a part that measures: it has the section `display:` of the unit file.",
    "",
  ];
}

function section(device: Device | DisplayDevice): string[] {
  if (device.kind === "display") return displaySection(device);
  const bus =
    device.kind === "i2c"
      ? `I2C at ${device.addresses.map(hex).join(", ")}, up to ${device.maxClockHz / 1000} kHz.`
      : device.kind === "counter"
        ? "A counter of the kernel (bus kind `counter`)."
        : device.kind === "nmea"
          ? "Serial, NMEA 0183."
          : device.kind === "serial" || device.kind === "board"
            ? `Serial, ${device.speaks}.`
            : "Serial, lines of text.";
  return [
    `## ${device.part}`,
    "",
    `${device.summary}. ${bus} Source: ${device.source}.`,
    "",
    verification(device),
    "",
    ...optionRows(device),
    ...channelRows(device),
  ];
}

/** `docs/devices.md`: every part of the catalogue with what it may be told and what it delivers, from the tables. */
export function devicesPage(): string {
  return [
    "# Parts",
    "",
    "<!-- Generated from devices/ by scripts/devices-doc.ts. Change the tables, not this page. -->",
    "",
    "A channel of the configuration names its source as `<name of the part>.<channel>`.",
    "",
    "How a part is recognised each time it is found again stands with it here, in `health`, in `swath probe` and in `swath doctor`:",
    "",
    "- `id`: its identity was read and is right.",
    "- `readback`: it has no identity that says what it is; what was written to it, or set in it, was read back.",
    "- `ack-only`: it answered when it was spoken to, and that is all: an acknowledge, or an answer with a good check sum.",
    "- `sentences`: it is only listened to; what it sends has good check sums.",
    "- `none`: it is only listened to, and what it sends has no check sum: anything that sends numbers would pass. Every part says this too while nothing has verified it since it was last lost.",
    "",
    ...Object.values(catalogue).flatMap(section),
  ].join("\n");
}

keepFile(import.meta.url, "docs/devices.md", devicesPage);
