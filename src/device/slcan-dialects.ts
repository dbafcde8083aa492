import type { SLCAN_COMMANDS } from "../codec/slcan.ts";

/** How adapters of one make are opened so that they only listen, and how each command is answered. */
export interface SlcanDialect {
  /** Commands in their order, each acknowledged before the next; `rate` stands for the bit rate of the machine's bus. */
  readonly steps: readonly ("rate" | keyof typeof SLCAN_COMMANDS)[];
  /** What the version must look like: an adapter that speaks another dialect is not opened. */
  readonly version: RegExp;
  /** The version is followed by an acknowledgement like that of any command. */
  readonly acksVersion: boolean;
}

/**
 * The dialects in which an adapter confirms that it only listens. `canable`: `M1` (in `lawicel` the acceptance code) sets it
 * silent, and `O` opens it as set; the version asked in between shows that the answer before it was that of `M1`, and no late one.
 * Source: Lawicel CAN232; canable-fw `slcan.c`, `usbd_cdc_if.c`.
 */
export const SLCAN_DIALECTS = {
  lawicel: { steps: ["version", "rate", "openListenOnly"], version: /^V/, acksVersion: false },
  canable: {
    steps: ["version", "rate", "silent", "version", "openAsSet"],
    version: /canable-fw/,
    acksVersion: true,
  },
} as const satisfies Readonly<Record<string, SlcanDialect>>;
