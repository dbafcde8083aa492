import { byId, setText } from "./dom.ts";
import { ABSENT, age, duration } from "./format.ts";
import type { UnitState } from "./store.ts";
import type { RulesView } from "./view.ts";

const STATES: Readonly<Record<string, readonly [icon: string, word: string, tone: string]>> = {
  online: ["●", "Online", "ok"],
  sleeping: ["◐", "Sleeping", "idle"],
  offline: ["○", "Offline", "idle"],
  lost: ["✕", "Lost", "bad"],
  unknown: ["○", "Unknown", "idle"],
};
const TRUST_WORDS: Readonly<Record<string, string>> = {
  none: "not known",
  rtc: "clock chip",
  ntp: "network",
  gnss: "GNSS",
};

/** A unit that says it is online but sends nothing for this long, in ms, is shown as silent. */
const SILENT_MS = 10_000;

export function drawHeader(unit: UnitState, rules: RulesView, nowMs: number): void {
  const { head, live } = unit;
  const since = live === undefined ? null : nowMs - live.atMs;
  const machine = head?.machine ?? unit.unit;
  const name = Object.hasOwn(rules.machineNames, machine) ? rules.machineNames[machine]! : machine;
  const line = [name === machine ? "" : machine, `unit ${unit.unit}`, unit.org];
  setText(byId("machine"), name);
  setText(byId("unit-line"), line.filter((part) => part !== "").join(" · "));
  document.title = `${name} – Swath`;

  const silent = head?.state === "online" && since !== null && since > SILENT_MS;
  const [icon, word, tone] = silent
    ? ["▲", `Online, silent for ${duration(since / 1000)}`, "warn"]
    : (STATES[head?.state ?? "unknown"] ?? STATES["unknown"]!);
  const pill = byId("state");
  pill.dataset["tone"] = tone;
  setText(pill.children[0]!, icon);
  setText(pill.children[1]!, word);

  const simulated = byId("simulated");
  simulated.hidden = head?.simulated !== "all" && head?.simulated !== "some";
  setText(simulated.children[1]!, head?.simulated === "some" ? "Partly simulated" : "Simulated");

  setText(byId("clock"), live?.t ? `${live.t.slice(11, 19)} UTC` : ABSENT);
  setText(byId("trust"), TRUST_WORDS[head?.trust ?? ""] ?? ABSENT);
  setText(byId("heard"), age(since));
}

/** One line above everything when what is shown may be old; hidden when all is well. */
export function drawNotice(silentMs: number, broker: boolean, anyUnit: boolean): void {
  const notice = byId("notice");
  const text =
    silentMs > 3_500
      ? `▲ This page has had no word from HQ for ${duration(silentMs / 1000)}. What you see is old.`
      : !broker
        ? "▲ HQ has no session with the broker. What you see is old."
        : !anyUnit
          ? "Waiting for the first message of a unit."
          : "";
  notice.hidden = text === "";
  setText(notice, text);
}
