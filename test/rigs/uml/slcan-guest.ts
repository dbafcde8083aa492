// Runs inside the guest, compiled: the machine's bus as the unit hears it, from the kernel's own slcan driver through an adapter.
import { existsSync, writeFileSync } from "node:fs";
import { catalogue } from "../../../devices/index.ts";
import { systemClock } from "../../../src/bus/clock.ts";
import { createSerialSource } from "../../../src/device/serial-source.ts";
import { createAdapter, openTty } from "./slcan-adapter.ts";

const [busPath = "", adapterPath = "", unitPath = "", wanted = "0", goneFile = ""] = process.argv.slice(2);
const device = catalogue["j1939-slcan"];
if (device?.kind !== "serial") throw new Error("no part");
const until = async (isSo: () => boolean) => {
  const endMs = systemClock.monoMs() + 40_000;
  while (!isSo() && systemClock.monoMs() < endMs) await new Promise((done) => setTimeout(done, 20));
};

const busTty = openTty("bus", busPath);
const adapterTty = openTty("adapter", adapterPath);
const adapter = createAdapter(busTty, adapterTty);
const link = openTty("can", unitPath);
const values: Record<string, number[]> = {};
const qualities: Record<string, number> = {};
const source = createSerialSource({
  device,
  name: "engine",
  options: { dialect: "lawicel" },
  link,
  clock: systemClock,
  sink: {
    block(channel, block) {
      const { key } = source.channels[channel]!;
      values[key] ??= [];
      for (let i = 0; i < block.n; i++) if (!Number.isNaN(block.x[i])) values[key].push(block.x[i]!);
      qualities[key] = block.q[block.n - 1]!;
    },
    scan: () => undefined,
    state: () => undefined,
  },
});
const beat = setInterval(() => source.step(systemClock.monoMs()), 20);
await until(() => adapter.mode === "listens");
process.stdout.write("ready\n");
await until(() => (source.counters["canFrames"] ?? 0) >= Number(wanted));
const { counters, state, verified } = source;
// A frame more than there were would come now.
await new Promise((done) => setTimeout(done, 300));
clearInterval(beat);
await link.close();
const said = [...adapter.said];
writeFileSync(goneFile, "");
process.stdout.write(
  `${JSON.stringify({ counters: { ...source.counters, ...counters }, state, verified, values, qualities, said })}\n`,
);
// The adapter stays until it has been seen what another does with it.
await until(() => existsSync(`${goneFile}.seen`));
for (const tty of [busTty, adapterTty]) await tty.close();
