import { describe, expect, it } from "vitest";
import type { OpenedBundle } from "../../src/config/bundle.ts";
import { successorLine } from "../../src/config/bundle.ts";
import { replaceFile } from "../../src/config/slot-files.ts";
import { openSlots, type Slots } from "../../src/config/slots.ts";
import { createTrial, type TrialFacts } from "../../src/config/trial.ts";
import { FAULTS, ModelFiles, random } from "../rigs/model-files.ts";
import { keyPair, sealed } from "./sealed.ts";

const hq = keyPair();
const NOW = { timeMs: Date.parse("2026-11-20"), timeTrusted: true, boot: "boot-1" };
const BEFORE = { connected: true, absent: [] };
const first = sealed(hq.secret, { serial: 1 });
const second = sealed(hq.secret, { serial: 2 });

const open = (files: ModelFiles, usable: (o: OpenedBundle) => string | undefined = () => undefined) =>
  openSlots({ dir: "/slots", files, keys: [hq.known], usable });

/** Slots in which serial 1 runs. */
async function running(): Promise<{ files: ModelFiles; slots: Slots }> {
  const files = new ModelFiles();
  const slots = await open(files);
  expect(await slots.offer(first, NOW, BEFORE)).toMatchObject({ taken: "first" });
  await slots.begin("boot-1");
  return { files, slots };
}

const serialOf = async (slots: Slots, boot = "boot-1") => (await slots.begin(boot))?.bundle.serial;

