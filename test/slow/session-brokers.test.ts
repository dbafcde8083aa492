import { it } from "vitest";
import { natsPath, startNats } from "../rigs/nats.ts";
import { type BrokerKind, withSubscriber } from "../uplink/brokers.ts";
import { describeSession } from "../uplink/session-suite.ts";

const nats: BrokerKind = {
  name: "NATS",
  protocol: "auto",
  speaks: "3.1.1",
  takesOver: false,
  async start({ password } = {}) {
    const broker = await startNats(password === undefined ? undefined : { unit: password, hq: "hq" });
    const login = password === undefined ? {} : { username: "hq", password: "hq" };
    return withSubscriber(broker.port, "3.1.1", login, broker);
  },
};

if (natsPath !== undefined || process.env["CI"] !== undefined) describeSession([nats]);
else it("needs nats-server, which is not installed here", () => console.log("the session was not run on NATS"));
