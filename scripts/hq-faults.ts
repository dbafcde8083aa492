import { parseArgs } from "node:util";
import { hqFaults, hqUnharmed } from "../test/rigs/hq-faults.ts";

/**
 * Kills HQ's ingester, the broker and PostgreSQL under a fleet at work and prints what came of it; ends with 0 when every
 * record made is committed once. Long form: npm run hq-faults -- --ingester 200 --broker 200 --database 20
 */
const { values } = parseArgs({
  options: {
    ingester: { type: "string", default: "20" },
    broker: { type: "string", default: "5" },
    database: { type: "string", default: "2" },
  },
});

const startedMs = performance.now();
const figures = await hqFaults({
  ingesterKills: Number(values.ingester),
  brokerKills: Number(values.broker),
  databaseCrashes: Number(values.database),
});
console.log(JSON.stringify({ ...figures, seconds: Math.round((performance.now() - startedMs) / 1000) }, null, 1));
process.exit(hqUnharmed(figures) ? 0 : 1);