describe("slots", () => {
  it("hold a bundle that its rehearsal refuses nowhere, and ask for none before the first", async () => {
    const files = new ModelFiles();
    const asked: number[] = [];
    const rehearse = async ({ bundle }: OpenedBundle, active: OpenedBundle) => {
      asked.push(active.bundle.serial, bundle.serial);
      return bundle.serial === 2 ? "it throws" : undefined;
    };
    const slots = await openSlots({ dir: "/slots", files, keys: [hq.known], usable: () => undefined, rehearse });
    expect(await slots.offer(first, NOW, BEFORE)).toMatchObject({ taken: "first" });
    expect(await slots.offer(second, NOW, BEFORE)).toEqual({ taken: "refused", serial: 2, reason: "it throws" });
    expect(slots.kept("b")).toBeUndefined();
    expect(slots.state?.serial).toBe(1);
    expect(await slots.offer(sealed(hq.secret, { serial: 3 }), NOW, BEFORE)).toMatchObject({ taken: "trial" });
    expect(asked).toEqual([1, 2, 1, 3]);
  });

  it("run nothing before the first bundle, then the first one without a trial", async () => {
    const slots = await open(new ModelFiles());
    expect(await slots.begin("boot-1")).toBeUndefined();
    expect(await slots.offer(first, NOW, BEFORE)).toMatchObject({ taken: "first", serial: 1 });
    expect(await slots.begin("boot-1")).toMatchObject({ slot: "a", trial: false });
  });

  it("try a newer one in the other slot, and keep it after a commit", async () => {
    const { files, slots } = await running();
    expect(await slots.offer(second, NOW, BEFORE)).toMatchObject({ taken: "trial", serial: 2 });
    expect(await slots.begin("boot-1")).toMatchObject({ slot: "b", trial: true });
    await slots.conclude({ outcome: "committed", reason: "well" });
    const again = await open(files);
    expect(await again.begin("boot-2")).toMatchObject({ slot: "b", trial: false });
    expect(again.state?.last).toEqual({ serial: 2, outcome: "committed", reason: "well", told: false });
  });

  it("go back after a revert, and do not try the same one a second time", async () => {
    const { slots } = await running();
    await slots.offer(second, NOW, BEFORE);
    await slots.begin("boot-1");
    await slots.conclude({ outcome: "reverted", reason: "nothing comes from gnss" });
    expect(await slots.begin("boot-1")).toMatchObject({ slot: "a", trial: false });
    expect(await slots.offer(second, NOW, BEFORE)).toMatchObject({
      taken: "refused",
      reason: "serial 2 was tried and taken back: nothing comes from gnss",
    });
    expect(await slots.offer(sealed(hq.secret, { serial: 3 }), NOW, BEFORE)).toMatchObject({ taken: "trial" });
  });

  it("say of what runs already that it does, so that delivering twice is harmless", async () => {
    const { slots } = await running();
    expect(await slots.offer(first, NOW, BEFORE)).toEqual({
      taken: "again",
      serial: 1,
      reason: "serial 1 runs already",
    });
  });

  const refusals: [string, Buffer, string][] = [
    ["an older one", sealed(hq.secret, { serial: 1, config: "f".repeat(16) }), "older"],
    ["one for another unit", sealed(hq.secret, { unit: "unit-2" }), "it is for unit unit-2"],
    ["one for another machine", sealed(hq.secret, { machine: "m" }), "it is for machine m"],
    ["an expired one", sealed(hq.secret, { expires: "2026-11-19T00:00:00.000Z" }), "it expired"],
    ["one signed with an unknown key", sealed(keyPair().secret), "does not know"],
    ["one that is too large", Buffer.alloc(300_000), "at most"],
    ["a damaged one", Buffer.concat([second.subarray(0, 400), second.subarray(401)]), "does not hold"],
    ["an empty one", Buffer.alloc(0), "not a signed file"],
  ];
  it.each(refusals)("refuse %s with the reason, and write nothing", async (_, file, words) => {
    const { files, slots } = await running();
    const written = files.written;
    const taken = await slots.offer(file, NOW, BEFORE);
    expect(taken.taken).toBe("refused");
    expect(taken.reason).toContain(words);
    expect(files.written).toBe(written);
    expect(await serialOf(slots)).toBe(1);
  });

  it("refuse what cannot be used, with the words of the check, and a second one while a trial runs", async () => {
    const files = new ModelFiles();
    const slots = await open(files, ({ bundle }) => (bundle.serial === 2 ? "unit.yaml:1: wrong" : undefined));
    await slots.offer(first, NOW, BEFORE);
    expect(await slots.offer(second, NOW, BEFORE)).toMatchObject({ taken: "refused", reason: "unit.yaml:1: wrong" });
    await slots.offer(sealed(hq.secret, { serial: 3 }), NOW, BEFORE);
    expect(await slots.offer(sealed(hq.secret, { serial: 4 }), NOW, BEFORE)).toMatchObject({ taken: "refused" });
  });

  it("believe no expiry while the time is unknown, but take none that expired before the one that runs was made", async () => {
    const { slots } = await running();
    const unknown = { ...NOW, timeMs: Date.parse("2099-01-01"), timeTrusted: false };
    const old = sealed(hq.secret, { serial: 9, made: "2026-01-01T00:00:00.000Z", expires: "2026-10-01T00:00:00.000Z" });
    expect(await slots.offer(old, unknown, BEFORE)).toMatchObject({ taken: "refused" });
    expect(await slots.offer(second, unknown, BEFORE)).toMatchObject({ taken: "trial" });
  });

  it("trust the successor named by a bundle once it is committed, and its predecessor no more once it has signed", async () => {
    const next = keyPair();
    const { files, slots } = await running();
    const byNext = (serial: number) => sealed(next.secret, { serial });
    expect(await slots.offer(byNext(3), NOW, BEFORE)).toMatchObject({ taken: "refused" });
    const commit = async (file: Buffer) => {
      expect(await slots.offer(file, NOW, BEFORE)).toMatchObject({ taken: "trial" });
      await slots.begin("boot-1");
      await slots.conclude({ outcome: "committed", reason: "well" });
    };
    await commit(sealed(hq.secret, { serial: 2, successor: successorLine(next.secret) }));
    await commit(byNext(3));
    expect(await slots.offer(sealed(hq.secret, { serial: 4 }), NOW, BEFORE)).toMatchObject({ taken: "refused" });
    const again = await open(files);
    expect(again.trustedKeys).toEqual([next.known.id]);
    // What ran before was signed with the old key, and can still be gone back to.
    await again.offer(byNext(5), NOW, BEFORE);
    await again.begin("boot-1");
    await again.conclude({ outcome: "reverted", reason: "x" });
    expect(await again.begin("boot-1")).toMatchObject({ bundle: { serial: 3 } });
  });

  it("run the newest that can be read when the small file is damaged, and the other when one slot is", async () => {
    const { files, slots } = await running();
    await slots.offer(second, NOW, BEFORE);
    await slots.begin("boot-1");
    await slots.conclude({ outcome: "committed", reason: "well" });
    files.put("slots.json", Buffer.from("{"));
    expect(await serialOf(await open(files))).toBe(2);
    files.content("b.swath")[500]! ^= 1;
    files.put("b.swath", Buffer.from("x"));
    expect(await serialOf(await open(files))).toBe(1);
  });
});

