import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { bodyBudget, decodeBody, encodeBody } from "../../src/codec/compact-record.ts";
import { hashOf } from "../../src/model/canonical.ts";
import type { Descriptor } from "../../src/model/record.ts";
import { diskFiles } from "../../src/spool/files.ts";
import { openShelf } from "../../src/unit/descriptor-shelf.ts";
import { FULL_PLAN, fullPlanRecords } from "../bench/wire-plan.ts";

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "swath-shelf-"));
  dirs.push(dir);
  return join(dir, "descriptors");
}

const named = (machine: string) => {
  const body: Descriptor = { ...FULL_PLAN, machine };
  return { hash: hashOf(body), body };
};
const open = (dir: string, machine: string, failures: unknown[] = []) =>
  openShelf({ dir, files: diskFiles, current: named(machine), failed: (e) => failures.push(e) });

describe("the shelf of descriptors", () => {
  it("lets a later run with another configuration read what an earlier one stored", async () => {
    const dir = folder();
    const first = await open(dir, "machine-1");
    const draft = { ...fullPlanRecords(1)[0]!.telemetry, desc: named("machine-1").hash };
    const body = encodeBody(draft, first.get);
    expect(decodeBody(body, () => undefined, bodyBudget())).toHaveProperty("needs");
    const later = await open(dir, "machine-2");
    expect(decodeBody(body, later.get, bodyBudget())).toEqual({ draft });
  });

  it("does not believe a file that is not the descriptor of its name, nor one that is no descriptor", async () => {
    const dir = folder();
    mkdirSync(dir);
    writeFileSync(join(dir, `${named("a").hash}.json`), JSON.stringify(named("b").body));
    writeFileSync(join(dir, `${named("c").hash}.json`), "{");
    const shelf = await open(dir, "d");
    expect(shelf.get(named("a").hash)).toBeUndefined();
    expect(shelf.get(named("c").hash)).toBeUndefined();
    expect(shelf.get(named("d").hash)).toEqual(named("d").body);
  });

  it("keeps no more than 64, and knows the one in force where the disk takes nothing", async () => {
    const dir = folder();
    mkdirSync(dir);
    for (let i = 0; i < 70; i++) {
      const { hash, body } = named(`machine-${i}`);
      writeFileSync(join(dir, `${hash}.json`), JSON.stringify(body));
    }
    await open(dir, "machine-70");
    expect(readdirSync(dir)).toHaveLength(64);
    const failures: unknown[] = [];
    const shelf = await open(join(dir, `${named("machine-70").hash}.json`), "machine-x", failures);
    expect(failures).toHaveLength(1);
    expect(shelf.get(named("machine-x").hash)).toBeDefined();
  });
});
