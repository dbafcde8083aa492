import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { mosquittoPath, startMosquitto } from "../rigs/mosquitto.ts";
import { openPty } from "../rigs/pty.ts";
import { epochText } from "../rigs/receiver.ts";
import { gnssConfig, SWATH } from "../rigs/unit.ts";
import type { Result } from "./result.ts";

const HELLO = join(import.meta.dirname, "peers/hello.js");

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Rejects when a process ends before it has said anything. */
function silentEnd(child: ChildProcess): Promise<never> {
  return new Promise((_, fail) => {
    child.once("exit", (code, signal) => fail(new Error(`${child.spawnargs.join(" ")} ended: ${code ?? signal}`)));
  });
}

function ended(child: ChildProcess): Promise<unknown> {
  return child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((done) => child.once("exit", done));
}

/**
 * How long a process takes from its start to the first message at Mosquitto: the unit, with a receiver on a pty and an
 * empty spool, in turns with a bare MQTT.js program that says hello. Also the unit's first fix. `--short`: fewer rounds.
 */
export async function run(flags: readonly string[] = []): Promise<Result> {
  if (mosquittoPath() === undefined) {
    console.log("the startup bench needs mosquitto: nothing is measured");
    return { name: "startup", figures: {} };
  }
  const rounds = flags.includes("--short") ? 3 : 9;
  const folder = mkdtempSync(join(tmpdir(), "swath-startup-"));
  const broker = await startMosquitto();
  const pty = await openPty();
  const ear = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, { clientId: "ear" });
  await ear.subscribeAsync("#", { qos: 1 });
  const waits: { is: (topic: string, text: string) => boolean; done: (atMs: number) => void }[] = [];
  ear.on("message", (topic, payload) => {
    const atMs = performance.now();
    const text = payload.toString();
    for (const wait of [...waits]) {
      if (!wait.is(topic, text)) continue;
      waits.splice(waits.indexOf(wait), 1);
      wait.done(atMs);
    }
  });
  const first = (is: (topic: string, text: string) => boolean) =>
    new Promise<number>((done) => waits.push({ is, done }));

  const hello: number[] = [];
  const message: number[] = [];
  const fix: number[] = [];
  let told = 0;
  const talking = setInterval(() => pty.write(epochText(told++)), 100);
  try {
    for (let round = 0; round < rounds; round++) {
      const topic = `hello/${round}`;
      const helloMs = performance.now();
      const heard = first((t) => t === topic);
      const peer = spawn(process.execPath, [HELLO, String(broker.port), topic], { stdio: "ignore" });
      hello.push((await Promise.race([heard, silentEnd(peer)])) - helloMs);
      await ended(peer);

      const dir = join(folder, String(round));
      mkdirSync(dir);
      const unit = `unit-${round}`;
      const file = join(dir, "unit.yaml");
      const spoolDir = join(dir, "spool");
      writeFileSync(
        file,
        JSON.stringify(gnssConfig({ brokerPort: broker.port, spoolDir, pty: pty.path, more: { unit } })),
      );
      const swathMs = performance.now();
      const said = first((t) => t.startsWith(`swath/1/test/${unit}/`));
      const located = first((t, text) => t === `swath/1/test/${unit}/live` && /"lat":\d/.test(text));
      const swath = spawn(process.execPath, [SWATH, "run", "--config", file], { stdio: "ignore" });
      const silent = silentEnd(swath);
      message.push((await Promise.race([said, silent])) - swathMs);
      fix.push((await Promise.race([located, silent])) - swathMs);
      silent.catch(() => undefined); // now it may end
      swath.kill("SIGTERM");
      await ended(swath);
    }
  } finally {
    clearInterval(talking);
    await ear.endAsync(true);
    await pty.stop();
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const figures = {
    helloMs: median(hello),
    swathMs: median(message),
    swathFixMs: median(fix),
    ratio: median(message) / median(hello),
  };
  console.log(`process start to first message at the broker, median of ${rounds}, in turns:`);
  console.log(`  bare MQTT.js hello   ${figures.helloMs.toFixed(0)} ms`);
  console.log(`  swath run            ${figures.swathMs.toFixed(0)} ms   ${figures.ratio.toFixed(2)} × (goal ≤ 4 ×)`);
  console.log(`  its first live fix   ${figures.swathFixMs.toFixed(0)} ms`);
  return { name: "startup", figures };
}
