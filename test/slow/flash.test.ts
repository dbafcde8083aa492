import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parsePublicKey } from "../../src/codec/minisign.ts";
import { openBundle } from "../../src/config/bundle.ts";
import { runSwath } from "../rigs/unit.ts";

const root = resolve(import.meta.dirname, "../..");
let dir: string;
const at = (...names: string[]) => join(dir, ...names);

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "swath-flash-test-"));
  await runSwath(["keys", at("hq")]);
  for (const n of [1, 2, 3])
    writeFileSync(
      at(`u${n}.yaml`),
      `org: cmac\nunit: unit-${n}\nmachine: m-${n}\nbroker: { url: "mqtt://h" }\nbuses: {}\nparts: {}\n`,
    );
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** `ssh` and `scp` that work on a folder for each host; what they answer stands in `<host>/answer` and `<host>/verdict`. */
function fakeSsh(): string {
  const bin = at("bin");
  mkdirSync(bin);
  writeFileSync(
    join(bin, "scp"),
    `#!/bin/sh\nfor last; do :; done\nhost=\${last%%:*}; path=\${last#*:}\n[ -d "${dir}/$host" ] || { echo "ssh: connect to host $host: No route to host" >&2; exit 255; }\nmkdir -p "${dir}/$host$(dirname "$path")"\nfor a; do [ -f "$a" ] && cp "$a" "${dir}/$host$path"; done\nexit 0\n`,
  );
  writeFileSync(
    join(bin, "ssh"),
    `#!/bin/sh\nshift 4; host=$1; shift\ncase "$1" in *verdict*) cat "${dir}/$host/verdict" 2>/dev/null;; cat*) cat "${dir}/$host/answer";; *) sh -c "$(printf %s "$1" | sed "s# /var# ${dir}/$host/var#g")";; esac\n`,
  );
  for (const name of ["ssh", "scp"]) chmodSync(join(bin, name), 0o755);
  return bin;
}

function flash(args: readonly string[], bin = "") {
  const env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}`, SWATH_NODE: process.execPath };
  const { status, stdout, stderr } = spawnSync(join(root, "scripts/flash"), args, { env, encoding: "utf8" });
  return { status, out: stdout + stderr };
}

it("puts one signed file on a stick, or into the inbox of a card, as often as it is asked to", () => {
  mkdirSync(at("stick"));
  mkdirSync(at("card/var/lib/swath"), { recursive: true });
  for (const _ of [1, 2]) {
    const { status, out } = flash([at("u1.yaml"), "--key", at("hq.key"), "--folder", at("stick")]);
    expect(out).toMatch(/unit-1 +\d+ +\S+stick +delivered/);
    expect(status).toBe(0);
  }
  flash([at("u1.yaml"), "--key", at("hq.key"), "--folder", at("card"), "--serial", "7"]);
  expect(readdirSync(at("stick"))).toEqual(["unit-1.swath"]);
  const file = readFileSync(at("card/var/lib/swath/inbox/unit-1.swath"));
  const key = parsePublicKey(readFileSync(at("hq.pub"), "utf8"))!;
  expect(openBundle(file, [key])).toMatchObject({ bundle: { unit: "unit-1", machine: "m-1", serial: 7 } });
});

const FLEET =
  "units:\n  - { config: u1.yaml, ssh: one }\n  - { config: u2.yaml, ssh: swath@two }\n  - { config: u3.yaml, folder: stick }\n";

it("serves a fleet over SSH and sticks, the canary first, with a table at the end", () => {
  writeFileSync(at("fleet.yaml"), FLEET);
  for (const host of ["one", "swath@two", "stick"]) mkdirSync(at(host));
  writeFileSync(at("one/answer"), "ACCEPTED: serial 5 is tried now\n");
  writeFileSync(at("swath@two/answer"), "REFUSED: it is for machine m-2, but this unit is on m-9\n");
  const bin = fakeSsh();
  const dry = flash(["--fleet", at("fleet.yaml"), "--key", at("hq.key"), "--dry-run"], bin);
  expect(dry.out).toMatch(/unit-3 .* would go/);
  expect(existsSync(at("one/var"))).toBe(false);
  writeFileSync(at("one/verdict"), "serial 5 committed: all was well for 60 s\n");
  const { status, out } = flash(["--fleet", at("fleet.yaml"), "--key", at("hq.key"), "--serial", "5"], bin);
  expect(out).toContain("[1/3] unit-1 → one (canary)");
  expect(out).toMatch(/ACCEPTED: serial 5 is tried now; waiting for the end of its trial/);
  expect(out).toMatch(/unit-1 .* committed +serial 5 committed: all was well/);
  expect(out).toMatch(/unit-2 .* REFUSED +REFUSED: it is for machine m-2/);
  expect(out).toMatch(/unit-3 .* delivered/);
  expect(status).toBe(1);
  expect(readdirSync(at("one/var/lib/swath/inbox"))).toEqual(["unit-1.swath"]);
});

it.each([
  ["serial 5 reverted: nothing comes from shock", /unit-1 .* REVERTED +serial 5 reverted: nothing comes from shock/],
  ["serial 4 committed: all was well", /unit-1 .* FAILED +its trial was not over after 1 s/],
])("leaves the others out when the canary accepts it and its verdict is: %s", (verdict, words) => {
  writeFileSync(at("fleet.yaml"), FLEET);
  for (const host of ["one", "swath@two", "stick"]) mkdirSync(at(host));
  writeFileSync(at("one/answer"), "ACCEPTED: serial 5 is tried now\n");
  writeFileSync(at("one/verdict"), `${verdict}\n`);
  const args = ["--fleet", at("fleet.yaml"), "--key", at("hq.key"), "--serial", "5", "--trial-s", "1"];
  const { status, out } = flash(args, fakeSsh());
  expect(out).toMatch(words);
  expect(out).toMatch(/unit-3 .* left out/);
  expect(readdirSync(at("stick"))).toEqual([]);
  expect(status).toBe(1);
});

it("leaves the others out when the canary is not reached, and says why", () => {
  writeFileSync(at("fleet.yaml"), FLEET);
  mkdirSync(at("stick"));
  const { status, out } = flash(["--fleet", at("fleet.yaml"), "--key", at("hq.key")], fakeSsh());
  expect(out).toMatch(/unit-1 .* FAILED +scp failed: ssh: connect to host one: No route to host/);
  expect(out).toMatch(/unit-2 .* left out +the canary did not take its own/);
  expect(readdirSync(at("stick"))).toEqual([]);
  expect(status).toBe(1);
});

it("delivers nothing when any file of the fleet is wrong, or a host could be read as an option", () => {
  mkdirSync(at("stick"));
  writeFileSync(
    at("fleet.yaml"),
    "units:\n  - { config: u3.yaml, folder: stick }\n  - { config: u2.yaml, ssh: -oProxyCommand=x }\n",
  );
  const bad = flash(["--fleet", at("fleet.yaml"), "--key", at("hq.key")]);
  expect(bad).toMatchObject({ status: 78, out: expect.stringContaining("expected a host") });
  writeFileSync(at("u2.yaml"), "org: x\n");
  writeFileSync(at("fleet.yaml"), FLEET.replaceAll(/ssh: \S+/g, "folder: stick"));
  expect(flash(["--fleet", at("fleet.yaml"), "--key", at("hq.key")]).out).toContain("nothing was delivered");
  expect(readdirSync(at("stick"))).toEqual([]);
  expect(flash(["--fleet", at("fleet.yaml")]).status).toBe(64);
});
