import { afterEach, expect, it } from "vitest";
import { openField } from "../rigs/field.ts";
import { epochOf } from "../rigs/receiver.ts";

const HUNG_MS = 35_000;

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

it("a unit that hangs for 35 s while its sampler goes on misses nothing of that time", async () => {
  const { home, ear, config, talk, close: closeField } = await openField();
  close = closeField;
  const unit = await home.start(config());
  await unit.until("the port to be open", () => unit.lines.some((l) => l["reason"] === "opened"));
  const receiver = talk();
  await unit.until("records", () => ear.ofKind("track").length >= 3);
  const sampler = unit.samplerPid;
  const [toldBefore, heardBefore] = [receiver.told, ear.heard("log").length];
  unit.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, HUNG_MS));
  const [toldAfter, heardAfter] = [receiver.told, ear.heard("log").length];
  unit.kill("SIGCONT");
  const epochs = () => ear.ofKind("track").flatMap((r) => r.c["lat"]!.map((lat) => epochOf(lat!)));
  await unit.until("the time after it", () => (epochs().at(-1) ?? 0) >= toldAfter + 20, 60_000);
  receiver.stop();
  expect((await unit.stop()).code).toBe(0);
  await ear.settle();
  const got = epochs();
  const outages = ear.ofKind("outage");
  const during = got.filter((epoch) => epoch > toldBefore && epoch <= toldAfter).length;
  console.log(
    `hung for ${HUNG_MS / 1000} s: ${during} of ${toldAfter - toldBefore} epochs of that time arrived afterwards, ${outages.length} outages`,
  );
  // It did hang: HQ heard at most what was on its way.
  expect(heardAfter - heardBefore).toBeLessThan(10);
  expect(toldAfter - toldBefore).toBeGreaterThan(50);
  // Every epoch once and in order, from the same sampler.
  expect(got).toEqual(Array.from({ length: got.length }, (_, i) => got[0]! + i));
  expect(got.at(-1)).toBeGreaterThan(toldAfter);
  expect(outages).toEqual([]);
  expect(unit.samplerPid).toBe(sampler);
});