describe("a trial over several runs", () => {
  const inTrial = async () => {
    const { files, slots } = await running();
    await slots.offer(second, NOW, BEFORE);
    return { files, slots };
  };

  it("goes on after ignition off, in order or not: a new boot is no fault", async () => {
    const { files, slots } = await inTrial();
    expect(await slots.begin("boot-1")).toMatchObject({ trial: true });
    for (let boot = 2; boot < 9; boot++)
      expect(await (await open(files)).begin(`boot-${boot}`), `boot ${boot}`).toMatchObject({ trial: true });
    const slots9 = await open(files);
    await slots9.begin("boot-8");
    await slots9.end();
    expect(await (await open(files)).begin("boot-8")).toMatchObject({ trial: true });
  });

  it("goes back when the unit ends without a word three times in one boot", async () => {
    const { files } = await inTrial();
    const runs = [];
    for (let run = 0; run < 5; run++) runs.push(await serialOf(await open(files)));
    expect(runs).toEqual([2, 2, 2, 1, 1]);
    expect((await open(files)).state?.last).toMatchObject({
      outcome: "reverted",
      reason: "the unit ended 3 times without a word",
    });
  });

  it("goes back when no boot ever lasts to an end", async () => {
    const { files } = await inTrial();
    let serial: number | undefined = 2;
    let boots = 0;
    for (; serial === 2 && boots < 50; boots++) serial = await serialOf(await open(files), `boot-${boots + 2}`);
    expect(boots).toBe(10);
    expect(serial).toBe(1);
  });
});

/** Offers, begins and concludes with everything that may stop it; gives the states in which a cut was looked at. */
async function cutEverywhere(syncIgnored: boolean) {
  let cuts = 0;
  let mixed = 0;
  let wrong = 0;
  for (const verdict of ["committed", "reverted"] as const) {
    for (let seed = 1; seed <= 20; seed++) {
      const rng = random(seed);
      const { files, slots } = await running();
      files.syncIgnored = syncIgnored;
      const forks: { files: ModelFiles; step: string }[] = [];
      let step = "offer";
      files.onOp = () => forks.push({ files: files.cut(rng), step });
      await slots.offer(second, NOW, BEFORE);
      step = "offered";
      files.onOp(step);
      await slots.begin("boot-1");
      step = verdict;
      await slots.conclude({ outcome: verdict, reason: "x" });
      step = `${verdict} done`;
      files.onOp(step);
      files.onOp = undefined;
      for (const fork of forks) {
        cuts++;
        const after = await open(fork.files);
        const run = await after.begin("boot-2");
        if (run === undefined || (run.bundle.serial !== 1 && run.bundle.serial !== 2)) mixed++;
        else {
          const [serial, trial] = [run.bundle.serial, run.trial];
          if (fork.step === "offered" && !(serial === 2 && trial)) wrong++;
          if (fork.step === "committed done" && !(serial === 2 && !trial)) wrong++;
          if (fork.step === "reverted done" && !(serial === 1 && !trial)) wrong++;
          // Before the end of a trial the new one runs on trial only.
          if (fork.step === "offer" && serial === 2 && !trial) wrong++;
        }
      }
    }
  }
  return { cuts, mixed, wrong };
}

