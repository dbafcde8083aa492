import { defineConfig } from "vitest/config";

/** Suites that mostly wait for a link, a disk or a service: the gate runs them beside the others. */
const WAITING = [
  "test/slow/session-{brokers,catch-up,offline,dead-link,slow-link,link-cuts}.test.ts",
  "test/slow/{unit-hq,hq-proof}.test.ts",
  "test/slow/unit-{hangs,hung,restart,trials,ignition}.test.ts",
  "test/slow/guide.test.ts",
  "test/slow/install-systemd.test.ts",
  "test/slow/cli-calibrate.test.ts",
  "test/slow/{stick,stick-fat,stick-to-hq}.test.ts",
];

/**
 * Three suites. `unit` needs nothing but Node and npm (it uses Mosquitto when it is installed and must have it under CI);
 * `slow` and `waiting` need the packages that `.ci/run` installs: brokers, a browser, the recordings.
 */
export default defineConfig({
  test: {
    // Vitest would leave one of two cores idle; suites in which files may not run beside each other say so below.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/slow/**", "test/pi/**"],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "slow",
          include: ["test/slow/**/*.test.ts"],
          exclude: WAITING,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "waiting",
          include: WAITING,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // Two files at a time: they leave half of the cores idle.
          fileParallelism: true,
        },
      },
      {
        test: {
          name: "pi",
          include: ["test/pi/**/*.test.ts"],
          testTimeout: 3_600_000,
          hookTimeout: 3_600_000,
        },
      },
    ],
  },
});
