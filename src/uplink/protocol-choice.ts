/** MQTT versions the unit speaks. */
export type Protocol = "5" | "3.1.1";

const REMEMBERED_MS = 24 * 3_600_000;

/** Which MQTT version to try next. Brokers that do not know 5 say so in three ways, one of them by hanging up. */
export interface ProtocolChoice {
  next(nowMs: number): Protocol;
  /** The broker accepted the version. */
  accepted(version: Protocol, nowMs: number): void;
  /** CONNACK 0x84 or return code 1. True when there is another version worth trying at once. */
  versionRefused(version: Protocol): boolean;
  /** Closed after CONNECT and without CONNACK. True when there is another version worth trying at once. */
  closedSilently(version: Protocol): boolean;
  /** The version kept for the day, when it was learned. */
  readonly remembered: Protocol | undefined;
}

/**
 * With `auto` it starts at 5 and goes to 3.1.1 when the broker refuses 5, or closes twice without a CONNACK; what was
 * accepted is remembered for 24 h, then 5 is tried again.
 */
export function createProtocolChoice(wanted: "auto" | Protocol): ProtocolChoice {
  let current: Protocol = wanted === "auto" ? "5" : wanted;
  let silentCloses = 0;
  let untilMs: number | undefined;

  function turn(): void {
    silentCloses = 0;
    untilMs = undefined;
    current = current === "5" ? "3.1.1" : "5";
  }

  return {
    get remembered() {
      return untilMs === undefined ? undefined : current;
    },
    next(nowMs) {
      if (untilMs !== undefined && nowMs >= untilMs) turn();
      return current;
    },
    accepted(version, nowMs) {
      silentCloses = 0;
      if (wanted === "auto" && version === "3.1.1") untilMs ??= nowMs + REMEMBERED_MS;
    },
    versionRefused(version) {
      if (wanted !== "auto" || version !== current) return false;
      turn();
      return version === "5";
    },
    closedSilently(version) {
      if (wanted !== "auto" || version !== current) return false;
      silentCloses += 1;
      if (silentCloses < 2) return false;
      turn();
      return version === "5";
    },
  };
}
