import { appendFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { LANES } from "../../src/model/record.ts";
import { brokerKinds } from "../uplink/brokers.ts";
import { freeAtSend, sendOverCutLink } from "../uplink/link-cuts.ts";

/** How many cuts on each broker at the least, and where the figures go: the long form sets both. */
const CUTS = Number(process.env["SWATH_LINK_CUTS"] ?? 0);
const RESULT = process.env["SWATH_LINK_CUTS_RESULT"];
const LIMIT_MS = 120_000 + CUTS * 1_000;

describe.each(brokerKinds())("a link to $name that is cut hundreds of times", ({ name, start, protocol }) => {
  it(
    "loses no record and brings every lane in order",
    async () => {
      const startMs = performance.now();
      let [records, cuts, duplicates, bytes] = [0, 0, 0, 0];
      do {
        const broker = await start();
        const sent = await sendOverCutLink(broker, {
          records: 4_000,
          cutAfterBytes: () => 1_000 + Math.random() * 10_000,
          latencyMs: 2,
          protocol,
          timeoutMs: 100_000,
        });
        await broker.stop();
        for (const lane of LANES) expect(sent.lanes[lane]).toMatchObject({ unique: 4_000, inOrder: true });
        records += 12_000;
        cuts += sent.cuts;
        bytes += sent.bytes;
        duplicates += LANES.reduce((sum, lane) => sum + sent.lanes[lane].duplicates, 0);
      } while (cuts < CUTS);
      const found = `${name}: ${records} records, ${cuts} cuts, ${duplicates} duplicates, ${bytes} bytes, 0 lost, ${Math.round((performance.now() - startMs) / 1000)} s`;
      console.log(found);
      if (RESULT !== undefined) appendFileSync(RESULT, `${found}\n`);
      expect(cuts).toBeGreaterThan(100);
    },
    LIMIT_MS,
  );

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
