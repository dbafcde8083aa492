import { createServer } from "node:net";
import { afterEach, expect, it } from "vitest";
import type { CabView } from "../../src/cab/page/view.ts";
import { listenAt } from "../rigs/broker-ear.ts";
import { startMosquitto } from "../rigs/mosquitto.ts";
import { openPty } from "../rigs/pty.ts";
import { talkInto } from "../rigs/receiver.ts";
import { gnssConfig, type UnitRig, unitHome } from "../rigs/unit.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function around(cab: object) {
  const home = unitHome();
  cleanups.push(() => home.close());
  const broker = await startMosquitto();
  cleanups.push(() => broker.stop());
  const ear = await listenAt(broker.port);
  cleanups.push(() => ear.close());
  const pty = await openPty();
  cleanups.push(() => pty.stop());
  const { spoolDir } = home;
  const start = () => home.start(gnssConfig({ brokerPort: broker.port, spoolDir, pty: pty.path, more: { cab } }));
  return { broker, ear, pty, start, unit: await start() };
}

const urlIn = (unit: UnitRig) => {
  const url = unit.lines.find((line) => line["msg"] === "the page in the cab")?.["url"];
  return typeof url === "string" ? url : undefined;
};

it("an operator sees the receiver's fix, and a mark is at the broker, with the network gone in between", async () => {
  const { broker, ear, pty, start, unit } = await around({ port: 0 });
  const url = await unit.until("the page", () => urlIn(unit));
  const view = async () => (await (await fetch(`${url}api/view`)).json()) as CabView;
  expect((await view()).gnss.fix).toBe("silent");
  await unit.until("the receiver's port to be open", () => ear.state?.sources["gnss"] === "starting");
  const receiver = talkInto(pty);
  cleanups.push(receiver.stop);
  await unit.until("a fix on the page", async () =>
    ["3d", "fixed", "dgnss", "float"].includes((await view()).gnss.fix),
  );

  await broker.kill();
  await unit.until("the page to say that HQ is apart", async () => !(await view()).hq.connected);
  const answer = await fetch(`${url}api/mark`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: new URL(url).origin },
    body: JSON.stringify({ kind: "mine_found", id: "press-0001" }),
  });
  expect(answer.status).toBe(200);
  expect((await view()).marks.map((m) => m.kind)).toEqual(["mine_found"]);
  // Killed at once: what was answered as marked is durable.
  unit.kill("SIGKILL");
  await unit.exit;
  await broker.restart();
  const second = await start();
  const marks = await second.until("the mark at the broker", () => {
    const found = ear.ofKind("event", "event").filter((e) => e.name === "mark");
    return found.length > 0 && found;
  });
  expect(marks.map((e) => e.detail)).toEqual([{ kind: "mine_found", origin: "cab" }]);
});

it("a port that is taken costs the page and nothing else", async () => {
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, "127.0.0.1", done));
  cleanups.push(() => new Promise((done) => taken.close(done)));
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { ear, unit } = await around({ port });
  await unit.until("the unit to be online", () => ear.state?.state === "online");
  expect(unit.output).toContain("there is no page in the cab");
});
