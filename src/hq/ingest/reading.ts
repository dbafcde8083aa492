import { type Descriptor, descriptorBody } from "../../model/record.ts";
import type { Query } from "./database.ts";
import { type Arrived, type Prepared, prepare } from "./prepare.ts";
import { NO_DESCRIPTOR, neverCame } from "./quarantine.ts";

/** Descriptors kept in memory at the most; others are read from the database again. */
const MAX_DESCRIPTORS = 4096;
/** Messages that wait for their descriptor at the most, and how long one waits. */
const MAX_WAITING = 2000;
const WAIT_MS = 60_000;

/** Turns messages into checked records, and keeps those that cannot be read before their descriptor has come. */
export interface Reading {
  /** Messages that wait. */
  readonly waiting: number;
  /** Reads these and all that wait, in the order in which they arrived. What waits is not acknowledged. */
  read(query: Query, arrived: readonly Arrived[], nowMs: number): Promise<Prepared[]>;
}

export function createReading(): Reading {
  const known = new Map<string, Descriptor>();
  let waiting: { readonly arrived: Arrived; readonly needs: string }[] = [];

  function learn(hash: string, body: Descriptor): void {
    if (known.size >= MAX_DESCRIPTORS) known.delete(known.keys().next().value!);
    known.set(hash, body);
  }

  /** Looks for the descriptors that are waited for in the database: another ingester may have got them. */
  async function look(query: Query): Promise<void> {
    const hashes = [...new Set(waiting.map((w) => w.needs))].filter((hash) => !known.has(hash));
    if (hashes.length === 0) return;
    const rows = await query("SELECT hash, body::text AS body FROM swath.descriptor WHERE hash = ANY($1::text[])", [
      hashes,
    ]);
    for (const row of rows) {
      const body = descriptorBody.safeParse(JSON.parse(String(row["body"])));
      if (body.success) learn(String(row["hash"]), body.data);
    }
  }

  function pass(arrived: readonly Arrived[]): Prepared[] {
    return arrived.flatMap((one) => {
      const made = prepare(one, (hash) => known.get(hash));
      if (made === undefined) return [];
      if ("needs" in made) {
        waiting.push({ arrived: one, needs: made.needs });
        return [];
      }
      for (const { hash, body } of made.descriptors) learn(hash, body);
      return [made];
    });
  }

  return {
    get waiting() {
      return waiting.length;
    },
    async read(query, arrived, nowMs) {
      const before = waiting.map((w) => w.arrived);
      waiting = [];
      const read = pass([...before, ...arrived]);
      if (waiting.length === 0) return read;
      await look(query).catch(() => undefined);
      const again = waiting.map((w) => w.arrived);
      waiting = [];
      read.push(...pass(again));
      const given = waiting.filter((w, i) => nowMs - w.arrived.atMs > WAIT_MS || i < waiting.length - MAX_WAITING);
      waiting = waiting.filter((w) => !given.includes(w));
      for (const { arrived: one, needs } of given) read.push(withoutDescriptor(one, needs));
      return read;
    },
  };
}

function withoutDescriptor(arrived: Arrived, needs: string): Prepared {
  const [org = "", unit = ""] = arrived.unit.split("/");
  const aside = [{ reason: NO_DESCRIPTOR, detail: neverCame(needs), raw: arrived.payload }];
  return { arrived, org, unit, records: [], descriptors: [], words: [], aside };
}
