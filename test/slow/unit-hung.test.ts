import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canMakeCard, makeCard } from "../rigs/card.ts";
import { type Field, openField } from "../rigs/field.ts";
import { epochOf } from "../rigs/receiver.ts";

const HUNG_MS = 35_000;
const STALLED_MS = 60_000;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const epochsOf = ({ ear }: Field) => ear.ofKind("track").flatMap((r) => r.c["lat"]!.map((lat) => epochOf(lat!)));
const isWhole = (epochs: readonly number[]) => epochs.every((epoch, i) => epoch === epochs[0]! + i);

/** A unit at work with a receiver that tells ten epochs a second; `spoolDir` where its card is. */
async function atWork(field: Field, spoolDir = field.home.spoolDir) {
  const { home, ear, config, talk } = field;
  const unit = await home.start(config({ spool: { dir: spoolDir, maxMb: 16 } }));
  await unit.until("the port to be open", () => unit.lines.some((l) => l["reason"] === "opened"));
  const receiver = talk();
  await unit.until("records", () => ear.ofKind("track").length >= 3, 60_000);
  const finish = async (told: number): Promise<number[]> => {
    await unit.until("the time after it", () => (epochsOf(field).at(-1) ?? 0) >= told + 20, 90_000);
    receiver.stop();
    expect((await unit.stop()).code).toBe(0);
    await ear.settle();
    return epochsOf(field);
  };
  return { unit, receiver, finish };
}

async function inField(work: (field: Field) => Promise<void>): Promise<void> {
  const field = await openField();
  try {
    await work(field);
  } finally {
    await field.close();
  }
}

describe.concurrent("a unit that cannot go on", () => {
  it("and hangs for 35 s while its sampler does misses nothing of that time", () =>
    inField(async (field) => {
      const { unit, receiver, finish } = await atWork(field);
      const sampler = unit.samplerPid;
      const [toldBefore, heardBefore] = [receiver.told, field.ear.heard("log").length];
      unit.kill("SIGSTOP");
      await wait(HUNG_MS);
      const [toldAfter, heardAfter] = [receiver.told, field.ear.heard("log").length];
      unit.kill("SIGCONT");
      const got = await finish(toldAfter);
      const outages = field.ear.ofKind("outage");
      const during = got.filter((epoch) => epoch > toldBefore && epoch <= toldAfter).length;
      console.log(
        `hung for ${HUNG_MS / 1000} s: ${during} of ${toldAfter - toldBefore} epochs of that time arrived afterwards, ${outages.length} outages`,
      );
      // It did hang: HQ heard at most what was on its way.
      expect(heardAfter - heardBefore).toBeLessThan(10);
      expect(toldAfter - toldBefore).toBeGreaterThan(50);
      // Every epoch once and in order, from the same sampler.
      expect(isWhole(got)).toBe(true);
      expect(got.at(-1)).toBeGreaterThan(toldAfter);
      expect(outages).toEqual([]);
      expect(unit.samplerPid).toBe(sampler);
    }));

  it("negative control: when the sampler that kept them is killed meanwhile epochs are missing, and an outage says so", () =>
    inField(async (field) => {
      const { unit, receiver, finish } = await atWork(field);
      const sampler = unit.samplerPid;
      unit.kill("SIGSTOP");
      await wait(3_000);
      process.kill(sampler, "SIGKILL");
      await wait(1_000);
      const toldAfter = receiver.told;
      unit.kill("SIGCONT");
      await unit.until("another sampler", () => unit.samplerPid !== sampler);
      const got = await finish(toldAfter);
      expect(isWhole(got)).toBe(false);
      expect(field.ear.ofKind("outage").length).toBeGreaterThan(0);
    }));

  it("for its card stalls for 60 s goes on measuring and showing, and then everything is durable", async () => {
    if (!canMakeCard) {
      console.log("a card that stalls needs root, loop devices and mkfs.ext4: absent here");
      return;
    }
    const card = makeCard();
    try {
      await inField(async (field) => {
        const { unit, receiver, finish } = await atWork(field, join(card.dir, "spool"));
        const { ear } = field;
        const sampler = unit.samplerPid;
        card.stall();
        await wait(2_000);
        const [told, heard, lives] = [receiver.told, ear.heard("log").length, ear.lives.length];
        await wait(STALLED_MS - 2_000);
        const [toldAfter, heardAfter, livesAfter] = [receiver.told, ear.heard("log").length, ear.lives.length];
        card.recover();
        const got = await finish(toldAfter);
        const outages = ear.ofKind("outage");
        console.log(
          `card stalled for ${STALLED_MS / 1000} s: ${got.filter((e) => e > told && e <= toldAfter).length} of ${toldAfter - told} epochs arrived afterwards, ${outages.length} outages, ${livesAfter - lives} live messages meanwhile`,
        );
        // It did stall: nothing that must be durable first was sent.
        expect(heardAfter - heard).toBeLessThan(5);
        expect(livesAfter - lives).toBeGreaterThan((toldAfter - told) / 20);
        expect(toldAfter - told).toBeGreaterThan(200);
        expect(isWhole(got)).toBe(true);
        expect(outages).toEqual([]);
        expect(unit.samplerPid).toBe(sampler);
        expect(new Set(ear.whole("log").map((r) => r.seq)).size).toBe(ear.whole("log").length);
      });
    } finally {
      card.remove();
    }
  });
}, 240_000);
