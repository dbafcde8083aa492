// Runs inside the guest, compiled: the J1939 listener on a tty whose other end is the kernel's own slcan driver.
import { catalogue } from "../../../devices/index.ts";
import { systemClock } from "../../../src/bus/clock.ts";
import { openLinuxSerial } from "../../../src/bus/linux-serial.ts";
import { readJ1939Id } from "../../../src/codec/j1939-signals.ts";
import { createJ1939Transport } from "../../../src/codec/j1939-transport.ts";
import { createSlcanFramer } from "../../../src/codec/slcan.ts";

const groups: Record<string, number> = {};
const sent: number[] = [];
let long = "";
const transport = createJ1939Transport((pgn, _from, _data, length) => {
  long = `${pgn} ${length}`;
});
const framer = createSlcanFramer(
  (frame) => {
    const { pgn, from, to } = readJ1939Id(frame.id);
    groups[pgn] = (groups[pgn] ?? 0) + 1;
    if (pgn === 61_444) sent.push((frame.data[3]! + 256 * frame.data[4]!) * 0.125);
    transport.frame(pgn, from, to, frame.data, 0);
  },
  () => undefined,
);
if (catalogue["j1939-slcan"] === undefined) throw new Error("no part");
const link = openLinuxSerial({
  name: "can",
  path: process.argv[2] ?? "",
  baud: 1_000_000,
  silenceS: Number.POSITIVE_INFINITY,
  clock: systemClock,
});
link.start({
  bytes: (chunk) => framer.push(chunk),
  opened: () => process.stdout.write("ready\n"),
  closed: () => undefined,
});
const wanted = Number(process.argv[3]);
const endMs = systemClock.monoMs() + 30_000;
while (framer.counters.canFrames < wanted && systemClock.monoMs() < endMs)
  await new Promise((done) => setTimeout(done, 20));
await link.close();
process.stdout.write(`${JSON.stringify({ ...framer.counters, groups, rpm: sent, long })}\n`);
