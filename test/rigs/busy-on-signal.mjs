// Imported into a unit's processes before the program: a sampler that gets SIGUSR2 turns in a circle for ever.
import { setPriority } from "node:os";

if (process.argv[1]?.endsWith("sampler/main.js")) {
  process.on("SIGUSR2", () => {
    setPriority(19);
    for (;;);
  });
}
