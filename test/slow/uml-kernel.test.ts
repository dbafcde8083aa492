import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { runInGuest } from "../rigs/uml/guest.ts";

const root = resolve(import.meta.dirname, "../..").replace(/\/dist$/, "");
const guest = (name: string) => {
  const path = resolve(root, `dist/test/rigs/uml/${name}.js`);
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run build`);
  return `"${process.execPath}" "${path}"`;
};
/** Long enough for a machine ten times slower than an idle one: the kernel itself starts in two to four seconds. */
const LIMIT_MS = 110_000;

it("the genuine i2c-bus addon reads parts on the i2c-stub of a real kernel, and finds the addresses that answer", async () => {
  const run = await runInGuest(
    `set -e
modprobe i2c-dev
modprobe i2c-stub chip_addr=0x20,0x68
n=$(basename "$(grep -l stub -r /sys/class/i2c-dev/*/name | head -n 1 | xargs dirname)" | sed s/i2c-//)
cd "${root}"
${guest("i2c-guest")} "$n" >/rig/told.json
`,
    {},
    LIMIT_MS,
  );
  try {
    expect(run.output).toBe("");
    const told = JSON.parse(run.file("told.json"));
    expect(told.ds3231).toMatchObject({ state: "running", verified: "readback" });
    expect(told.ds3231.seen).toEqual({ utc: Date.UTC(2026, 10, 25, 7, 8, 9) / 1000, temperature: 25.25 });
    expect(told.mcp23017.seen).toMatchObject({ gpa0: 1, gpa1: 0, gpb0: 0 });
    expect(told.absent.state).not.toBe("running");
    expect(told.scan).toEqual([0x20, 0x68]);
  } finally {
    run.close();
  }
});

it("text of the kernel's own slcan driver is read as the frames that were put on its bus, and nothing else is written", async () => {
  const run = await runInGuest(
    `set -e
modprobe -a slcan can-raw
cd "${root}"
socat pty,raw,echo=0,link=/tmp/near pty,raw,echo=0,link=/tmp/far &
while [ ! -e /tmp/near ] || [ ! -e /tmp/far ]; do sleep 0.1; done
slcand -F -o -s5 "$(readlink /tmp/near)" slcan0 >/dev/null 2>&1 &
while ! ip link set up slcan0 txqueuelen 1000 2>/dev/null; do sleep 0.1; done
${guest("slcan-guest")} "$(readlink /tmp/far)" 205 >/rig/told.json &
while ! grep -q ready /rig/told.json; do sleep 0.1; done
i=0
while [ $i -lt 200 ]; do cansend slcan0 0CF00400#F07D7D401F00FF7D; i=$((i+1)); done
cansend slcan0 18ECFF00#201100 2>/dev/null || true
cansend slcan0 18ECFF00#20110003FFE3FE00
cansend slcan0 18EBFF00#0101020304050607
cansend slcan0 18EBFF00#0208090A0B0C0D0E
cansend slcan0 18EBFF00#030F1011FFFFFFFF
wait %3 || wait
`,
    {},
    LIMIT_MS,
  ).catch((e: unknown) => {
    throw e;
  });
  try {
    const lines = run.file("told.json").trim().split("\n");
    const told = JSON.parse(lines.at(-1) ?? "{}");
    expect(told, run.output).toMatchObject({ canFrames: 205, malformed: 0, tooLong: 0 });
    expect(told.groups["61444"]).toBe(200);
    expect(new Set(told.rpm)).toEqual(new Set([1000]));
    expect(told.long).toBe("65251 17");
  } finally {
    run.close();
  }
});
