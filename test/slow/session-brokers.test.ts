import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { topicOf } from "../../src/model/topics.ts";
import type { BrokerProcess } from "../rigs/broker-process.ts";
import { hqOverBroker } from "../rigs/hq-over-broker.ts";
import { natsPath, startNats } from "../rigs/nats.ts";
import { hasRabbitMq, startRabbitMq } from "../rigs/rabbitmq.ts";
import { type BrokerKind, withSubscriber } from "../uplink/brokers.ts";
import { identity, openSession, until } from "../uplink/session.ts";
import { describeSession } from "../uplink/session-suite.ts";

const mustRun = process.env["CI"] !== undefined;

const nats: BrokerKind = {
  name: "NATS",
  protocol: "auto",
  speaks: "3.1.1",
  async start({ password } = {}) {
    const broker = await startNats(password === undefined ? undefined : { unit: password, hq: "hq" });
    const login = password === undefined ? {} : { username: "hq", password: "hq" };
    return withSubscriber(broker.port, "3.1.1", login, broker);
  },
};

/** `swath hq` and a unit on a broker: nothing lost, nothing that cannot be read, whichever of them frees records. */
async function expectHqToHaveAll(broker: { readonly port: number }): Promise<void> {
  const found = await hqOverBroker(broker.port);
  console.log(JSON.stringify(found));
  expect(found).toMatchObject({ protocol: "3.1.1", byBroker: { holes: 0 }, state: "offline", aside: 0 });
  expect(found.values).toBeGreaterThan(0);
  // All but what was made in the last moments.
  expect(found.byHq.unconfirmed).toBeLessThan(found.byHq.have / 2);
}

if (natsPath !== undefined || mustRun) {
  describeSession([nats]);
  it("swath hq over NATS has all that a unit made, before and after it was killed", async () => {
    const broker = await startNats();
    try {
      await expectHqToHaveAll(broker);
    } finally {
      await broker.stop();
    }
  }, 300_000);
} else it("needs nats-server, which is not installed here", () => console.log("the session was not run on NATS"));

/** RabbitMQ needs many seconds to start: one serves every scenario, and only the subscribers are new. */
function describeRabbitMq(): void {
  const login = { username: "hq", password: "hq" };
  const kept = [topicOf(identity, "state"), topicOf(identity, "desc")];
  let process: BrokerProcess;
  beforeAll(async () => {
    process = await startRabbitMq({ unit: "right", ...{ [login.username]: login.password } });
  }, 200_000);
  afterAll(() => process?.stop());
  const lifecycle = {
    kill: () => process.kill(),
    restart: () => process.restart(),
    stop: async () => {},
  };
  const rabbitMq: BrokerKind = {
    name: "RabbitMQ",
    protocol: "auto",
    speaks: "3.1.1",
    start: () => withSubscriber(process.port, "3.1.1", login, lifecycle, kept),
  };
  describeSession([rabbitMq]);

  it("gives what it keeps to those who ask by name, not to a wildcard; a new announcement reaches both", async () => {
    const byName = await rabbitMq.start();
    const byWildcard = await withSubscriber(process.port, "3.1.1", login, lifecycle);
    const { uplink } = openSession(process.port);
    uplink.start();
    await until("the announcement", () => byWildcard.delivered.length >= 2);
    expect(Object.keys(await byName.retained()).sort()).toEqual(["desc", "state"]);
    expect(await byWildcard.retained()).toEqual({});
    const late = await withSubscriber(process.port, "3.1.1", login, lifecycle);
    uplink.announce();
    await until("it to be announced again", () => late.delivered.length >= 2);
    expect(late.delivered.map((d) => d.cls).sort()).toEqual(["desc", "state"]);
    await uplink.stop({ final: "{}" });
    for (const broker of [byName, byWildcard, late]) await broker.stop();
  });

  it("swath hq has all that a unit made that was there before it: the unit announces itself when HQ comes online", async () => {
    await expectHqToHaveAll(process);
  }, 300_000);
}

if (hasRabbitMq || mustRun) describe("with one RabbitMQ", describeRabbitMq);
else it("needs rabbitmq-server, which is not installed here", () => console.log("the session was not run on RabbitMQ"));
