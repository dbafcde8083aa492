import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { QUALITY } from "../../src/model/quality.ts";
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

/** Frames a second that a busy machine's bus carries. */
const BUSY_HZ = 660;
const SECONDS = 3;

/** What is on the machine's bus, as candump writes it down: engine, two other units, a long message of each kind of transport. */
function busLog(): { log: string; frames: number; rpm: number[] } {
  const lines: string[] = [];
  const rpm: number[] = [];
  const u16 = (n: number) =>
    Buffer.from([n & 0xff, n >> 8])
      .toString("hex")
      .toUpperCase();
  const at = () => `(${(1000 + lines.length / (1.1 * BUSY_HZ)).toFixed(6)}) vcan0`;
  const put = (frame: string) => lines.push(`${at()} ${frame}`);
  const long = (to: string, from: string, kind: string, payload: string) => {
    const bytes = payload.length / 2;
    const packets = Math.ceil(bytes / 7);
    put(`1CEC${to}${from}#${kind}${u16(bytes)}${Buffer.from([packets, 0xff]).toString("hex").toUpperCase()}CAFE00`);
    if (kind === "10") put(`1CEC${from}${to}#11${Buffer.from([packets]).toString("hex")}01FFFFCAFE00`);
    for (let n = 0; n < packets; n++)
      put(`1CEB${to}${from}#0${n + 1}${payload.slice(14 * n, 14 * n + 14).padEnd(14, "F")}`);
    if (kind === "10") put(`1CEC${from}${to}#13${u16(bytes)}0${packets}FFCAFE00`);
  };
  for (let i = 0; lines.length < 1.1 * BUSY_HZ * SECONDS; i++) {
    const raw = 6400 + ((i * 37) % 8000);
    rpm.push(raw / 8);
    put(`0CF00400#F07D7D${u16(raw)}00FF7D`);
    put(`0CF0040B#F07D7D409C00FF7D`); // 5000 rpm, of another unit
    put("0CF00421#FFFFFFFFFFFFF0FF"); // a third, which has none
    if (i % 50 === 0) put("18FEEE00#33FE6423FFFFFFFF"); // coolant 11 degrees, fuel temperature in error, oil 10.125
    if (i % 200 === 100) long("FF", "00", "20", "04FF6E000501BE00030264000301"); // lamp and three codes, broadcast
    if (i % 200 === 150) long("00", "03", "10", "00FF6F0004017F000501"); // two codes, from one unit to another
  }
  return { log: `${lines.join("\n")}\n`, frames: lines.length, rpm };
}

it("a busy machine's bus goes from the kernel's vcan over its slcan to the part: every value, no frame lost, none of ours on it", async () => {
  const { log, frames, rpm } = busLog();
  const run = await runInGuest(
    `set -e
modprobe -a slcan vcan can-raw can-gw
cd "${root}"
ip link add dev vcan0 type vcan
ip link set up vcan0 txqueuelen 10000
pair() { socat pty,raw,echo=0,link=/tmp/$1 pty,raw,echo=0,link=/tmp/$2 & while [ ! -e /tmp/$1 ] || [ ! -e /tmp/$2 ]; do sleep 0.1; done; }
pair kernel bus
pair adapter unit
exec 9<>"$(readlink /tmp/unit)" # keeps the pair when the unit has closed its end
slcand -F -o -s5 "$(readlink /tmp/kernel)" slcan0 >/dev/null 2>&1 &
while ! ip link set up slcan0 txqueuelen 10000 2>/dev/null; do sleep 0.1; done
cangw -A -s vcan0 -d slcan0
candump -L -r 4000000 vcan0 >/tmp/seen.log 2>/dev/null &
${guest("slcan-guest")} "$(readlink /tmp/bus)" "$(readlink /tmp/adapter)" "$(readlink /tmp/unit)" ${frames} /tmp/gone >/rig/told.json &
unit=$!
while ! grep -qs ready /rig/told.json; do sleep 0.1; done
canplayer -I /rig/bus.log vcan0=vcan0
while [ ! -e /tmp/gone ] && kill -0 $unit; do sleep 0.1; done
cp /tmp/seen.log /rig/seen.log
rx=/sys/class/net/slcan0/statistics/rx_packets
before=$(cat $rx)
printf 'O\\rT18EAFF1D3EBFE00\\r' >&9
n=0
while [ "$(cat $rx)" = 0 ] && [ $n -lt 300 ]; do n=$((n+1)); sleep 0.1; done
echo "$before $(cat $rx)" >/rig/rx
touch /tmp/gone.seen
wait $unit
`,
    { "bus.log": log },
    LIMIT_MS,
  );
  try {
    const told = JSON.parse(run.file("told.json").trim().split("\n").at(-1) ?? "{}");
    expect(told.counters, run.output).toMatchObject({
      canFrames: frames,
      malformed: 0,
      tooLong: 0,
      early: 0,
      tpBroken: 0,
    });
    expect(told).toMatchObject({ state: "running", verified: "ack-only" });
    expect(told.values.engineSpeed).toEqual(rpm);
    expect(told.values).toMatchObject({
      coolantTemp: expect.arrayContaining([11]),
      oilTemp: expect.arrayContaining([10.125]),
    });
    expect(told.values.fuelTemp).toEqual([]);
    expect(told.qualities.fuelTemp).toBe(QUALITY.missing | QUALITY.fault);
    expect(told.counters).toMatchObject({ dtc110fmi5: 1, dtc190fmi3: 1, dtc100fmi3: 1, dtc111fmi4: 1, dtc127fmi5: 1 });
    expect(told.values.activeDtcs.at(-1)).toBe(5);
    expect(told.values.amberLamp.at(-1)).toBe(1);
    // Nothing was said to the adapter but what opens it, and the machine's bus carries its own frames only.
    expect(told.said).toEqual(["C", "C", "C", "V", "S5", "L"]);
    const framesOf = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[2]);
    expect(framesOf(run.file("seen.log"))).toEqual(framesOf(log));
    // What the kernel's driver took from its tty: nothing; and (negative control) the frame that another sends through the same adapter.
    expect(run.file("rx").trim()).toBe("0 1");
    const [first = 0, last = 0] = [0, frames - 1].map((i) =>
      Number(run.file("seen.log").split("\n")[i]?.slice(1).split(")")[0]),
    );
    console.log(`${frames} frames at ${((frames - 1) / (last - first)).toFixed(0)} frames/s, none lost`);
    expect((frames - 1) / (last - first)).toBeGreaterThan(BUSY_HZ / 2); // the rate is what this machine kept up; the loss must be nothing
  } finally {
    run.close();
  }
});
