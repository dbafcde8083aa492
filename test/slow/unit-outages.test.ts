import { afterEach, expect, it } from "vitest";
import { listenAt } from "../rigs/broker-ear.ts";
import { type Field, openField } from "../rigs/field.ts";
import { freePort, startMosquitto } from "../rigs/mosquitto.ts";
import { epochOf } from "../rigs/receiver.ts";
import { startTcpProxy } from "../rigs/tcp-proxy.ts";
import { gnssConfig, unitHome } from "../rigs/unit.ts";

const fields: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of fields.splice(0).reverse()) await close();
});

async function field(): Promise<Field> {
  const made = await openField();
  fields.push(() => made.close());
  return made;
}

it("a unit whose cable is pulled says so, stays up and hears the receiver again by itself", async () => {
  const { home, ear, pty, config, talk } = await field();
  const unit = await home.start(config());
  await unit.until("the port to be open", () => unit.lines.some((l) => l["reason"] === "opened"));
  const receiver = talk();
  await unit.until("the receiver to run", () => ear.state?.sources["gnss"] === "running");
  await pty.pull();
  await unit.until("state to say that it is gone", () =>
    ["failed", "absent"].includes(ear.state?.sources["gnss"] ?? ""),
  );
  const gone = ear.ofKind("event", "event").map((e) => e.detail["state"]);
  await unit.until("health to say so", () => ["failed", "absent"].includes(ear.health?.sources["gnss"]?.state ?? ""));
  const rows = ear.lives.length;
  await unit.until("rows without values", () => ear.lives.slice(rows).some((l) => l.body.c["sats"] === null));
  await pty.plug();
  await unit.until("the receiver to run again", () => ear.state?.sources["gnss"] === "running");
  await unit.until("values again", () => ear.lives.at(-1)?.body.c["sats"] === 12);
  receiver.stop();
  expect((await unit.stop()).code).toBe(0);
  await ear.settle();
  expect(gone.slice(0, 2)).toEqual(["starting", "running"]);
  const words = ear.ofKind("event", "event").map((e) => e.detail["state"]);
  expect(words.slice(gone.length).filter((w) => w === "failed" || w === "absent").length + gone.length).toBeGreaterThan(
    2,
  );
  expect(words.at(-1)).toBe("running");
  expect(ear.ofKind("outage")).toEqual([]);
  expect(unit.lines.filter((l) => l["msg"] === "sampler started")).toHaveLength(1);
});

it("what was recorded while the broker was away arrives when it is back, from 1 on and without a hole", async () => {
  const { home, broker, ear, config, talk } = await field();
  // Between unit and broker, so that the ear is back at the broker before the unit is.
  const link = await startTcpProxy(broker.port);
  fields.push(() => link.close());
  const unit = await home.start(config({ broker: { url: `mqtt://127.0.0.1:${link.port}` } }));
  await unit.until("the port to be open", () => unit.lines.some((l) => l["reason"] === "opened"));
  const receiver = talk();
  await unit.until("records", () => ear.ofKind("track").length >= 2);
  link.faults.refuse = true;
  link.cutAll();
  await ear.settle();
  const { subscriptions } = ear;
  const toldAtKill = receiver.told;
  await broker.kill();
  await unit.until("the unit to see it", () => unit.lines.some((l) => l["msg"] === "link" && l["connected"] === false));
  await unit.until("work without a broker", () => receiver.told > toldAtKill + 50);
  await broker.restart();
  await unit.until("the ear to be back", () => ear.subscriptions > subscriptions);
  const heardBefore = ear.heard("log").length;
  link.faults.refuse = false;
  await unit.until("the unit to be back", () => ear.heard("log").length > heardBefore, 60_000);
  const toldAtReturn = receiver.told;
  await unit.until("work after it", () => receiver.told > toldAtReturn + 20);
  receiver.stop();
  await unit.until("health to count it", () => (ear.health?.link.connects ?? 0) >= 2);
  expect((await unit.stop()).code).toBe(0);
  await ear.settle();
  const epochs = ear.ofKind("track").flatMap((r) => r.c["lat"]!.map((lat) => epochOf(lat!)));
  // The first epochs may lie before the port was read; from then on there is every one, in order, once.
  expect(epochs).toEqual(Array.from({ length: epochs.length }, (_, i) => epochs[0]! + i));
  expect(epochs[0]).toBeLessThanOrEqual(1);
  expect(epochs.at(-1)).toBeGreaterThanOrEqual(receiver.told - 2);
  expect(ear.ofKind("outage")).toEqual([]);
});

it("a unit that finds neither broker nor port at its start works with both when they come", async () => {
  const home = unitHome();
  fields.push(() => home.close());
  const { pty, talk, close } = await openField();
  fields.push(close);
  await pty.pull();
  const port = await freePort();
  const unit = await home.start(gnssConfig({ brokerPort: port, spoolDir: home.spoolDir, pty: pty.path }));
  await unit.until("the refused connection in the log", () =>
    unit.lines.some((l) => l["code"] === "link/down" || l["code"] === "link/unreachable" || l["connected"] === false),
  );
  await unit.until("sampling", () => unit.lines.some((l) => l["msg"] === "sampling"));
  const link = await startMosquitto([`listener ${port} 127.0.0.1`, "allow_anonymous true"]);
  fields.push(() => link.stop());
  const ear = await listenAt(port);
  fields.push(() => ear.close());
  await unit.until("state", () => ear.state?.state === "online", 60_000);
  expect(ear.state?.sources["gnss"] ?? "absent").toBe("absent");
  await pty.plug();
  talk();
  await unit.until("the receiver", () => ear.state?.sources["gnss"] === "running");
  await unit.until("records", () => ear.heard("log").some((h) => h.body.kind === "track"));
  expect(unit.ended).toBeUndefined();
  expect((await unit.stop()).code).toBe(0);
});

it("sends the same records as cbor as soon as the configuration says so", async () => {
  const { home, broker, ear, config, talk } = await field();
  const run = async (changes: object) => {
    const unit = await home.start(config(changes));
    await unit.until("the port to be open", () => unit.lines.some((l) => l["reason"] === "opened"));
    const receiver = talk();
    const before = ear.ofKind("track").length;
    await unit.until("records", () => ear.ofKind("track").length >= before + 3);
    receiver.stop();
    expect((await unit.stop()).code).toBe(0);
    await ear.settle();
  };
  const to = (encoding: string) => ({ url: `mqtt://127.0.0.1:${broker.port}`, encoding });
  await run({ broker: to("json") });
  const asJson = ear.compact;
  await run({ broker: to("cbor"), rows: { everyMs: 500, batch: 2 } });
  expect([asJson, ear.compact > 0]).toEqual([0, true]);
  // The ear holds every record to the schemas, and numbers to one body each without a hole.
  expect(new Set(ear.whole("log").map((r) => ("desc" in r ? r.desc : r.kind))).size).toBeGreaterThan(2);
  expect(ear.whole("event").length).toBeGreaterThan(0);
});
