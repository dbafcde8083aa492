import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { takeInbox } from "../../src/unit/inbox.ts";

it("reads plain files of a bundle's size from the inbox; links, folders, pipes and giants are refused unread, with the reason", async () => {
  const dir = mkdtempSync(join(tmpdir(), "swath-inbox-"));
  writeFileSync(join(dir, "a-good.swath"), "text");
  symlinkSync("/etc/passwd", join(dir, "b-link.swath"));
  symlinkSync("a-good.swath", join(dir, "c-inner.swath"));
  mkdirSync(join(dir, "d-folder.swath"));
  execFileSync("mkfifo", [join(dir, "e-pipe.swath")]);
  writeFileSync(join(dir, "f-giant.swath"), "");
  truncateSync(join(dir, "f-giant.swath"), 1e12);
  writeFileSync(join(dir, "other.txt"), "x");
  const found = await takeInbox(dir);
  expect(found.map(({ name, bytes, refused }) => [name, bytes?.toString() ?? refused])).toEqual([
    ["a-good.swath", "text"],
    ...["b-link", "c-inner", "d-folder", "e-pipe"].map((name) => [`${name}.swath`, "it is not a plain file"]),
    ["f-giant.swath", "it has 1000000000000 bytes, at most 262144 are read"],
  ]);
  rmSync(dir, { recursive: true });
});
