import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { createVeDirectFramer } from "../../src/codec/vedirect.ts";
import { pieces, someCuts } from "../device/serial-rig.ts";

const RECORDINGS = resolve(import.meta.dirname, "../../../shared/data/vedirect");
const there = existsSync(RECORDINGS);
if (!there) console.log(`recordings not found: ${RECORDINGS}`);

/**
 * Good and bad blocks. The reference parser finds one block less in bluesolar: that file begins with the last byte of a block
 * before, which it adds to the sum of the first. Smartsolar begins inside a block, whose sum is then wrong.
 */
const FILES = [
  {
    name: "bluesolar_1.23",
    good: 248,
    bad: 0,
    first: { PID: "0xA042", V: "12530", I: "620", HSDS: "274" },
  },
  { name: "bvm702", good: 906, bad: 0, first: { PID: "0x203", V: "12065", I: "-7625", SOC: "839", FW: "0308" } },
  { name: "smartsolar_1.39", good: 493, bad: 1, first: { PID: "0xA05F", V: "12810", I: "-10", MPPT: "0", HSDS: "0" } },
] as const;

function read(chunks: Uint8Array[]) {
  const blocks: Record<string, string>[] = [];
  const framer = createVeDirectFramer((fields) => blocks.push(Object.fromEntries(fields)));
  for (const chunk of chunks) framer.push(chunk, 0);
  return { blocks, counters: { ...framer.counters } };
}

describe.runIf(there)("recorded VE.Direct", () => {
  it.each(FILES)("of $name has the blocks that the reference parser finds", ({ name, good, bad, first }) => {
    const bytes = readFileSync(resolve(RECORDINGS, `${name}.dump`));
    const whole = read([bytes]);
    expect(whole.counters).toMatchObject({ blocks: good, badChecksum: bad, tooLong: 0 });
    expect(whole.blocks[0]).toMatchObject(first);
    for (let seed = 1; seed <= 3; seed++) expect(read(pieces(bytes, someCuts(bytes.length, seed)))).toEqual(whole);
  });
});
