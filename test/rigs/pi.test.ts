import { spawn } from "node:child_process";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { answersIn } from "./pi/answers.ts";
import { rewriteMemory, writableParts } from "./pi/memory.ts";
import { protocol } from "./pi/protocol.ts";
import { until } from "./unit.ts";

const packed = (text: string) => gzipSync(text).toString("base64");

it("answers of the Pi's agent are found by their numbers between the kernel's own lines, and only when they are whole", () => {
  const whole = `PI answer 12 3 ${packed("two\nlines\n")}`;
  const console = ["[  1.6] mmc0: up", `PI answer 1 0 ${packed("")}`, "", whole, "[  2.0] usb", "PI answer 13 0"].join(
    "\n",
  );
  expect([...answersIn(`${console} ${packed("later").slice(0, 9)}`)]).toEqual([
    [1, { code: 0, output: "" }],
    [12, { code: 3, output: "two\nlines\n" }],
  ]);
});

it("an answer that is still being written is none yet", () => {
  const line = `PI answer 1 0 ${packed("a long answer, which takes its time on the wire".repeat(9))}`;
  for (let length = 0; length < line.length; length++) expect(answersIn(line.slice(0, length)).size).toBe(0);
  expect(answersIn(`${line}\n`).size).toBe(1);
});

it("only memory that a process may write is searched, and not the memory of the machine it emulates", () => {
  const maps = [
    "00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/dbus-daemon",
    "00e03000-00e24000 rw-p 00000000 00:00 0      [heap]",
    "7f0000000000-7f0040000000 rw-p 00000000 00:00 0 ",
    "7f5a00000000-7f5a00021000 rw-s 00000000 00:00 0 ",
  ].join("\n");
  expect(writableParts(maps)).toEqual([
    { from: 0xe03000, bytes: 0x21000 },
    { from: 0x7f5a00000000, bytes: 0x21000 },
  ]);
});

it("the content of a chip is replaced in the memory of another process while that runs", async () => {
  const was = Buffer.alloc(4096, "before ");
  const becomes = Buffer.alloc(4096, "behind ");
  // Made there from a word, so that it stands nowhere else.
  const script = `const chip = Buffer.alloc(4096, "before "); console.log("ready");
    setInterval(() => console.log(chip.subarray(0, 6).toString()), 20);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  let heard = "";
  child.stdout.on("data", (chunk) => {
    heard += chunk;
  });
  try {
    await until("the other process", () => heard.includes("before"));
    rewriteMemory(child.pid ?? 0, was, becomes);
    await until("the new content", () => heard.endsWith("behind\n"));
    expect(() => rewriteMemory(child.pid ?? 0, was, becomes)).toThrow("nowhere");
    expect(() => rewriteMemory(child.pid ?? 0, was, becomes.subarray(1))).toThrow("4095 bytes in place of 4096");
  } finally {
    child.kill("SIGKILL");
  }
});

it("a protocol says when each thing was done, in the order in which it was", () => {
  let nowMs = 5000;
  const told = protocol("Title", () => nowMs);
  told.add("booted");
  nowMs += 83_250;
  told.add("received 21.75");
  expect(told.text()).toBe("Title\n\n    0.0 s  booted\n   83.3 s  received 21.75\n");
});
