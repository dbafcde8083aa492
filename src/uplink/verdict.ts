import { type ErrorCode, SwathError } from "../model/errors.ts";
import type { PipeEnd } from "./pipe.ts";

/**
 * What to do after a connection was refused or lost: back off with jitter, go slowly because a person must act, try the
 * other protocol version, or send the will in a simpler form.
 */
export type Reaction = "jitter" | "slow" | "version" | "simpler-will";

export interface Verdict {
  readonly error: SwathError;
  readonly reaction: Reaction;
}

const REASONS: Record<number, readonly [text: string, code: ErrorCode, reaction: Reaction]> = {
  1: ["unacceptable protocol version", "link/protocol", "version"],
  2: ["client identifier rejected", "link/refused", "slow"],
  3: ["server unavailable", "link/down", "jitter"],
  4: ["bad user name or password", "link/refused", "slow"],
  5: ["not authorized", "link/refused", "slow"],
  128: ["unspecified error", "link/protocol", "jitter"],
  129: ["malformed packet", "link/protocol", "jitter"],
  130: ["protocol error", "link/protocol", "jitter"],
  131: ["implementation specific error", "link/protocol", "jitter"],
  132: ["unsupported protocol version", "link/protocol", "version"],
  133: ["client identifier not valid", "link/refused", "slow"],
  134: ["bad user name or password", "link/refused", "slow"],
  135: ["not authorized", "link/refused", "slow"],
  136: ["server unavailable", "link/down", "jitter"],
  137: ["server busy", "link/down", "jitter"],
  138: ["banned", "link/refused", "slow"],
  139: ["server shutting down", "link/down", "jitter"],
  140: ["bad authentication method", "link/refused", "slow"],
  141: ["keep alive timeout", "link/down", "jitter"],
  142: ["session taken over", "link/down", "jitter"],
  144: ["topic name invalid", "link/refused", "slow"],
  147: ["receive maximum exceeded", "link/protocol", "jitter"],
  148: ["topic alias invalid", "link/protocol", "jitter"],
  149: ["packet too large", "link/protocol", "jitter"],
  150: ["message rate too high", "link/quota", "jitter"],
  151: ["quota exceeded", "link/quota", "jitter"],
  152: ["administrative action", "link/down", "jitter"],
  153: ["payload format invalid", "link/protocol", "jitter"],
  154: ["retain not supported", "link/protocol", "simpler-will"],
  155: ["QoS not supported", "link/protocol", "simpler-will"],
  156: ["use another server", "link/refused", "slow"],
  157: ["server moved", "link/refused", "slow"],
  159: ["connection rate exceeded", "link/down", "jitter"],
};

/** A reason code as text, with its number: `not authorized (0x87)`. */
export function reasonText(code: number): string {
  const number = code < 0x80 ? `return code ${code}` : `0x${code.toString(16)}`;
  return `${REASONS[code]?.[0] ?? "unknown reason"} (${number})`;
}

/** What a reason code of CONNACK or DISCONNECT means; `did` is `refused the connection` or `closed the connection`. */
function verdictOn(code: number, where: string, did: string): Verdict {
  const [, errorCode, reaction] = REASONS[code] ?? ["", "link/protocol" as const, "jitter" as const];
  return { error: new SwathError(errorCode, `${where} ${did}: ${reasonText(code)}`), reaction };
}

/** What the session does with a record that the broker did not take. */
export type PubackReaction = "taken" | "hold" | "hold-long" | "again" | "poison";

/** MQTT 5, 3.4.2.1: 0x10 is taken although nobody listens; everything from 0x80 is not taken. */
export function pubackReaction(code: number): PubackReaction {
  if (code < 0x80) return "taken";
  switch (code) {
    case 0x87: // not authorized
    case 0x90: // topic name invalid
      return "hold-long";
    case 0x91: // packet identifier in use
      return "again";
    case 0x99: // payload format invalid
      return "poison";
    default: // 0x80, 0x83, 0x97 quota exceeded
      return "hold";
  }
}

const UNTRUSTED =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;

/** What an error of the socket or of TLS means. Our own certificate refused by the broker is a refusal, not a fault. */
function verdictOnSocket(e: Error, where: string): Verdict {
  const code = "code" in e && typeof e.code === "string" ? e.code : "";
  const say = (errorCode: ErrorCode, what: string, reaction: Reaction): Verdict => ({
    error: new SwathError(errorCode, `${where}: ${what} (${code || e.message})`, e),
    reaction,
  });
  if (UNTRUSTED.test(code)) return say("link/untrusted", "its certificate is not accepted", "jitter");
  if (/^ERR_SSL_.*ALERT/.test(code)) return say("link/refused", "it refuses the certificate of this unit", "slow");
  if (/^ERR_SSL_|^EPROTO/.test(code)) return say("link/protocol", "it does not speak TLS as expected", "jitter");
  return say("link/down", "cannot be reached", "jitter");
}

/** What the end of a connection means, or of an attempt at one. */
export function verdictOfEnd(end: PipeEnd, wasUp: boolean, where: string): Verdict {
  if (end.connackCode !== undefined) return verdictOn(end.connackCode, where, "refused the connection");
  if (end.disconnectCode !== undefined) return verdictOn(end.disconnectCode, where, "closed the connection");
  if (end.error !== undefined) return verdictOnSocket(end.error, where);
  const what = wasUp ? "closed the connection" : "closed the connection without an answer";
  return { error: new SwathError("link/down", `${where} ${what}`), reaction: "jitter" };
}

/** The other end, or the network in its name, closed the connection; not a time-out of ours. */
export function isPeerClose(end: PipeEnd): boolean {
  if (end.disconnectCode !== undefined || end.error === undefined) return true;
  return "code" in end.error && (end.error.code === "ECONNRESET" || end.error.code === "EPIPE");
}

/** The broker took CONNECT and hung up without a CONNACK: what one that does not know MQTT 5 may do. */
export function isSilentClose(end: PipeEnd): boolean {
  return end.reached && end.connackCode === undefined && end.disconnectCode === undefined && isPeerClose(end);
}

/** A DISCONNECT that says a packet was at fault: malformed, protocol error, too large, payload format invalid. */
export function namesPacket(disconnectCode: number | undefined): boolean {
  return disconnectCode === 0x81 || disconnectCode === 0x82 || disconnectCode === 0x95 || disconnectCode === 0x99;
}
