import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { z } from "zod";
import { startIngester } from "./ingest/ingester.ts";
import { openPglite } from "./ingest/pglite.ts";

const request = z.strictObject({ brokerUrl: z.url(), org: z.string() });
const report = z.strictObject({ records: z.int() });

/** HQ's database in the demonstration: the same ingester and SQL as at HQ, in memory, in a thread of its own. */
export interface DemoDatabase {
  /** Records in it; undefined until it is up. */
  records(): number | undefined;
  close(): Promise<void>;
}

const TELL_MS = 1000;

/** Starts the thread, whose file is `entry`. A database that cannot be had costs the demonstration nothing but its line. */
export function startDemoDatabase(options: {
  readonly entry: string;
  readonly brokerUrl: string;
  readonly org: string;
}): DemoDatabase {
  let records: number | undefined;
  const { brokerUrl, org } = options;
  const worker = new Worker(options.entry, { workerData: { brokerUrl, org }, stdout: true, stderr: true });
  worker.on("message", (message: unknown) => {
    const parsed = report.safeParse(message);
    if (parsed.success) records = parsed.data.records;
  });
  worker.on("error", () => {
    records = undefined;
  });
  return {
    records: () => records,
    async close() {
      await worker.terminate();
    },
  };
}

/** What the thread does. Nothing is durable here, so no watermark is ever published. */
async function serve(): Promise<void> {
  const { brokerUrl, org } = request.parse(workerData);
  const database = await openPglite();
  const nothing = () => undefined;
  const ingester = await startIngester({
    ...{ database, org, name: "demo", log: { info: nothing, warn: nothing } },
    broker: { url: new URL(brokerUrl), protocol: "3.1.1" },
  });
  setInterval(() => parentPort?.postMessage({ records: ingester.stats().records }), TELL_MS);
}

if (!isMainThread && request.safeParse(workerData).success) await serve();
