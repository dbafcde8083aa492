import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { startPostgres } from "../rigs/postgres.ts";

const SETUP = resolve(import.meta.dirname, "../../scripts/hq-setup");

it.runIf(process.getuid?.() === 0)(
  "scripts/hq-setup prepares a database, keeps its address to root, and may run again",
  async () => {
    const server = await startPostgres();
    const dir = mkdtempSync(join(tmpdir(), "swath-setup-"));
    const envFile = join(dir, "hq.env");
    const setup = (...args: string[]) =>
      spawnSync(SETUP, ["--env-file", envFile, ...args], {
        encoding: "utf8",
        env: { ...process.env, PGHOST: server.socketFolder, PGPORT: String(server.port), PGUSER: "swath" },
      });
    try {
      expect(setup("--name", "hq; drop")).toMatchObject({ status: 64 });
      const first = setup("--name", "hq_test");
      expect(first, first.stderr).toMatchObject({ status: 0 });
      expect(first.stdout).toContain("Applied: 1, 2");
      const address = readFileSync(envFile, "utf8");
      expect(statSync(envFile).mode & 0o777).toBe(0o600);
      const again = setup("--name", "hq_test");
      expect(again, again.stderr).toMatchObject({ status: 0 });
      expect(again.stdout).toContain("up to date");
      expect(readFileSync(envFile, "utf8")).toBe(address);
      const db = openPostgres(address.trim().replace("SWATH_DATABASE=", ""));
      expect(await db.query("SELECT current_user AS who, count(*)::int AS units FROM swath.unit")).toEqual([
        { who: "hq_test", units: 0 },
      ]);
      await db.close();
    } finally {
      server.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
);