describe("a unit that is given to another machine", () => {
  const moved = sealed(hq.secret, { serial: 2, machine: "machine-2", movedFrom: "machine-1" });

  it("runs what moves it at once and for good, without a rehearsal or a trial that would take it back", async () => {
    const files = new ModelFiles();
    const rehearse = async () => "never asked";
    const slots = await openSlots({ dir: "/slots", files, keys: [hq.known], usable: () => undefined, rehearse });
    await slots.offer(first, NOW, BEFORE);
    await slots.begin("boot-1");
    expect(await slots.offer(moved, NOW, BEFORE)).toEqual({
      ...{ taken: "moved", serial: 2 },
      reason: "the unit was moved from machine machine-1 to machine-2",
    });
    expect(await slots.begin("boot-1")).toMatchObject({ trial: false, bundle: { machine: "machine-2" } });
    expect(await slots.offer(moved, NOW, BEFORE)).toMatchObject({ taken: "again" });
    const back = sealed(hq.secret, { serial: 3, machine: "machine-1" });
    expect((await slots.offer(back, NOW, BEFORE)).reason).toContain("flash with --moved-from machine-2");
    const next = sealed(hq.secret, { serial: 4, machine: "machine-2" });
    expect(await slots.offer(next, NOW, BEFORE)).toEqual({ taken: "refused", serial: 4, reason: "never asked" });
  });

  it.each([
    [
      "from a machine it is not on",
      { machine: "machine-2", movedFrom: "machine-3" },
      "moves the unit from machine machine-3",
    ],
    ["without saying from where", { machine: "machine-2" }, "flash with --moved-from machine-1"],
    [
      "with the name of another unit",
      { unit: "unit-2", machine: "machine-2", movedFrom: "machine-1" },
      "it is for unit unit-2",
    ],
  ] as const)("is refused %s, and nothing changes", async (_, more, words) => {
    const { files, slots } = await running();
    const written = files.written;
    const taken = await slots.offer(sealed(hq.secret, { serial: 2, ...more }), NOW, BEFORE);
    expect(taken.taken).toBe("refused");
    expect(taken.reason).toContain(words);
    expect(files.written).toBe(written);
  });

  it("may come with an empty card", async () => {
    const slots = await open(new ModelFiles());
    expect(await slots.offer(moved, NOW, BEFORE)).toMatchObject({ taken: "first" });
  });

  it("never measures as of the machine it left: after a cut at any operation, and with either slot damaged afterwards", async () => {
    let cuts = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const rng = random(seed);
      const { files, slots } = await running();
      const forks: { files: ModelFiles; done: boolean }[] = [];
      files.onOp = () => forks.push({ files: files.cut(rng), done: false });
      await slots.offer(moved, NOW, BEFORE);
      files.onOp = undefined;
      forks.push({ files: files.cut(rng), done: true });
      for (const slot of ["a", "b"] as const) {
        const hurt = files.cut(rng);
        await replaceFile(hurt, "/slots", `${slot}.swath`, Buffer.from("worn out"));
        expect((await (await open(hurt)).begin("boot-2"))?.bundle.machine).toBe("machine-2");
      }
      for (const fork of forks) {
        cuts++;
        const after = await open(fork.files);
        const run = await after.begin("boot-2");
        expect(run?.trial).toBe(false);
        if (fork.done) expect(run?.bundle.machine).toBe("machine-2");
        // Once it has said that it is on the other one it never goes back.
        if (after.state?.machine !== "machine-2") continue;
        for (const slot of ["a", "b"] as const)
          expect(after.kept(slot)?.bundle.machine ?? "none").not.toBe("machine-1");
      }
    }
    expect(cuts).toBeGreaterThan(50);
  });
});

