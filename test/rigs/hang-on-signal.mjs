// Imported into a unit's processes before the program. A sampler that gets SIGUSR2 turns in a circle for ever; one that gets
// SIGWINCH makes a transfer on its first I2C bus with the genuine addon, on the thread of its loop, as any other of its transfers.
import { createRequire } from "node:module";
import { setPriority } from "node:os";

const ADDRESS = 0x1d;

if (process.argv[1]?.endsWith("sampler/main.js")) {
  process.on("SIGUSR2", () => {
    setPriority(10);
    for (;;);
  });
  process.on("SIGWINCH", () =>
    createRequire(import.meta.url)("i2c-bus")
      .openSync(1)
      .readByteSync(ADDRESS, 0),
  );
}
