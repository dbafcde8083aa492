import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type BrokerEar, listenAt } from "../rigs/broker-ear.ts";
import { type FakeHq, startFakeHq } from "../rigs/fake-hq.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { openPty } from "../rigs/pty.ts";
import { talkInto } from "../rigs/receiver.ts";
import { gnssConfig, type UnitHome, unitHome } from "../rigs/unit.ts";

/** What is torn down after each test, last made first. */
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function around(drops?: Parameters<typeof startFakeHq>[1], ack: "hq" | "broker" = "hq") {
  const home: UnitHome = unitHome();
  cleanups.push(() => home.close());
  const broker: Mosquitto = await startMosquitto();
  cleanups.push(() => broker.stop());
  const hq: FakeHq = await startFakeHq(broker.port, drops);
  cleanups.push(() => hq.close());
  const ear: BrokerEar = await listenAt(broker.port);
  cleanups.push(() => ear.close());
  const pty = await openPty();
  cleanups.push(() => pty.stop());
  const receiver = talkInto(pty);
  cleanups.push(receiver.stop);
  writeFileSync(join(home.dir, "hq.pub"), hq.publicPem);
  const more = { hq: { keyFiles: ["hq.pub"] } };
  const config = gnssConfig({ brokerPort: broker.port, spoolDir: home.spoolDir, pty: pty.path, more });
  const start = () => home.start({ ...config, spool: { dir: home.spoolDir, maxMb: 16, ack } });
  return { broker, hq, ear, start };
}

const whole = (seqs: readonly number[]) => seqs.every((seq, i) => seq === i + 1);

it("loses nothing when records vanish behind the broker, the broker and the unit are killed, and sends little twice", async () => {
  // Every fifth log record is lost once on its way to the database.
  const dropped = (lane: string, seq: number, times: number) => lane === "log" && seq % 5 === 0 && times === 1;
  const { broker, hq, start } = await around({ drops: dropped });
  let unit = await start();
  await unit.until("records at HQ", () => hq.has("log").length >= 8);

  unit.kill("SIGKILL");
  await unit.exit;
  unit = await start();
  const before = Math.max(...hq.has("log"));
  await unit.until("records of the next run", () => Math.max(...hq.has("log")) > before + 5);

  // Nothing of it was stored: what was on its way, the retained watermark and HQ's subscription are gone.
  await broker.kill();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await broker.restart();
  await unit.until("HQ to have what it lacked", () => hq.has("log").length > 40 && hq.has("log").includes(5), 90_000);

  await unit.until(
    "all of it",
    () => {
      const have = hq.has("log");
      return whole(have.filter((seq) => seq <= 30)) && whole(hq.has("event"));
    },
    90_000,
  );
  expect((await unit.stop()).code).toBe(0);
  const sent = [...hq.taken].filter(([id]) => id.includes("/log/"));
  const lost = sent.filter(([id]) => Number(id.split("/")[2]) % 5 === 0).length;
  const twice = sent.reduce((n, [, times]) => n + times - 1, 0);
  console.log(`${sent.length} log records, ${lost} lost once on purpose, ${twice} came more than once`);
  expect(twice).toBeLessThanOrEqual(lost + Math.ceil(0.2 * sent.length));
});

it("negative control: freed by the broker's word, what vanished behind it stays missing", async () => {
  const dropped = (lane: string, seq: number, times: number) => lane === "log" && seq % 5 === 0 && times === 1;
  const { hq, start } = await around({ drops: dropped }, "broker");
  const unit = await start();
  await unit.until("records at HQ", () => Math.max(0, ...hq.has("log")) >= 40, 90_000);
  expect(hq.has("log")).not.toContain(5);
  expect(hq.has("log")).not.toContain(10);
});

it("tells what is unsent and what is unconfirmed, answers commands once, and announces itself when HQ comes back", async () => {
  const { hq, ear, start } = await around();
  const unit = await start();
  await unit.until("a fix at HQ", () => hq.has("log").length >= 6 && ear.lives.some((l) => l.body.c["lat"] != null));

  await hq.command({ serial: 1, op: "locate" });
  await unit.until("the position", () => hq.answers.length === 1);
  expect(hq.answers[0]).toMatchObject({ id: "c-1", ok: true, detail: { lon: 103.25 } });
  await hq.command({ serial: 1, op: "locate" });
  await unit.until("the same answer", () => hq.answers.length === 2);
  expect(hq.answers[1]).toEqual(hq.answers[0]);
  await hq.command({ serial: 2, op: "snapshot" });
  await unit.until("state and health", () => hq.answers.length === 3);
  expect(hq.answers[2]).toMatchObject({ ok: true, detail: { state: { state: "online" }, health: { v: 1 } } });
  await hq.command({ serial: 3, op: "config", args: { bundle: "AAAA" } });
  await unit.until("an answer to config", () => hq.answers.length === 4);
  await hq.command({ serial: 9, op: "rebirth", unit: "unit-2", id: "other" });
  await hq.command({ serial: 10, op: "rebirth", id: "kept" }, true);
  await unit.until("both to be refused", () => unit.output.split("link/unbelieved").length === 3);
  const told = hq.announced;
  await hq.command({ serial: 4, op: "rebirth" });
  await unit.until("the announcement", () => hq.announced > told && hq.answers.length === 5);
  expect(hq.answers.map((a) => a.id)).toEqual(["c-1", "c-1", "c-2", "c-3", "c-4"]);

  await hq.lose();
  await unit.until("records that wait for HQ's word", () => (ear.health?.spool.unconfirmed?.log ?? 0) > 2, 90_000);
  expect(ear.health?.spool.unsent.log).toBeLessThanOrEqual(1);
  const before = hq.announced;
  await hq.back();
  await unit.until("state again", () => hq.announced > before);
  await unit.until("the records' release", () => ear.state?.unconfirmed?.log !== undefined);

  // A killed unit does not do a command again.
  unit.kill("SIGKILL");
  await unit.exit;
  const again = await start();
  await again.until("a connection", () => again.output.includes('"connected":true'));
  await hq.command({ serial: 3, op: "config", args: { bundle: "AAAA" } });
  await again.until("the answer from before", () => hq.answers.at(-1)?.id === "c-3");
  expect(hq.answers.at(-1)).toEqual(hq.answers[3]);
});
