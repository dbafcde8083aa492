import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { crc32c } from "../../src/spool/crc32c.ts";
import { BLOCK, diskFiles } from "../../src/spool/files.ts";
import { openSpool, type Spool } from "../../src/spool/spool.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "swath-spool-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function open(dir: string): Promise<Spool> {
  const clock = { monoMs: () => performance.now() };
  const spool = await openSpool({ dir, files: diskFiles, clock, maxBytes: 2 * 1024 * 1024 });
  cleanups.push(() => spool.close());
  return spool;
}

async function append(spool: Spool, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const done = spool.append("log", Buffer.from(`record ${i} ${"x".repeat(400)}`));
    await spool.flush();
    await done;
  }
}

describe("the spool on a real file system", () => {
  it("makes its folder, keeps records over a restart and is readable by its owner only", async () => {
    const dir = join(folder(), "deep", "spool");
    const first = await open(dir);
    await append(first, 200);
    await first.close();
    const again = await open(dir);
    expect(again.spoolId).toBe(first.spoolId);
    expect((await again.read("log", 1, 1000, 1e9)).length).toBe(200);
    expect(statSync(dir).mode & 0o077).toBe(0);
    for (const name of readdirSync(dir)) {
      expect(statSync(join(dir, name)).mode & 0o077, name).toBe(0);
      expect(statSync(join(dir, name)).size % BLOCK, name).toBe(0);
    }
  });

  it("allocates the journal once: its size and its blocks stay the same under load", async () => {
    const dir = folder();
    const spool = await open(dir);
    const before = statSync(join(dir, "journal"));
    await append(spool, 150);
    const after = statSync(join(dir, "journal"));
    expect([after.size, after.blocks, after.ino]).toEqual([before.size, before.blocks, before.ino]);
    expect(before.blocks * 512).toBeGreaterThanOrEqual(before.size);
  });

  it("works when the folder's place is taken by a file, and uses the folder once it can be made", async () => {
    const parent = folder();
    const dir = join(parent, "spool");
    writeFileSync(dir, "not a folder");
    let nowMs = 0;
    const spool = await openSpool({ dir, files: diskFiles, clock: { monoMs: () => nowMs }, maxBytes: 2 ** 20 });
    cleanups.push(() => spool.close());
    expect(spool.state).toBe("failed");
    expect(await spool.append("event", Buffer.from("in memory"))).toBe(1);
    rmSync(dir);
    nowMs = 31_000;
    expect(await spool.append("event", Buffer.from("on disk"))).toBe(2);
    expect(spool.state).toBe("ok");
    expect((await spool.read("event", 1, 10, 1e6)).map((r) => r.seq)).toEqual([1, 2]);
    chmodSync(dir, 0o700);
  });

  it("names each segment after lane, first number and spool, and says so in its first line", async () => {
    const dir = folder();
    const spool = await open(dir);
    await append(spool, 60);
    const name = readdirSync(dir).find((n) => n.endsWith(".seg"))!;
    expect(name).toBe(`log-000000000000001.${spool.spoolId}.seg`);
    expect(readFileSync(join(dir, name), "latin1")).toMatch(`swath spool ${spool.spoolId} lane log from 1\n`);
  });
});

describe("CRC-32C", () => {
  it("agrees with RFC 3720, appendix B.4", () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c);
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  });

  it("is the same in one piece and in two", () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => (i * 7) & 0xff);
    for (let cut = 0; cut <= 100; cut++) {
      expect(crc32c(bytes, cut, 100, crc32c(bytes, 0, cut))).toBe(crc32c(bytes));
    }
  });
});
