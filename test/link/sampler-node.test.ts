import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { SAMPLER_NODE_FLAGS } from "../../src/link/sampler-node.ts";

it("the installed service runs the sampler with the flags the unit starts it with", () => {
  const service = readFileSync("scripts/install/swath-sampler.service", "utf8");
  const start = /^ExecStart=.*$/m.exec(service)![0];
  const flags = /\/bin\/node (.*?) ?\/opt\/swath\/dist\/src\/sampler\/main\.js /.exec(start)![1];
  expect(flags).toBe(SAMPLER_NODE_FLAGS.join(" "));
});
