import { defineConfig } from "vitest/config";

/**
 * Two suites. `unit` needs nothing but Node and npm (it uses Mosquitto when it is installed and must have it under CI);
 * `slow` needs the packages that `.ci/run` installs: brokers, a browser, the recordings.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/slow/**"],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "slow",
          include: ["test/slow/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
