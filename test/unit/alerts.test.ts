import { describe, expect, it } from "vitest";
import { ALERTS } from "../../src/model/alerts.ts";
import { alertsMessage } from "../../src/model/downlink.ts";
import type { SourceState } from "../../src/model/record.ts";
import { createAlerts } from "../../src/unit/alerts.ts";
import { createTimebase } from "../../src/unit/timebase.ts";

const DAY = 86_400_000;

function open() {
  const now = {
    ...{ sampler: "running" as "running" | "restarting", spool: "ok" as "ok" | "degraded" | "failed" },
    ...{
      undervoltage: false,
      cloned: false,
      past: false,
      utc: 1e12,
      sources: {} as Record<string, { state: SourceState }>,
    },
  };
  const timebase = createTimebase();
  const told: string[][] = [];
  let mono = 1000;
  const alerts = createAlerts({
    ...{ boot: "boot-0001", timebase, nowMs: () => mono },
    facts: {
      sampler: () => now.sampler,
      sources: () => now.sources,
      spool: () => now.spool,
      undervoltage: () => now.undervoltage,
      power: () => undefined,
      harness: () => undefined,
      cloned: () => now.cloned,
      clockInPast: () => now.past,
      certificateEndsMs: 1e12 + 60 * DAY,
      utcMs: () => now.utc,
    },
    tell: (m) => {
      const body = alertsMessage.parse(JSON.parse(m.toString()));
      told.push(body.alerts.map((a) => (a.source === undefined ? a.name : `${a.name} ${a.source}`)));
    },
  });
  timebase.offer({ monoMs: 0, offsetMs: 1e12, trust: "gnss", uncMs: 200 });
  const at = (ms: number) => {
    mono = ms;
    alerts.look();
  };
  return { now, alerts, told, at, timebase };
}

describe("the alarms that stand", () => {
  it("are one list, told at once when it changes and not when it does not", () => {
    const { now, told, at } = open();
    at(1000);
    at(2000);
    now.sources = { gnss: { state: "failed" }, shock: { state: "degraded" }, imu: { state: "running" } };
    now.undervoltage = now.cloned = now.past = true;
    now.spool = "failed";
    now.sampler = "restarting";
    at(3000);
    at(4000);
    now.sources = {};
    now.undervoltage = now.cloned = now.past = false;
    now.spool = "ok";
    now.sampler = "running";
    at(5000);
    expect(told).toEqual([
      [],
      [
        ...["source_failed gnss", "source_degraded shock", "sampler_away", "spool_failed"],
        ...["undervoltage", "cloned_identity", "clock_in_the_past"],
      ],
      [],
    ]);
  });

  it("keep when they began", () => {
    const { now, alerts, at } = open();
    now.undervoltage = true;
    at(3000);
    at(9000);
    const body = alertsMessage.parse(JSON.parse(alerts.message().toString()));
    expect(body).toMatchObject({ mono: 9000, t: new Date(1e12 + 9000).toISOString() });
    expect(body.alerts).toMatchObject([{ name: "undervoltage", since: 3000, severity: ALERTS.undervoltage.severity }]);
  });

  it("hold a limit from its event to its end, and forget it when another sampler watches", () => {
    const { alerts, told, at } = open();
    at(1000);
    const event = (state: string) =>
      alerts.event({
        ...{ name: "rotor_slow", mono: 900, severity: "warning", source: "j1939" },
        detail: { state, limit: 150, value: 140 },
      });
    event("below");
    event("normal");
    event("below");
    alerts.forgetLimits();
    alerts.event({ name: "detonation_candidate", mono: 1, severity: "warning", detail: { peak: 900 } });
    expect(told).toEqual([[], ["rotor_slow j1939"], [], ["rotor_slow j1939"], []]);
  });

  it("warn of a certificate 30 days before its end, and alarm after it", () => {
    const { now, told, at } = open();
    for (const days of [29, 31, 59, 61]) {
      now.utc = 1e12 + days * DAY;
      at(days);
    }
    expect(told).toEqual([[], ["certificate_expiring"], ["certificate_expired"]]);
  });

  it("say that time is unknown until it is", () => {
    const timebase = createTimebase();
    const told: string[] = [];
    const alerts = createAlerts({
      ...{ boot: "boot-0001", timebase, nowMs: () => 0 },
      facts: {
        ...{ sampler: () => "running", sources: () => ({}), spool: () => "ok", undervoltage: () => false },
        ...{
          power: () => undefined,
          harness: () => undefined,
          cloned: () => false,
          clockInPast: () => false,
          certificateEndsMs: undefined,
          utcMs: () => 0,
        },
      },
      tell: (m) => told.push(m.toString()),
    });
    alerts.look();
    timebase.offer({ monoMs: 0, offsetMs: 1e12, trust: "ntp", uncMs: 500 });
    alerts.look();
    expect(told.map((t) => t.includes("clock_untrusted"))).toEqual([true, false]);
  });
});
