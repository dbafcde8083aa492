import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serviceManager } from "../../src/bus/service-manager.ts";

describe("the service manager", () => {
  it("hears of progress once in five seconds, however often there is some, and of nothing when there is none", () => {
    const dir = mkdtempSync(join(tmpdir(), "swath-manager-"));
    const fd = openSync(join(dir, "said"), "w");
    try {
      let nowMs = 0;
      const manager = serviceManager(String(fd), () => nowMs);
      manager.ready();
      for (; nowMs < 11_000; nowMs += 100) manager.alive();
      nowMs += 60_000;
      expect(readFileSync(join(dir, "said"), "utf8")).toBe("READY=1\nWATCHDOG=1\nWATCHDOG=1\nWATCHDOG=1\n");
    } finally {
      closeSync(fd);
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it("is told nothing where there is none, and a closed end is no fault", () => {
    for (const fd of [undefined, "", "x", "1", "99"]) {
      const manager = serviceManager(fd);
      manager.ready();
      manager.alive();
    }
  });
});