describe("a power cut at every operation of applying", () => {
  it("leaves the old or the new, never neither, and the trial goes on or is over as it was", async () => {
    const figures = await cutEverywhere(false);
    console.log(`power cuts: ${figures.cuts}, mixed states: ${figures.mixed}, wrong slot: ${figures.wrong}`);
    expect(figures.cuts).toBeGreaterThan(500);
    expect(figures).toMatchObject({ mixed: 0, wrong: 0 });
  });

  it("is noticed by this test when nothing is synced (negative control)", async () => {
    const { mixed, wrong } = await cutEverywhere(true);
    expect(mixed + wrong).toBeGreaterThan(0);
  });

  it("or a disk that fails at any operation: what ran before runs again", async () => {
    let faults = 0;
    for (const kind of FAULTS) {
      for (let n = 1; n < 30; n++) {
        const { files, slots } = await running();
        files.fault = { at: files.ops + n, kind, forEver: false };
        await slots.offer(second, NOW, BEFORE).catch(() => faults++);
        delete (files as { fault?: unknown }).fault;
        const serial = await serialOf(await open(files));
        expect([1, 2], `${kind} at ${n}`).toContain(serial);
      }
    }
    expect(faults).toBeGreaterThan(5);
  });
});

describe("the health gate of a trial", () => {
  const terms = { required: ["gnss"], link: true, rows: true, plannedBytesPerS: 100, holdMs: 60_000, limitMs: 300_000 };
  const well: TrialFacts = {
    samplerRestarts: 0,
    silentMs: 100,
    rowAgeMs: 500,
    fresh: ["gnss", "shock"],
    connected: true,
    lost: 0,
    latenessMs: 1,
    ignitionOff: false,
    recordBytes: 1000,
  };
  /** Steps once a second until there is a verdict; gives it with the second it came in. */
  const run = (factsAt: (s: number) => Partial<TrialFacts>) => {
    const trial = createTrial(terms, 0);
    for (let s = 1; s < 1000; s++) {
      const verdict = trial.step(s * 1000, { ...well, ...factsAt(s) });
      if (verdict !== undefined) return { s, ...verdict };
    }
    return undefined;
  };

  it("waits while the ignition is off, however long, and is judged as if that time had not been", () => {
    const silent = { fresh: [], connected: false, silentMs: 60_000, rowAgeMs: 60_000 };
    const off = (s: number) => s >= 50 && s < 700;
    const rests = run((s) => (off(s) ? { ...silent, ignitionOff: true } : {}));
    expect(rests).toMatchObject({ s: 760, outcome: "committed" });
    // The same silence with the ignition on is what a trial is for.
    expect(run((s) => (off(s) ? silent : {}))).toMatchObject({ outcome: "reverted" });
    const crashing = run((s) => (off(s) ? { ...silent, ignitionOff: true, samplerRestarts: 3 } : {}));
    expect(crashing).toMatchObject({ s: 50, outcome: "reverted" });
  });

  it("commits after all was well for a minute without a break", () => {
    expect(run(() => ({}))).toMatchObject({ s: 61, outcome: "committed" });
    expect(run((s) => ({ connected: s !== 50 }))).toMatchObject({ s: 111, outcome: "committed" });
    expect(run((s) => ({ samplerRestarts: s < 50 ? 0 : 1 }))).toMatchObject({ s: 111, outcome: "committed" });
  });

  it.each<[string, (s: number) => Partial<TrialFacts>, number, string]>([
    ["a required part stays away", () => ({ fresh: ["shock"] }), 300, "nothing comes from gnss"],
    ["the broker is not reached", () => ({ connected: false }), 300, "the broker is not reached"],
    ["no rows come", () => ({ rowAgeMs: 9000 }), 300, "no row has come for 9 s"],
    ["the sampler hangs", () => ({ silentMs: 20_000 }), 300, "the sampler has been silent"],
    [
      "the sampler crashes again and again",
      (s) => ({ samplerRestarts: Math.floor(s / 5) }),
      15,
      "the sampler ended 3 times",
    ],
    ["its loop starves", () => ({ latenessMs: 900 }), 300, "loop is 900 ms late"],
    ["samples are lost", (s) => ({ lost: s }), 300, "samples or rows are lost"],
    ["it floods the spool", (s) => ({ recordBytes: s * 50_000 }), 5, "it floods the spool"],
    ["it is well now and then only", (s) => ({ connected: s % 30 > 0 }), 300, "the broker is not reached"],
  ])("reverts when %s, and says so", (_, facts, atS, words) => {
    const verdict = run(facts);
    expect(verdict).toMatchObject({ s: atS, outcome: "reverted" });
    expect(verdict?.reason).toContain(words);
  });
});
