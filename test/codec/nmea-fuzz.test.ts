import { describe, expect, it } from "vitest";
import { fuzz } from "../fuzz/nmea.ts";

describe("the NMEA decoder under damage", () => {
  it("neither throws nor depends on the cut, over a few hundred damaged streams", () => {
    expect(() => fuzz(20_260_324, 400)).not.toThrow();
  });
});
