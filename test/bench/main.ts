import type { Result } from "./result.ts";

/** Every bench by the name it is called by; each is loaded only when it runs. */
const BENCHES: Readonly<Record<string, () => Promise<{ run(args: readonly string[]): Promise<Result> }>>> = {
  decode: () => import("./device-decode.ts"),
  e2e: () => import("./e2e.ts"),
  filter: () => import("./filter-chain.ts"),
  plan: () => import("./plan.ts"),
  hq: () => import("./hq.ts"),
  spool: () => import("./spool-cost.ts"),
  startup: () => import("./startup.ts"),
  wire: () => import("./wire.ts"),
};

const args = process.argv.slice(2);
const names = args.filter((a) => !a.startsWith("--"));
const flags = args.filter((a) => a.startsWith("--"));
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(", ")}; there are ${Object.keys(BENCHES).join(", ")}`);
  process.exit(64);
}
for (const [name, load] of Object.entries(BENCHES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  console.log(`\n# ${name}`);
  await (await load()).run(flags);
}
