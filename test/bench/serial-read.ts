import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { SerialPort } from "serialport";
import { systemClock } from "../../src/bus/clock.ts";
import { openLinuxSerial } from "../../src/bus/linux-serial.ts";
import { openPty, type PtyRig } from "../rigs/pty.ts";

/**
 * What reading a serial port costs: CPU seconds and context switches a minute, of whole processes that read the same bytes at
 * the same time. The feed is that of a 1 kHz ASCII channel (ten lines in 10 ms) with a receiver's two sentences ten times a
 * second. `node dist/test/bench/serial-read.js [seconds] [rounds]`
 */
const READERS: Record<string, (path: string, take: (bytes: Uint8Array) => void) => void> = {
  "nothing (empty Node)": () => {},
  "serialport stream": (path, take) => {
    new SerialPort({ path, baudRate: 115_200 }).on("data", take);
  },
  openLinuxSerial: (path, take) => {
    const link = openLinuxSerial({ name: "bench", path, baud: 115_200, silenceS: 5, clock: systemClock });
    link.start({ bytes: take, opened() {}, closed: (error) => console.error(error.message) });
  },
};

const SETTLE_MS = 3000;

/** A child: reads, counts lines, and prints what the time between settling and the end cost. */
function read(kind: string, path: string, seconds: number): void {
  let lines = 0;
  let calls = 0;
  READERS[kind]?.(path, (bytes) => {
    calls += 1;
    for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) lines += 1;
  });
  setTimeout(() => {
    const before = { ...process.resourceUsage(), lines, calls };
    const beganMs = systemClock.monoMs();
    setTimeout(() => {
      const after = process.resourceUsage();
      const minutes = (systemClock.monoMs() - beganMs) / 60_000;
      const cpuUs = after.userCPUTime + after.systemCPUTime - before.userCPUTime - before.systemCPUTime;
      const switches =
        after.voluntaryContextSwitches +
        after.involuntaryContextSwitches -
        before.voluntaryContextSwitches -
        before.involuntaryContextSwitches;
      const row = {
        cpuSPerMin: cpuUs / 1e6 / minutes,
        switchesPerMin: switches / minutes,
        linesPerS: (lines - before.lines) / minutes / 60,
        callsPerS: (calls - before.calls) / minutes / 60,
      };
      process.stdout.write(JSON.stringify(row), () => process.exit());
    }, seconds * 1000);
  }, SETTLE_MS);
}

async function compare(seconds: number, rounds: number): Promise<void> {
  const cpu = execFileSync("uname", ["-m"]).toString().trim();
  console.log(`node ${process.version} ${cpu}, ${rounds} rounds of ${seconds} s, all readers at once`);
  console.log("| reader | CPU s/min | context switches/min | lines/s | reads/s |\n|---|---|---|---|---|");
  const lines = Buffer.from(Array.from({ length: 10 }, (_, i) => `$ACC,${i},${(i * 6553) & 0xffff}\r\n`).join(""));
  const fix = Buffer.from(
    "$GPRMC,092204.999,A,4250.5589,S,14718.5084,E,0.00,89.68,211200,,*25\r\n" +
      "$GPGGA,092204.999,4250.5589,S,14718.5084,E,1,04,24.4,19.7,M,,,,0000*1F\r\n",
  );
  for (let round = 0; round < rounds; round++) {
    const readers = await Promise.all(
      Object.keys(READERS).map(async (kind) => {
        const rig = await openPty();
        const self = process.argv[1] ?? "";
        const child = spawn(process.execPath, [self, "read", kind, rig.path, String(seconds)], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        return { kind, rig, child, said: text(child.stdout), done: once(child, "exit") };
      }),
    );
    const feeder = feed(
      readers.map((r) => r.rig),
      lines,
      fix,
    );
    for (const { kind, rig, said, done } of readers) {
      await done;
      const row = JSON.parse(await said) as Record<string, number>;
      const cell = (key: string, digits: number) => (row[key] ?? 0).toFixed(digits);
      console.log(
        `| ${kind} | ${cell("cpuSPerMin", 2)} | ${cell("switchesPerMin", 0)} | ${cell("linesPerS", 0)} | ${cell("callsPerS", 0)} |`,
      );
      await rig.stop();
    }
    clearInterval(feeder);
  }
}

function feed(rigs: readonly PtyRig[], lines: Buffer, fix: Buffer): NodeJS.Timeout {
  const beganMs = systemClock.monoMs();
  let sent = 0;
  return setInterval(() => {
    // Catches up, so that the rate is right although timers are late.
    for (const dueMs = systemClock.monoMs() - beganMs; sent * 10 < dueMs; sent++) {
      for (const rig of rigs) rig.write(sent % 10 === 0 ? Buffer.concat([lines, fix]) : lines);
    }
  }, 10);
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += chunk.toString();
  return all;
}

const [, , first = "20", second = "2", third = "", fourth = "20"] = process.argv;
if (first === "read") read(second, third, Number(fourth));
else await compare(Number(first), Number(second));
