import { expect, it } from "vitest";
import { createDeliverySign } from "../../src/unit/delivery-sign.ts";

it("says what became of a delivery for 20 s, that it is being read for ten minutes at most, and nothing before the first", () => {
  let nowMs = 5000;
  const sign = createDeliverySign(() => nowMs);
  expect(sign.now()).toBeUndefined();
  sign.show("reading");
  nowMs += 599_999;
  expect(sign.now()).toBe("reading");
  sign.show("refused");
  nowMs += 19_999;
  expect(sign.now()).toBe("refused");
  nowMs += 1;
  expect(sign.now()).toBeUndefined();
  sign.show("reading");
  nowMs += 600_000;
  expect(sign.now()).toBeUndefined();
});

it("does not hide that one of two things was refused, until the next is read", () => {
  const sign = createDeliverySign(() => 0);
  for (const one of ["reading", "refused", "accepted"] as const) sign.show(one);
  expect(sign.now()).toBe("refused");
  for (const one of ["reading", "accepted"] as const) sign.show(one);
  expect(sign.now()).toBe("accepted");
});
