import { systemClock } from "../../src/bus/clock.ts";
import type { Uplink, UplinkOptions } from "../../src/uplink/contract.ts";
import type { OpenPipe } from "../../src/uplink/pipe.ts";
import { createUplink } from "../../src/uplink/uplink.ts";
import { type MemoryLanes, memoryLanes } from "./memory-lanes.ts";

export const identity = { org: "cmac", unit: "dz-014" };

/** Waits until something holds; fails with what it waited for. */
export async function until(what: string, holds: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A session over memory lanes, with everything that a test does not care about filled in. */
export function openSession(
  port: number,
  options: Partial<UplinkOptions> = {},
  openPipe?: OpenPipe,
): { uplink: Uplink; lanes: MemoryLanes; warnings: string[] } {
  const lanes = memoryLanes();
  const warnings: string[] = [];
  const uplink = createUplink(
    {
      identity,
      url: `mqtt://127.0.0.1:${port}`,
      protocol: "auto",
      lanes,
      announce: () => ({ state: '{"state":"online"}', desc: '{"desc":1}' }),
      will: '{"state":"lost"}',
      clock: systemClock,
      log: { info: () => {}, warn: (_fields, message) => warnings.push(message) },
      ...options,
    },
    openPipe,
  );
  return { uplink, lanes, warnings };
}
