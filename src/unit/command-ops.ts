import { stepOf } from "../codec/compact-column.ts";
import type { Row } from "../link/frame.ts";
import type { CmdText } from "../model/downlink.ts";
import type { HealthMessage, StateMessage } from "../model/record.ts";
import { type ColumnSpec, wireMono, wireValue } from "./column-batch.ts";
import type { Outcome } from "./commands.ts";
import type { Timebase } from "./timebase.ts";

/** Takes a configuration that HQ sent, as bytes of a signed bundle, and says whether it will be run. */
export type ApplyConfig = (bundle: Uint8Array) => Promise<Outcome>;

/** What stands in a bundle's place in `args`. */
function bundleIn(args: CmdText["args"]): Uint8Array | undefined {
  const text = args?.["bundle"];
  if (typeof text !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, "base64");
}

/** Keeps the newest position, for `locate`. */
export function createNewestPosition(columns: readonly ColumnSpec[] | undefined, timebase: Timebase) {
  const place = (name: string) => columns?.findIndex((c) => c.name === name) ?? -1;
  const [lat, lon] = [place("lat"), place("lon")];
  let newest: { readonly mono: number; readonly lat: number; readonly lon: number } | undefined;
  return {
    row(row: Row): void {
      const at = [lat, lon].map((i) =>
        wireValue(row.values[i] ?? Number.NaN, stepOf(columns?.[i]?.resolution ?? 1).decimals),
      );
      if (typeof at[0] === "number" && typeof at[1] === "number" && row.q[lat] === 0 && row.q[lon] === 0)
        newest = { mono: row.monoMs, lat: at[0], lon: at[1] };
    },
    answer(nowMs: number): Outcome {
      if (newest === undefined) return { ok: false, reason: "no position since the start" };
      const { t, trust, unc } = timebase.stamp(newest.mono);
      const ageS = Math.round((nowMs - newest.mono) / 100) / 10;
      const { lat, lon } = newest;
      const time = { ...(t === undefined ? {} : { t, unc }), trust };
      return {
        ok: true,
        reason: `the newest position is ${ageS} s old`,
        detail: { lat, lon, mono: wireMono(newest.mono), ageS, ...time },
      };
    },
  };
}

/** What each op does. None of them reaches the machine. */
export function createCommandOps(options: {
  readonly announce: () => void;
  readonly state: () => StateMessage;
  readonly health: () => HealthMessage;
  readonly locate: () => Outcome;
  readonly applyConfig: ApplyConfig | undefined;
}): Record<CmdText["op"], (args: CmdText["args"]) => Outcome | Promise<Outcome>> {
  return {
    rebirth() {
      options.announce();
      return { ok: true, reason: "state and descriptor are announced again" };
    },
    snapshot: () => ({
      ok: true,
      reason: "state and health as they are",
      detail: { state: options.state(), health: options.health() },
    }),
    locate: options.locate,
    async config(args) {
      if (options.applyConfig === undefined)
        return { ok: false, reason: "this unit takes no configuration from HQ: not available" };
      const bundle = bundleIn(args);
      if (bundle === undefined) return { ok: false, reason: "expected args.bundle, a signed configuration in base64" };
      return options.applyConfig(bundle);
    },
  };
}
