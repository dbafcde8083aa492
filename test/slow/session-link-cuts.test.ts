import { describe, expect, it } from "vitest";
import { LANES } from "../../src/model/record.ts";
import { brokerKinds } from "../uplink/brokers.ts";
import { freeAtSend, sendOverCutLink } from "../uplink/link-cuts.ts";

describe.each(brokerKinds())("a link to $name that is cut hundreds of times", ({ name, start, protocol }) => {
  it("loses no record and brings every lane in order", async () => {
    const broker = await start();
    const startMs = performance.now();
    const { lanes, cuts, bytes } = await sendOverCutLink(broker, {
      records: 4_000,
      cutAfterBytes: () => 1_000 + Math.random() * 10_000,
      latencyMs: 2,
      protocol,
      timeoutMs: 100_000,
    });
    await broker.stop();
    const duplicates = LANES.reduce((sum, lane) => sum + lanes[lane].duplicates, 0);
    console.log(
      `${name}: 12000 records, ${cuts} cuts, ${duplicates} duplicates, ${bytes} bytes, 0 lost, ${Math.round((performance.now() - startMs) / 1000)} s`,
    );
    expect(cuts).toBeGreaterThan(100);
    for (const lane of LANES) expect(lanes[lane]).toMatchObject({ unique: 4_000, inOrder: true });
  });

  it("loses records when they are freed at sending (negative control)", async () => {
    const broker = await start();
    const { lanes, cuts } = await sendOverCutLink(broker, {
      records: 2_000,
      cutAfterBytes: () => 1_000 + Math.random() * 10_000,
      latencyMs: 2,
      protocol,
      openPipe: freeAtSend,
      timeoutMs: 100_000,
    });
    await broker.stop();
    const lost = 6_000 - LANES.reduce((sum, lane) => sum + lanes[lane].unique, 0);
    console.log(`${name}: freed at sending: ${cuts} cuts, ${lost} of 6000 lost`);
    expect(lost).toBeGreaterThan(0);
  });
});
