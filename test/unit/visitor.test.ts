import { expect, it } from "vitest";
import { createVisitor } from "../../src/unit/visitor.ts";

it("tells a sampler of systemd's that hung before it was gone from one that went", () => {
  let now = 0;
  const ends: string[] = [];
  const visitor = createVisitor({ monoMs: () => now }, ({ cause, words }) => ends.push(`${cause}: ${words}`));
  visitor.hello("a");
  visitor.alive();
  now = 2000;
  visitor.gone();
  visitor.hello("b");
  visitor.alive();
  now = 33_000;
  visitor.gone();
  expect(ends).toEqual(["ended: its connection closed", "hung: it was silent for 31 s before it was gone"]);
  expect(visitor.restarts).toBe(1);
});
