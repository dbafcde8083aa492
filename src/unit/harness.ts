import type { LoadedConfig } from "../config/loaded.ts";
import type { HarnessWord, Severity } from "../model/record.ts";

/**
 * Compares the serial number in the memory on the machine's harness with the one the configuration names: a unit in the wrong
 * machine says so at once, and measures all the same. What cannot be read changes nothing; without a `harness` there is none.
 */
export function createHarness(options: {
  readonly harness: LoadedConfig["harness"];
  /** Makes an event of it. */
  readonly tell: (name: string, severity: Severity, detail: Readonly<Record<string, number>>) => void;
  readonly changed: () => void;
}) {
  const { harness, tell, changed } = options;
  let word: HarnessWord = "unknown";
  let was = Number.NaN;

  return {
    get word(): HarnessWord | undefined {
      return harness === undefined ? undefined : word;
    },
    /** What the sampler has read last; undefined while nothing could be read. */
    heard(found: number | undefined): void {
      if (harness === undefined || found === undefined || found === was) return;
      was = found;
      const before = word;
      word = found === harness.serial ? "right" : "wrong";
      const detail = { expected: harness.serial, found };
      if (word === "wrong") tell("wrong_machine", "alarm", detail);
      else if (before === "wrong") tell("right_machine", "info", detail);
      if (word !== before) changed();
    },
  };
}
