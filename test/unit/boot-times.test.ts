import { describe, expect, it } from "vitest";
import { type BootAnchor, CLOCK_DRIFT, resolveTime } from "../../src/model/time.ts";
import { createGnssAnchor } from "../../src/sampler/gnss-anchor.ts";
import { type ClockQuality, timesyncUncUs } from "../../src/unit/clock-quality.ts";
import { createSystemTime } from "../../src/unit/system-time.ts";
import { createTimebase, type Stamp } from "../../src/unit/timebase.ts";

const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;
const SINCE_1970 = Date.UTC(2026, 10, 23, 7, 0, 0);

/** One boot of a Pi: what its clocks do. All times in ms of `mono`. */
interface Boot {
  /** System clock less true time at boot. */
  readonly wakesOffMs: number;
  /** The crystal runs this much fast. */
  readonly crystalPpm?: number;
  /**
   * A time server answers from here on, every 17 min, and sets the clock to within `ntpErrorMs` of true time: its answer came
   * back by a slower way than the question went.
   */
  readonly ntpFromMs?: number;
  readonly ntpErrorMs?: number;
  /** Somebody sets the system clock by hand; the time server answers at once when `noticed`, else at its next turn. */
  readonly step?: { readonly atMs: number; readonly byMs: number; readonly noticed: boolean };
  /** The receiver has a fix in these spans. */
  readonly gnss?: readonly (readonly [fromMs: number, toMs: number])[];
  readonly gnssDelayMs?: number;
  /** The receiver's first fix is off by this much (leap seconds it does not know yet), for five minutes. */
  readonly gnssFirstOffMs?: number;
  readonly hours?: number;
  readonly unresolved?: true;
}

const BOOTS: Record<string, Boot> = {
  "1970, and no clock ever": { wakesOffMs: -SINCE_1970, unresolved: true },
  "1970, network time after 20 s": { wakesOffMs: -SINCE_1970, ntpFromMs: 20_000, ntpErrorMs: 25 },
  "1970, GNSS after 30 min": { wakesOffMs: -SINCE_1970, gnss: [[30 * MIN, DAY]] },
  "an hour back, and no clock ever": { wakesOffMs: -HOUR, unresolved: true },
  "an hour back, network time after 5 min": { wakesOffMs: -HOUR, ntpFromMs: 5 * MIN, ntpErrorMs: -90 },
  "an hour back, GNSS after 30 min": { wakesOffMs: -HOUR, gnss: [[30 * MIN, DAY]] },
  "a day ahead, and no clock ever": { wakesOffMs: DAY, unresolved: true },
  "a day ahead, network time after 10 min": { wakesOffMs: DAY, ntpFromMs: 10 * MIN, ntpErrorMs: 100 },
  "a day ahead, GNSS from the start": { wakesOffMs: DAY, gnss: [[0, DAY]] },
  "a right clock that nobody vouches for": { wakesOffMs: 0, unresolved: true },
  "a step of an hour back mid-run, noticed at once": {
    ...{ wakesOffMs: 0, ntpFromMs: 0 },
    step: { atMs: HOUR, byMs: -HOUR, noticed: true },
  },
  "a step of an hour back mid-run, noticed late": {
    ...{ wakesOffMs: 0, ntpFromMs: 0 },
    step: { atMs: HOUR, byMs: -HOUR, noticed: false },
  },
  "a step of a day ahead mid-run, noticed late": {
    ...{ wakesOffMs: 0, ntpFromMs: 0 },
    step: { atMs: HOUR, byMs: DAY, noticed: false },
  },
  "a step mid-run under GNSS": {
    ...{ wakesOffMs: 0, ntpFromMs: 0, gnss: [[MIN, DAY]] },
    step: { atMs: HOUR, byMs: 5000, noticed: false },
  },
  "network time first, GNSS after 30 min": { wakesOffMs: -HOUR, ntpFromMs: 30_000, gnss: [[30 * MIN, DAY]] },
  "GNSS first, network time after 2 h": { wakesOffMs: -HOUR, gnss: [[0, HOUR]], ntpFromMs: 2 * HOUR, ntpErrorMs: 25 },
  "GNSS for ten minutes and then a night without": { wakesOffMs: 0, gnss: [[MIN, 11 * MIN]], hours: 12 },
  "GNSS off and on with a slow receiver": {
    ...{ wakesOffMs: -DAY, gnssDelayMs: 135, crystalPpm: -45 },
    gnss: [10, 70, 130, 190].map((m) => [m * MIN, (m + 7) * MIN] as const),
  },
  "GNSS that first does not know the leap seconds": {
    ...{ wakesOffMs: 0, gnss: [[MIN, DAY]], gnssFirstOffMs: 18_000 },
  },
  "a hot crystal, network time once and then the link is gone": {
    ...{ wakesOffMs: -HOUR, ntpFromMs: 11 * HOUR, crystalPpm: 48, hours: 12 },
  },
};

