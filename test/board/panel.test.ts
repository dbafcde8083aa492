import { describe, expect, it } from "vitest";
import { createKey } from "../../src/board/key.ts";
import { createPanel } from "../../src/board/panel.ts";
import { isOn, LAMP_PATTERNS, lengthOf, SOUNDS } from "../../src/board/panel-patterns.ts";
import { LAMPS, type Lamp } from "../../src/model/operator.ts";

/** How often a pattern lights up in one go, and its longest time on and off. */
function shapeOf(pattern: readonly number[]) {
  const on = pattern.filter((_, i) => i % 2 === 0);
  return { flashes: on.length, on, onMs: Math.max(...on), offMs: Math.max(...pattern.filter((_, i) => i % 2 === 1)) };
}

describe("the patterns of the lamp", () => {
  it("are there for every word, and no two of them look alike without colour", () => {
    const shapes = LAMPS.map((lamp) => shapeOf(LAMP_PATTERNS[lamp]));
    const seen = shapes.map(({ on, onMs }) =>
      onMs <= 100 ? "flicker" : on.map((ms) => (ms >= 500 ? "long" : "short")).join(", "),
    );
    expect(new Set(seen).size).toBe(LAMPS.length);
    // Flashes to be counted: each at least 100 ms, gaps within shorter than half a second, a pause of at least 1.5 s.
    const counted = ["ok", "degraded", "no_fix", "switching_off", "reading", "accepted", "refused"] as const;
    for (const lamp of counted) {
      const p = LAMP_PATTERNS[lamp];
      expect(Math.min(...p.filter((_, i) => i % 2 === 0))).toBeGreaterThanOrEqual(100);
      expect(p.at(-1)).toBeGreaterThanOrEqual(1500);
      for (const gap of p.slice(1, -1).filter((_, i) => i % 2 === 0)) expect(gap).toBeLessThan(500);
    }
  });

  it("never stay lit or dark for three seconds: a lamp that does is a unit that does not work", () => {
    for (const lamp of LAMPS) {
      const { onMs, offMs } = shapeOf(LAMP_PATTERNS[lamp]);
      expect(Math.max(onMs, offMs), lamp).toBeLessThan(3000);
      expect(LAMP_PATTERNS[lamp].length % 2, lamp).toBe(0);
    }
  });

  it("are on and off at their times, again and again, or once", () => {
    expect([0, 99, 100, 199, 200].map((ms) => isOn([100, 100], ms))).toEqual([true, true, false, false, true]);
    expect([0, 79, 80, 10_000].map((ms) => isOn(SOUNDS.short, ms, true))).toEqual([true, true, false, false]);
    for (const pattern of Object.values(LAMP_PATTERNS)) expect(isOn(pattern, lengthOf(pattern) * 7)).toBe(true);
  });
});

describe("the operator's key", () => {
  const pressed = (ms: number) => {
    const told: string[] = [];
    const key = createKey((kind, downMs) => told.push(`${kind}@${downMs}`));
    key.down(1000);
    key.up(1000 + ms);
    return told;
  };

  it("tells short from long from very long, when it is let go, with the instant at which it went down", () => {
    expect(pressed(200)).toEqual(["short@1000"]);
    expect(pressed(999)).toEqual(["short@1000"]);
    expect(pressed(1000)).toEqual(["long@1000"]);
    expect(pressed(5000)).toEqual(["mute@1000"]);
  });

  it("takes no bounce and no stuck key for a press, and no release without a press", () => {
    expect(pressed(20)).toEqual([]);
    expect(pressed(40_000)).toEqual([]);
    const told: string[] = [];
    const key = createKey((kind) => told.push(kind));
    key.up(500);
    key.down(1000);
    key.down(1010);
    expect(key.held(1500)).toBe("short");
    expect(key.held(2500)).toBe("long");
    key.up(1300);
    key.up(1310);
    expect(told).toEqual(["short"]);
    expect(key.held(2000)).toBeUndefined();
  });
});

describe("the operator's panel", () => {
  function rig(muted = false) {
    const out: { output: string; on: boolean; ms: number }[] = [];
    const presses: string[] = [];
    let now = 0;
    const panel = createPanel({
      muted,
      startMs: 0,
      press: (kind) => presses.push(kind),
      set: (output, on) => out.push({ output, on, ms: now }),
    });
    function pass(ms: number, lamp?: Lamp): void {
      for (const end = now + ms; now < end; ) {
        now += 50;
        if (lamp !== undefined && now % 1000 === 0) panel.lamp(lamp, now);
        panel.step(now);
      }
    }
    const edges = (output: string, fromMs = 0) => out.filter((o) => o.output === output && o.on && o.ms >= fromMs);
    return { panel, pass, edges, presses, out, now: () => now };
  }

  it("is dark until it is told, then blinks as told", () => {
    const { pass, edges, panel, now } = rig();
    pass(3000);
    expect(edges("lamp")).toHaveLength(0);
    panel.lamp("degraded", now());
    pass(8500, "degraded");
    expect(edges("lamp")).toHaveLength(6);
    panel.lamp("ok", now());
    const from = now();
    pass(8500, "ok");
    expect(edges("lamp", from)).toHaveLength(3);
  });

  it("says fault when nobody speaks for the unit any more", () => {
    const { pass, edges, panel, now } = rig();
    panel.lamp("ok", 0);
    pass(10_000);
    const from = now();
    pass(2000);
    expect(edges("lamp", from).length).toBeGreaterThan(8);
    expect(edges("buzzer")).toHaveLength(3);
  });

  it("sounds three times when a fault begins, and not while it lasts", () => {
    const { pass, edges } = rig();
    pass(3000, "ok");
    expect(edges("buzzer")).toHaveLength(0);
    pass(20_000, "fault");
    expect(edges("buzzer")).toHaveLength(3);
  });

  it("answers a press only once it is taken, and says when it is lost", () => {
    const { pass, edges, panel, presses, now } = rig();
    pass(1000, "ok");
    panel.key.down(now());
    pass(200, "ok");
    panel.key.up(now());
    expect(presses).toEqual(["short"]);
    pass(300, "ok");
    expect(edges("buzzer")).toHaveLength(0);
    panel.noted("short", now());
    pass(1000, "ok");
    expect(edges("buzzer")).toHaveLength(1);
    panel.key.down(now());
    pass(1500, "ok");
    panel.key.up(now());
    const from = now();
    pass(6000, "ok");
    expect(presses).toEqual(["short", "long"]);
    expect(edges("buzzer", from)).toHaveLength(1);
  });

  it("shows how far a press has got: lit for long", () => {
    const { pass, out, panel, now } = rig();
    pass(4000, "ok");
    panel.key.down(now());
    pass(1000, "ok");
    const from = now();
    pass(2000, "ok");
    expect(out.filter((o) => o.output === "lamp" && o.ms > from + 100 && !o.on)).toHaveLength(0);
  });

  it("is muted for faults by a very long press, and for all by configuration", () => {
    const a = rig();
    a.pass(1000, "ok");
    a.panel.key.down(a.now());
    a.pass(5500, "ok");
    a.panel.key.up(a.now());
    expect(a.presses).toEqual([]);
    a.pass(1000, "ok");
    const sounds = a.edges("buzzer").length;
    a.pass(5000, "fault");
    expect(a.edges("buzzer")).toHaveLength(sounds);
    const b = rig(true);
    b.pass(1000, "ok");
    b.pass(5000, "fault");
    b.panel.noted("short", b.now());
    b.pass(1000, "fault");
    expect(b.edges("buzzer")).toHaveLength(0);
  });
});
