import type { LoadedChannel, LoadedConfig } from "../../config/loaded.ts";
import { sourceWords } from "../../config/source-words.ts";
import { judgeReading, type Reading, type ReadingRules } from "../../work/reading.ts";
import type { Dialogue } from "./dialogue.ts";
import { takeSamples } from "./live.ts";

/** Everything a guided calibration of one channel needs. `config` was read without the channel's old calibration. */
export interface ChannelSession {
  readonly dialogue: Dialogue;
  readonly config: LoadedConfig;
  readonly channel: LoadedChannel;
  /** How long one reading takes, in s. */
  readonly seconds: number;
  readonly by: string;
}

/** Who, when and on what, as every calibration says it. */
export function provenanceOf({ config, by }: { readonly config: LoadedConfig; readonly by: string }) {
  const at = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  return { by, at, machine: config.machine, unit: config.identity.unit };
}

/** The same for a channel, with what it came from. */
export function channelProvenance(session: ChannelSession) {
  return { ...provenanceOf(session), source: sourceWords(session.channel) };
}

/**
 * Asks for Enter, takes a reading and shows it; one that must not be believed is refused with the reason and may be taken
 * again. Undefined when the person leaves it out.
 */
export async function readWhenReady(
  { dialogue, config, channel, seconds }: ChannelSession,
  question: string,
  rulesFor: (roughly: number) => ReadingRules,
): Promise<Reading | undefined> {
  const unit = channel.spec.unit;
  for (;;) {
    const answer = await dialogue.ask(`${question} Enter reads for ${seconds} s, s leaves it out: `);
    if (answer.toLowerCase() === "s") return undefined;
    if (answer !== "") {
      dialogue.say(`  found "${answer.slice(0, 40)}", expected Enter or s`);
      continue;
    }
    const { samples, states } = await takeSamples(config, channel.column, seconds, dialogue.interrupted);
    const finite = samples.x.filter(Number.isFinite);
    const roughly = finite.reduce((sum, x) => sum + x, 0) / finite.length;
    const reading = judgeReading(samples, rulesFor(finite.length === 0 ? 0 : roughly));
    if (typeof reading !== "string") {
      dialogue.say(
        `  ${channel.column}: ${shown(reading.mean)} ${unit}, scatter ${short(reading.scatter)} ${unit}, ${reading.n} samples`,
      );
      return reading;
    }
    dialogue.say([`  Not taken: ${reading}.`, ...states.map((s) => `    ${s}`)].join("\n"));
  }
}

/** A figure as it is kept: five digits. */
export function shown(x: number): number {
  return Number(x.toPrecision(5));
}

/** A figure that says how good another is: two digits. */
export function short(x: number): number {
  return Number(x.toPrecision(2));
}

/** To a hundredth of a millimetre (or of what `x` is in thousands of). */
export function fine(x: number): number {
  return Number(x.toFixed(5)) + 0;
}
