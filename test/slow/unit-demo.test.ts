import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { isAlive, launch, until } from "../rigs/unit.ts";

/** Pids of all processes below one, by what the kernel says. */
function below(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const ppid = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
      parents.set(Number(name), Number(ppid));
    } catch {
      // It ended while we looked.
    }
  }
  const children = [...parents].filter(([, ppid]) => ppid === pid).map(([child]) => child);
  return children.flatMap((child) => [child, ...below(child)]);
}

it("the demo shows its page, says calm lines, and Ctrl-C ends every process of it within 2 s", async () => {
  const demo = launch(["demo", "--port", "0", "--speed", "4"]);
  try {
    const url = await demo.until("the address", () => /page\s+(http:\S+)/.exec(demo.output)?.[1]);
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<title>");
    await demo.until("a calm line with records", () =>
      /unit online {2}\d+ messages {2}[1-9]\d* records, 0 missing/.test(demo.output),
    );
    const family = below(demo.pid);
    expect(family).toHaveLength(2);
    const askedMs = performance.now();
    demo.kill("SIGINT");
    const { code, atMs } = await demo.exit;
    console.log(`Ctrl-C: the demo ended after ${Math.round(atMs - askedMs)} ms`);
    expect(code).toBe(0);
    expect(atMs - askedMs).toBeLessThan(2000);
    await until("no child to be left", () => family.every((pid) => !isAlive(pid)), 1000);
    await expect(fetch(url)).rejects.toThrow();
    const lines = demo.output.split("\n").filter((l) => /^\d\d:\d\d:\d\d /.test(l));
    expect(lines.every((l) => l.length < 120)).toBe(true);
    expect(demo.output.trimEnd().endsWith("Ended.")).toBe(true);
  } finally {
    await demo.stop();
  }
});