interface Made {
  readonly seq: number;
  readonly mono: number;
  readonly trueMs: number;
  readonly stamp: Stamp;
}

/** What timesyncd tells of an answer that came back by a slower way, which it cannot see: the clock is off by half of that. */
function answer(trueMs: number, offMs: number, errorMs: number): string {
  const [out, back] = errorMs > 0 ? [5, 5 + 2 * errorMs] : [5 - 2 * errorMs, 5];
  const us = (ms: number) => Math.round(ms * 1000);
  const origin = us(trueMs + offMs);
  const server = us(trueMs + out);
  const data = [
    0,
    4,
    4,
    2,
    -20,
    us(8),
    us(3),
    [10, 0, 0, 1],
    origin,
    server,
    server,
    us(trueMs + offMs + out + back),
    false,
    9,
    us(1),
  ];
  return JSON.stringify({ type: "(uuuuittayttttbtt)", data });
}

type Judge = (answeredMs: number, utcMs: number, told: string) => ClockQuality;
/** As the unit does. */
const asTold: Judge = (answeredMs, utcMs, told) => ({
  answeredMs,
  uncMs: timesyncUncUs(told)! / 1000 + Math.max(0, utcMs - answeredMs) * CLOCK_DRIFT,
});

/** Runs one boot: a record every 10 s, stamped as the unit stamps it, and the anchors it leaves for readers. */
function run(boot: Boot, judge = asTold): { records: Made[]; anchors: BootAnchor[] } {
  const { crystalPpm = 30, ntpErrorMs = 0, gnssDelayMs = 120, hours = 4, step } = boot;
  const trueAt = (mono: number) => SINCE_1970 + mono / (1 + crystalPpm * 1e-6);
  const timebase = createTimebase();
  const anchors: BootAnchor[] = [];
  const take = (a: Omit<BootAnchor, "boot">) => {
    timebase.offer(a);
    anchors.push({ ...a, boot: "this" });
  };
  const gnss = createGnssAnchor(take);
  const system = createSystemTime();
  let systemOffset = SINCE_1970 + boot.wakesOffMs;
  let touched: number | undefined;
  let told = "";
  let answerMs = boot.ntpFromMs ?? Number.POSITIVE_INFINITY;
  const records: Made[] = [];
  const firstFix = boot.gnss?.[0]?.[0] ?? 0;

  for (let mono = 0; mono <= hours * HOUR; mono += 1000) {
    if (step?.atMs === mono) {
      systemOffset += step.byMs;
      if (step.noticed) answerMs = mono + 2000;
    }
    if (mono >= answerMs) {
      // A clock that is far off is stepped; the next answer finds it where it should be.
      told = answer(trueAt(mono), touched === undefined ? 3_600_000 : 0, ntpErrorMs);
      systemOffset = trueAt(mono) + ntpErrorMs - mono;
      touched = systemOffset + mono;
      answerMs = mono + 17 * MIN;
    }
    if (mono % MIN === 0) {
      const utcMs = systemOffset + mono;
      const anchor = system.reading(mono, utcMs, touched === undefined ? undefined : judge(touched, utcMs, told));
      if (anchor !== undefined) take(anchor);
    }
    if (boot.gnss?.some(([from, to]) => mono >= from && mono < to)) {
      const off = mono < firstFix + 5 * MIN ? (boot.gnssFirstOffMs ?? 0) : 0;
      // The epoch is a whole second of true time; its bytes come late by a delay that wanders.
      const epoch = trueAt(mono) - gnssDelayMs - ((mono / 1000) % 7) * 10;
      gnss.utc(epoch + off, mono, 20);
    }
    if (mono % 10_000 === 0)
      records.push({ seq: records.length + 1, mono, trueMs: trueAt(mono), stamp: timebase.stamp(mono) });
  }
  return { records, anchors };
}

const outside = (trueMs: number, utcMs: number, uncMs: number) => Math.abs(utcMs - trueMs) > uncMs + 1;

