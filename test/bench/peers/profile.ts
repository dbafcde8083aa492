import { mkdirSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { basename, dirname, join } from "node:path";

/** Loaded before a program (`--import`): writes a CPU profile of it to the folder `BENCH_PROFILE` when it exits. */
const folder = process.env["BENCH_PROFILE"] ?? ".";
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.setSamplingInterval", { interval: 250 });
session.post("Profiler.start");
process.on("exit", () => {
  session.post("Profiler.stop", (error, { profile }) => {
    if (error !== null) return;
    mkdirSync(folder, { recursive: true });
    const name = basename(dirname(process.argv[1] ?? ""));
    writeFileSync(join(folder, `${name}-${process.pid}.cpuprofile`), JSON.stringify(profile));
  });
});
