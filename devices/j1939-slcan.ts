import { z } from "zod";
import { J1939_SIGNALS } from "../src/codec/j1939-signals.ts";
import { J1939_CHANNELS, j1939Protocol } from "../src/device/j1939-listener.ts";
import { j1939Twin } from "../src/device/j1939-twin.ts";
import { defineSerialDevice } from "../src/device/serial-device.ts";
import { SLCAN_DIALECTS } from "../src/device/slcan-dialects.ts";
import type { ChannelSpec } from "../src/model/channel.ts";

const LAMP_LABELS: Readonly<Record<string, string>> = {
  protectLamp: "Protect lamp",
  amberLamp: "Amber warning lamp",
  redLamp: "Red stop lamp",
  milLamp: "Malfunction lamp",
  activeDtcs: "Active trouble codes",
};

function channelOf(key: string): ChannelSpec {
  const s = J1939_SIGNALS[key];
  if (s === undefined) {
    const last = key === "activeDtcs" ? 10_000 : 2;
    return { label: LAMP_LABELS[key] ?? key, unit: "1", range: [-1, last], resolution: 1 };
  }
  const highest = (0xfb * 256 ** (s.bytes - 1) - 1) * s.scale + s.offset;
  return { label: s.label, unit: s.unit, range: [s.offset, highest], resolution: s.scale };
}

/** Bits of a 29-bit frame of 8 bytes with its stuffing, and characters of such a frame in SLCAN text: T, 8, 1, 16 and CR. */
const FRAME_BITS = 135;
const FRAME_CHARS = 27;

const DIALECTS = Object.keys(SLCAN_DIALECTS) as (keyof typeof SLCAN_DIALECTS)[];
/** What is said of a dialect that is none of these. */
const REFUSED = `expected ${DIALECTS.join(" or ")}: any other cannot confirm that the adapter only listens. It is the firmware that counts: a CANable 2 whose firmware acknowledges L is lawicel; the maker's own firmware of it acknowledges nothing and is not read`;

const channels = Object.fromEntries(J1939_CHANNELS.map((key) => [key, channelOf(key)]));
const address = z.int().min(0).max(253);

/**
 * The machine's own J1939 bus through an SLCAN adapter that is opened listen-only and never sends. An adapter whose dialect
 * cannot confirm that it only listens cannot be named here, and is not read.
 */
export const j1939Slcan = defineSerialDevice({
  part: "j1939-slcan",
  summary: "machine bus (J1939), heard through an SLCAN adapter",
  speaks: "SLCAN (Lawicel or CANable), listen-only; a native USB adapter or at least 460800 baud",
  source: "SAE J1939 digital annex as in ETI j1939-84; Lawicel CAN232; Linux slcan; canable-fw",
  options: z.strictObject({
    dialect: z
      .enum(DIALECTS, { error: REFUSED })
      .describe(
        "the adapter's command set: lawicel opens listen-only with L; canable (canable-fw of CANable 1) with M1, then O. Each is acknowledged",
      ),
    bitrate: z.literal([250_000, 500_000]).default(250_000).describe("of the machine's bus, bit/s"),
    busLoad: z
      .number()
      .min(0.05)
      .max(1)
      .default(0.3)
      .describe("share of the machine's bus that is busy, for the budget of the serial port; 0.3 is usual"),
    prefer: z
      .partialRecord(z.enum(Object.keys(J1939_SIGNALS)), address)
      .default({})
      .describe("source address that speaks for a channel, such as engineSpeed: 0"),
  }),
  plan: (o) => ({
    channels,
    expects: "frames",
    silentMs: 3000,
    verifies: "ack-only",
    charsPerSecond: ((o.bitrate * o.busLoad) / FRAME_BITS) * FRAME_CHARS,
    protocol: (out) =>
      j1939Protocol(
        {
          dialect: SLCAN_DIALECTS[o.dialect],
          rate: o.bitrate === 250_000 ? "rate250k" : "rate500k",
          prefer: o.prefer,
        },
        out,
      ),
    twin: (spec) => j1939Twin(o.dialect, spec),
  }),
});