describe.each(Object.entries(BOOTS))("a boot with %s", (_, boot) => {
  const { records, anchors } = run(boot);

  it("lets readers resolve every record to within its stated uncertainty, or says that it cannot", () => {
    const wrong = records.filter((r) => {
      const time = resolveTime(anchors, "this", r.mono);
      if (boot.unresolved === true) return time !== undefined;
      return time === undefined || outside(r.trueMs, time.utcMs, time.uncMs);
    });
    expect(wrong.slice(0, 3)).toEqual([]);
  });

  it("stamps no record on board with a time that is wrong by more than it says", () => {
    // Leap seconds that a receiver does not know yet cannot be known on board; readers see the contradiction later.
    const wrong = records.filter(
      ({ stamp, trueMs }) => stamp.t !== undefined && outside(trueMs, Date.parse(stamp.t), stamp.unc!),
    );
    if (boot.gnssFirstOffMs === undefined) expect(wrong.slice(0, 3)).toEqual([]);
    else expect(wrong.length).toBeLessThanOrEqual(36);
  });

  it("never changes the order of records, whatever UTC says", () => {
    const byMono = [...records].sort((a, b) => a.mono - b.mono).map((r) => r.seq);
    expect(byMono).toEqual(records.map((r) => r.seq));
    const utc = records.map((r) => resolveTime(anchors, "this", r.mono)?.utcMs ?? r.mono);
    const back = utc.filter((t, i) => i > 0 && t + 1000 < utc[i - 1]!);
    expect(back).toEqual([]);
  });
});

const wrongOnes = ({ records, anchors }: ReturnType<typeof run>) =>
  records.filter((r) => {
    const time = resolveTime(anchors, "this", r.mono);
    return time !== undefined && outside(r.trueMs, time.utcMs, time.uncMs);
  });

describe("network time over a round trip of 10 to 60 ms", () => {
  const near = Object.entries(BOOTS).filter(
    ([, boot]) => boot.ntpFromMs !== undefined && Math.abs(boot.ntpErrorMs ?? 0) <= 25 && boot.hours === undefined,
  );

  it.each(near)("is stated to within 100 ms for every record of a boot with %s", (_, boot) => {
    const { records, anchors } = run(boot);
    const uncs = records
      .filter((r) => r.mono >= boot.ntpFromMs! + MIN)
      .map((r) => resolveTime(anchors, "this", r.mono)?.uncMs ?? Number.POSITIVE_INFINITY);
    expect(uncs.length).toBeGreaterThan(500);
    expect(Math.max(...uncs)).toBeLessThanOrEqual(100);
  });

  it("negative control: without half the round trip more would be claimed than is true", () => {
    const blind: Judge = (answeredMs) => ({ answeredMs, uncMs: 5 });
    expect(wrongOnes(run(BOOTS["1970, network time after 20 s"]!))).toHaveLength(0);
    expect(wrongOnes(run(BOOTS["1970, network time after 20 s"]!, blind)).length).toBeGreaterThan(500);
  });
});

describe("resolving time", () => {
  const anchor = (a: Partial<BootAnchor>): BootAnchor => ({
    ...{ boot: "b", monoMs: 0, offsetMs: 1e12, trust: "gnss", uncMs: 200 },
    ...a,
  });

  it("knows 20 boots", () => expect(Object.keys(BOOTS).length).toBe(20));

  it("never takes an anchor of another boot", () => {
    expect(resolveTime([anchor({ boot: "other" })], "b", 5)).toBeUndefined();
  });

  it("believes a weaker clock only where it agrees with the stronger one", () => {
    const day = 86_400_000;
    const gnss = anchor({});
    expect(
      resolveTime([gnss, anchor({ monoMs: day, trust: "ntp", uncMs: 100, offsetMs: 1e12 + 300 })], "b", day),
    ).toEqual(expect.objectContaining({ trust: "ntp", uncMs: 100, utcMs: 1e12 + day + 300 }));
    expect(
      resolveTime([gnss, anchor({ monoMs: day, trust: "ntp", uncMs: 100, offsetMs: 1e12 + day })], "b", day),
    ).toEqual(expect.objectContaining({ trust: "gnss", utcMs: 1e12 + day }));
  });

  it("says an uncertainty that reaches over anchors of the same clock which contradict each other", () => {
    const time = resolveTime([anchor({}), anchor({ monoMs: 1000, offsetMs: 1e12 + 18_000 })], "b", 1000)!;
    for (const truth of [1e12 + 1000, 1e12 + 19_000]) expect(outside(truth, time.utcMs, time.uncMs)).toBe(false);
    expect(time.uncMs).toBeLessThan(18_500);
  });
});
