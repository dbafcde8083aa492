import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { type CatchUp, type CaughtUp, catchUp } from "../uplink/catch-up.ts";

const LINK = { bytesPerS: 125_000, latencyMs: 150, windowMs: 10_000, windows: 8, share: 0.8 };
/** What stock Mosquitto takes at once, and what other clients have on their way at the most. */
const IN_FLIGHT = 20;

let broker: Mosquitto;
beforeAll(async () => {
  broker = await startMosquitto();
});
afterAll(() => broker.stop());

describe.concurrent("catching up over 1 Mbit/s and 300 ms of round trip", () => {
  const drain = async (name: string, options: Partial<CatchUp>): Promise<CaughtUp> => {
    const got = await catchUp(broker.port, {
      ...LINK,
      unit: name,
      encoding: "cbor",
      joins: true,
      messages: IN_FLIGHT,
      ...options,
    });
    console.log(
      `${name}: ${(got.share * 100).toFixed(0)} % of the link as payload, ${got.timesRealTime.toFixed(0)} × real time, ` +
        `at most ${got.most} in flight of ${got.messageBytes.toFixed(0)} bytes`,
    );
    return got;
  };

  it.each(["cbor", "json"] as const)("%s records of the full plan fill the link", async (encoding) => {
    const { share, most } = await drain(encoding, { encoding });
    expect(share).toBeGreaterThanOrEqual(LINK.share);
    expect(most).toBeLessThanOrEqual(IN_FLIGHT);
  });

  it("one record a message and one on its way leaves most of the link unused (negative control)", async () => {
    const { share } = await drain("one-by-one", { joins: false, messages: 1, windows: 1 });
    expect(share).toBeLessThan(0.1);
  });
});

describe.concurrent("a link that is cut again and again", () => {
  const CUT = { ...LINK, windowMs: 500, windows: 400, share: Number.POSITIVE_INFINITY };
  const send = async (name: string, everyBytes: number, cuts: number) => {
    const got = await catchUp(broker.port, {
      ...{ ...CUT, cuts, unit: name, encoding: "cbor", joins: true, messages: IN_FLIGHT },
      cutAfterBytes: () => everyBytes * (0.9 + 0.2 * Math.random()),
    });
    console.log(`${name}: ${got.cuts} cuts, ${got.wirePerNewByte.toFixed(2)} bytes on the wire for each new byte`);
    expect(got.cuts).toBeGreaterThanOrEqual(cuts);
    return got.wirePerNewByte;
  };

  it("costs at most 1.2 bytes for each new one when 800 kB pass between cuts", async () => {
    // Every 6 s at 1 Mbit/s, every 60 s at 100 kbit/s.
    expect(await send("cut-at-800-kb", 800_000, 2)).toBeLessThanOrEqual(1.2);
  }, 240_000);

  it("costs more when only 10 kB pass: what was on its way is sent again (negative control)", async () => {
    expect(await send("cut-at-10-kb", 10_000, 8)).toBeGreaterThan(1.2);
  }, 240_000);
});
