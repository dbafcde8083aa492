import { hashOf } from "../../src/model/canonical.ts";
import { descriptorRecord } from "./messages.ts";

/** The descriptor of these records, and its right hash. */
export const BODY = descriptorRecord(1).body;
export const DESC = hashOf(BODY);

interface Place {
  readonly seq: number;
  readonly spool?: string;
  readonly boot?: string;
  readonly mono?: number;
}

function head({ seq, spool = "spool-aaaa", boot = "boot-aaaa", mono = seq * 10_000 }: Place) {
  return { v: 1, seq, spool, boot, mono, trust: "none" };
}

export function desc(place: Place) {
  return { ...head(place), kind: "desc", hash: DESC, body: BODY };
}

/** Ten rows a second apart. */
export function telemetry(place: Place, hash = DESC, rows = 10) {
  const values = Array.from({ length: rows }, (_, i) => place.seq + i / 10);
  const c = { "rotor_speed.mean": values, "rotor_speed.max": values.map((x) => x + 1), "tool_depth.mean": values };
  return { ...head(place), kind: "telemetry", desc: hash, n: rows, dt: 1000, c };
}

export function gap(place: Place, to: number, reason = "thinned") {
  return { ...head(place), kind: "gap", from: place.seq, to, reason };
}

export function outage(place: Place, from: number, to: number, reason = "sampler-restart") {
  return { ...head(place), kind: "outage", from, to, reason };
}

export function anchor(place: Place, offsetMs: number, trust = "gnss", unc = 20) {
  return { ...head(place), kind: "anchor", offsetMs, trust, unc };
}

export function event(place: Place) {
  return { ...head(place), kind: "event", name: "rock_strikes", severity: "warning", detail: { peak: 300 } };
}
