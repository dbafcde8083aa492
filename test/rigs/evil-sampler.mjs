// The real sampler, made to do what the words of a channel's label ask for: what a wrong configuration can end in.
import { readFileSync } from "node:fs";

const config = readFileSync(process.argv[process.argv.indexOf("--config") + 1], "utf8");
const LATE_MS = 1500;
const busy = (ms) => {
  for (const end = Date.now() + ms; Date.now() < end; );
};
if (config.includes("EVIL-CRASH")) setTimeout(() => process.kill(process.pid, "SIGKILL"), LATE_MS);
if (config.includes("EVIL-HANG")) setTimeout(() => busy(1e9), LATE_MS);
const starve = () => {
  busy(9000);
  setTimeout(starve, 500);
};
if (config.includes("EVIL-STARVE")) setTimeout(starve, LATE_MS);
await import("../../dist/src/sampler/main.js");
