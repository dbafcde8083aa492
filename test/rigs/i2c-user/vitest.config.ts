import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** For the run in a child process under the stand-in for /dev/i2c-N; see child-run.ts. */
export default defineConfig({
  root: resolve(import.meta.dirname, "../../.."),
  test: { include: ["test/bus/*.addon.ts"], testTimeout: 20_000 },
});
