import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Everything that is generated from a table or a schema. `npm run docs` writes all, `npm run docs -- --check` compares. */
const PAGES = ["errors-doc", "config-schema", "wire-doc", "devices-doc", "filters-doc"];

for (const page of PAGES) {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${page}.js`), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
}
