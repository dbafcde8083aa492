import type { z } from "zod";
import type { Fix } from "../codec/nmea-fix.ts";
import type { ChannelSpec } from "../model/channel.ts";

/** A channel of a receiver: which value of a fix it carries. */
export interface NmeaChannel extends ChannelSpec {
  readonly field: keyof Fix;
}

/** What every NMEA source must be told. */
export interface NmeaOptions {
  /** No true day is before this one (ISO date): a receiver whose week number has rolled over says an older one. */
  readonly dateFloor: string;
}

/** A receiver that speaks NMEA 0183, as one table. Any talker is heard. */
export interface NmeaDevice {
  readonly kind: "nmea";
  readonly part: string;
  readonly summary: string;
  /** Where the sentences and their fields are defined. */
  readonly source: string;
  readonly options: z.ZodType<NmeaOptions>;
  readonly channels: Readonly<Record<string, NmeaChannel>>;
}

/** Declares a receiver; the compiler checks the table and keeps the names of its channels. */
export function defineNmeaDevice<const D extends Omit<NmeaDevice, "kind">>(table: D): D & { readonly kind: "nmea" } {
  return { kind: "nmea", ...table };
}
