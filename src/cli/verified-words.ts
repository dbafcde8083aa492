import type { Verified } from "../model/record.ts";

/** How a part was recognised, for a person. */
export function verifiedWords(verified: Verified): string {
  return verified === "none" ? "not verified" : `verified by ${verified}`;
}
