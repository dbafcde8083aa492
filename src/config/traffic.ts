import type { ChannelSpec } from "../model/channel.ts";
import type { LoadedConfig } from "./loaded.ts";

/** Fixes a second put down for a receiver that does not say how often it reports. */
const FIXES_PER_SECOND = 5;
/** MQTT, TCP, IP and TLS around one QoS 1 message and its acknowledgement. */
const MESSAGE_BYTES = 225;
/** Bytes of a record as cbor for each as JSON columns; 0.11 measured on the full plan (`npm run bench -- wire`). */
const COMPACT_SHARE = 0.15;

/** Bytes a second of each kind of message in the form that is sent, with everything around them. */
export interface Traffic {
  readonly telemetry: number;
  readonly track: number;
  readonly live: number;
}

/**
 * What the configuration will send, in bytes a second: worked out from specimens of its own records, each value written
 * with the digits its range and resolution ask for.
 */
export function estimateTraffic(loaded: LoadedConfig): Traffic {
  const { rows, channels, track } = loaded;
  const recordS = (rows.everyMs * rows.batch) / 1000;
  const telemetry: Record<string, number> = {};
  for (const { columns, spec } of channels) for (const name of columns) telemetry[name] = specimen(spec);
  const fixes: Record<string, number> = {};
  for (const { column, spec } of track?.columns ?? []) fixes[column] = specimen(spec);
  const fixesInRecord = Math.max(1, Math.round(recordS * FIXES_PER_SECOND));
  const share = loaded.broker.encoding === "cbor" ? COMPACT_SHARE : 1;
  const per = (bytes: number, seconds: number) => (bytes + MESSAGE_BYTES) / seconds;
  return {
    telemetry: channels.length === 0 ? 0 : per(share * recordBytes(telemetry, rows.batch, false), recordS),
    track: track === undefined ? 0 : per(share * recordBytes(fixes, fixesInRecord, true), recordS),
    live: per(jsonBytes({ ...head, c: { ...telemetry, ...fixes } }), loaded.live.everyMs / 1000),
  };
}

const head = {
  v: 1,
  kind: "telemetry",
  seq: 1_234_567,
  spool: "0123456789abcdef",
  boot: "0123456789abcdef",
  mono: 12_345_678,
  t: "2026-01-01T00:00:00.000Z",
  trust: "gnss",
  unc: 250,
  desc: "0123456789abcdef",
};

function recordBytes(columns: Readonly<Record<string, number>>, n: number, ownTimes: boolean): number {
  const c = Object.fromEntries(
    Object.entries(columns).map(([name, value]) => [name, new Array<number>(n).fill(value)]),
  );
  const times = ownTimes ? { at: Array.from({ length: n }, (_, i) => 200 * i) } : { dt: 1000 };
  return jsonBytes({ ...head, n, ...times, c });
}

const jsonBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/** A value two thirds up the range, with the digits of the resolution. */
function specimen({ range, resolution }: ChannelSpec): number {
  const value = range[0] + (range[1] - range[0]) * 0.654_321_987_654;
  const digits = Math.min(12, Math.max(0, Math.ceil(-Math.log10(resolution))));
  return Number(value.toFixed(digits));
}
