import type { CabView, Gauge } from "../cab/page/view.ts";
import { SMALL_LETTERS } from "../device/display-text.ts";
import type { Lamp, Screen } from "../model/operator.ts";

/** Words of the lamp, at most ten letters. */
const LAMP_WORDS: Readonly<Record<Lamp, string>> = {
  ok: "OK",
  degraded: "DEGRADED",
  no_fix: "NO FIX",
  trial: "TRIAL",
  fault: "FAULT",
  switching_off: "IGN. OFF",
  reading: "READING",
  accepted: "ACCEPTED",
  refused: "REFUSED",
};
const FIX_WORDS: Readonly<Record<CabView["gnss"]["fix"], string>> = {
  not_fitted: "NONE",
  silent: "SILENT",
  no_fix: "NO FIX",
  "2d": "2D",
  "3d": "3D",
  dgnss: "DGNSS",
  float: "FLOAT",
  fixed: "FIXED",
};
/** Longest figure; two of them fit into a line. A figure that is cut would be another one. */
const FIGURE_LETTERS = 7;

/** More than this is told as more than this. */
const MOST_UNSENT = 999_999;

/** `DEPTH  0.18/0.20 LOW`: value, target and verdict; `--` where there is no value now. Without room the target goes first. */
function gaugeLine(name: string, { value, target, verdict }: Gauge, digits: number): string {
  const figure = (x: number | null) => {
    const text = x === null ? "--" : x.toFixed(digits);
    return text.length > FIGURE_LETTERS ? "--" : text;
  };
  const word = verdict === "low" || verdict === "high" ? ` ${verdict.toUpperCase()}` : "";
  const short = `${name.padEnd(5)} ${figure(value).padStart(5)}`;
  const whole = target === null ? short + word : `${short}/${figure(target)}${word}`;
  return whole.length > SMALL_LETTERS ? short + word : whole;
}

/** The part that is worst off, if one is; `sources` has the worst first. */
function worstLine({ sampler, sources, hq, simulated }: CabView): string {
  if (sampler !== "running") return `SAMPLER ${sampler}`;
  if (hq.spool !== "ok") return `CARD ${hq.spool}`;
  const worst = sources.find(({ state }) => state === "failed" || state === "absent" || state === "degraded");
  if (worst !== undefined) {
    const end = ` ${worst.state}`;
    return worst.name.slice(0, SMALL_LETTERS - end.length) + end;
  }
  return simulated ? "SIMULATED" : "";
}

/**
 * What the display says at a glance, in Latin letters because its font has no others: the lamp's word, depth in m, rotor in rpm
 * and speed in m/s against their targets, the receiver, records that wait, and the part that is worst off. A small display
 * shows the first of them.
 */
export function screenOf(view: CabView, smallLines: number): Screen {
  const { lamp, depth, rotor, speed, gnss, hq } = view;
  const satellites = gnss.satellites === null ? "" : ` ${gnss.satellites} SAT`;
  const unsent = hq.unsent > MOST_UNSENT ? `>${MOST_UNSENT}` : hq.unsent;
  const lines = [
    gaugeLine("DEPTH", depth, 2),
    gaugeLine("ROTOR", rotor, 0),
    gaugeLine("SPEED", speed, 2),
    `GNSS  ${FIX_WORDS[gnss.fix]}${satellites}`,
    `${hq.connected ? "HQ ON " : "HQ OFF"} UNSENT ${unsent}`,
    worstLine(view),
  ];
  return [LAMP_WORDS[lamp], ...lines.slice(0, smallLines).map((line) => line.toUpperCase().slice(0, SMALL_LETTERS))];
}
