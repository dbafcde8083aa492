import type { z } from "zod";
import type { Device } from "../device/catalogue.ts";
import type { DisplayDevice, DisplaySize } from "../device/display-device.ts";
import type { ChainSpec } from "../dsp/chain.ts";
import type { DerivedInput } from "../dsp/derive/derivation.ts";
import type { WindowStat } from "../dsp/window.ts";
import type { ChannelSpec } from "../model/channel.ts";
import type { UnitIdentity } from "../model/topics.ts";
import type { Calibration } from "./calibration.ts";
import type { PartChannel } from "./catalogue.ts";
import type {
  BusConfig,
  Cab,
  Capture,
  failOverSchema,
  Harness,
  jamSchema,
  limitSchema,
  Panel,
  Power,
  Profile,
  Simulation,
  shockSchema,
  stateSchema,
  UnitFile,
} from "./schema.ts";
import type { Site } from "./site.ts";

/** The broker, with every file as a full path. */
export interface LoadedBroker {
  readonly url: string;
  readonly protocol: "auto" | "5" | "3.1.1";
  readonly encoding: "json" | "cbor";
  readonly username?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** One part with its table and the options its table has accepted. */
export interface LoadedPart {
  readonly name: string;
  readonly device: Device;
  readonly bus: string;
  /** I2C parts only. */
  readonly address?: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly hooks?: { readonly powerCycle?: string | undefined };
  readonly channels: readonly PartChannel[];
}

/** The operator's display and the channels it shows. */
export interface LoadedDisplay {
  readonly device: DisplayDevice;
  readonly bus: string;
  readonly address: number;
  readonly size: DisplaySize;
  readonly depth: string;
  readonly rotor: string;
}

/** Where samples of a channel come from. */
export interface LoadedSource {
  readonly part: string;
  /** The channel's key in the table of the part. */
  readonly key: string;
  /** What the part delivers, under this channel's label. */
  readonly source: ChannelSpec;
}

/** A channel made of others: the derivation, its parameters, and the channels it takes, the leading one first. */
export interface LoadedDerivation {
  readonly name: string;
  /** As the derivation's schema has accepted them. */
  readonly params: unknown;
  readonly inputs: readonly (DerivedInput & { readonly maxAgeMs: number })[];
}

/** One published channel; `part`, `key` and `source` are those of its first source. */
export interface LoadedChannel extends LoadedSource {
  /** Its name: the key in the file. */
  readonly column: string;
  /** Sources that speak when the first does not, in order; then `failOver` says when, and the last of `columns` who. */
  readonly standIns: readonly LoadedSource[];
  readonly failOver?: z.output<typeof failOverSchema>;
  /** Set when it is made of other channels: then `part` is empty and `key` says how in words. */
  readonly derived?: LoadedDerivation;
  /** What leaves the filter chain. */
  readonly spec: ChannelSpec;
  readonly filters: readonly ChainSpec[];
  /** One line for each filter, with every default filled in. */
  readonly words: readonly string[];
  readonly stats: readonly WindowStat[];
  /** The threshold of the statistic `above`. */
  readonly aboveAt?: number;
  /** Names on the wire, one per statistic, in the order of `stats`, and `.src` where there are stand-ins. */
  readonly columns: readonly string[];
}

/** The track: which part's fixes, and the columns they have. */
export interface LoadedTrack {
  readonly part: string;
  readonly columns: readonly { readonly column: string; readonly key: string; readonly spec: ChannelSpec }[];
}

/** One detector, with every channel it names known to exist and to fit. */
export type LoadedDetector =
  | ({ readonly kind: "limit"; readonly name: string } & Readonly<z.output<typeof limitSchema>>)
  | ({ readonly kind: "shock"; readonly name: string } & Readonly<z.output<typeof shockSchema>>)
  | ({ readonly kind: "jam"; readonly name: string } & Readonly<z.output<typeof jamSchema>>)
  | ({ readonly kind: "state"; readonly name: string } & Readonly<z.output<typeof stateSchema>>);

/** A configuration that has passed every check: frozen, every default filled in, every name resolved. */
export interface LoadedConfig {
  /** The unit file as it was named. */
  readonly file: string;
  /** Every file read, the unit file first. */
  readonly files: readonly string[];
  /** 16 hex digits over everything but file paths, user name and secrets. */
  readonly hash: string;
  readonly identity: UnitIdentity;
  readonly machine: string;
  readonly profile?: Profile;
  readonly site?: Site;
  /** The file the site was read from, when it has one of its own. */
  readonly siteFile?: string;
  readonly broker: LoadedBroker;
  /** HQ's public keys as full paths; absent where HQ's words are not listened to. */
  readonly hq?: { readonly keyFiles: readonly string[]; readonly exportKeyFile?: string };
  readonly spool: { readonly dir: string; readonly maxMb: number; readonly ack: UnitFile["spool"]["ack"] };
  readonly buses: Readonly<Record<string, BusConfig>>;
  readonly parts: readonly LoadedPart[];
  readonly channels: readonly LoadedChannel[];
  readonly track?: LoadedTrack;
  readonly rows: UnitFile["rows"];
  readonly live: UnitFile["live"];
  readonly ringSeconds: number;
  readonly detectors: readonly LoadedDetector[];
  readonly capture: Capture;
  /** What was measured on the machine; absent where nothing was. */
  readonly calibration?: Calibration;
  /** The page in the cab, with every file as a full path; absent where there is none. */
  readonly cab?: Cab;
  /** The operator's panel; absent where there is none. */
  readonly panel?: Panel;
  /** The operator's display; absent where there is none. */
  readonly display?: LoadedDisplay;
  /** The machine's harness, where it has a memory. */
  readonly harness?: Harness;
  /** How the ignition is sensed; absent where it is not. */
  readonly power?: Power;
  readonly simulation?: Simulation;
}
