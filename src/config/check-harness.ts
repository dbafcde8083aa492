import { type Checking, complain, goodAt, namesAt } from "./checking.ts";
import type { LoadedChannel } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { harnessSchema } from "./schema.ts";

/** Checks that the serial number of the harness comes from a channel of this file, whole, as it was read. */
export function checkHarness(c: Checking, channels: readonly LoadedChannel[]): void {
  const harness = goodAt(c, harnessSchema, ["harness"]);
  if (harness === undefined) return;
  const names = namesAt(c, ["channels"]);
  const path = ["harness", "channel"];
  const channel = channels.find((one) => one.column === harness.channel);
  if (!names.includes(harness.channel)) {
    const hint = suggest(harness.channel, names, "channels of this file");
    complain(c, "config/conflict", path, `there is no channel "${harness.channel}"; ${hint}`);
  } else if (channel !== undefined && channel.filters.length > 0)
    complain(c, "config/conflict", path, `"${harness.channel}" has filters, expected a serial number as it was read`);
}
