import { existsSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The request in the unit's runtime folder: whoever may switch the computer off takes it away, and then does so. */
export const REQUEST_FILE = "power-off";

/** Asks for the power to be switched off; the unit itself has no right to do it. */
export interface PowerRequest {
  /** Throws when the request cannot be left. */
  ask(): void;
  /** Somebody has taken it: it cannot be taken back any more. */
  taken(): boolean;
  /** Takes it back; false when somebody else was first. */
  withdraw(): boolean;
}

/** A request is a file: of two who remove it exactly one succeeds, which decides whether the power goes. */
export function createPowerRequest(dir: string): PowerRequest {
  const path = join(dir, REQUEST_FILE);
  // What an earlier run left is not of now.
  rmSync(path, { force: true });
  return {
    ask: () => writeFileSync(path, "", { mode: 0o600 }),
    taken: () => !existsSync(path),
    withdraw() {
      try {
        unlinkSync(path);
        return true;
      } catch {
        return false;
      }
    },
  };
}
