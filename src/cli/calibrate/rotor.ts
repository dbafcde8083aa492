import { pulsesOption } from "../../config/check-calibration.ts";
import type { NewCalibration } from "../../config/merge-calibration.ts";
import { rotorAgainst } from "../../work/calibration.ts";
import { type ChannelSession, channelProvenance, fine, readWhenReady, short } from "./session.ts";

/** How steady a rotor must turn while it is read, as shares of its speed. */
const DRIFT_SHARE = 0.02;
const SCATTER_SHARE = 0.05;

/** One steady speed, read by the channel and by a hand tachometer. */
export async function calibrateRotor(session: ChannelSession): Promise<NewCalibration | undefined> {
  const { dialogue, config, channel } = session;
  const part = config.parts.find((p) => p.name === channel.part);
  const option = part && pulsesOption(part, channel.key);
  dialogue.say(
    [
      "DANGER: nobody near the tool. Measure with an optical tachometer from outside the danger zone, at the full working speed,",
      "tool raised, engine speed fixed. Note what the tachometer shows while the channel is read.",
      ...(option === undefined ? [] : [`The pickup is set to ${option.pulses} pulses in one turn.`]),
      "",
    ].join("\n"),
  );
  const reading = await readWhenReady(session, "Rotor at a steady speed?", (rpm) => ({
    unit: "rpm",
    driftMax: DRIFT_SHARE * Math.abs(rpm),
    scatterMax: SCATTER_SHARE * Math.abs(rpm),
    samplesMin: 5,
  }));
  if (reading === undefined) return undefined;
  const rpm = await dialogue.number("Speed by the tachometer in rpm: ", { least: 1, most: 10_000, unit: "rpm" });
  const percent = await dialogue.number("How well the tachometer and the steadiness are known, in % (Enter: 1): ", {
    least: 0.01,
    most: 20,
    unit: "%",
    empty: 1,
  });
  const found = rotorAgainst({ reading, rpm, share: percent / 100, configured: option?.pulses });
  if (typeof found === "string") {
    dialogue.say(`  Not taken: ${found}.`);
    return undefined;
  }
  const { pulses, scale, uncertainty } = found;
  dialogue.say(
    `\n${pulses === undefined ? `true speed = ${fine(scale)} × reading` : `${pulses} pulses in one turn`}, ± ${short(uncertainty * 100)} %`,
  );
  return {
    channels: {
      [channel.column]: {
        kind: "rotor",
        ...channelProvenance(session),
        method: "tachometer",
        ...(pulses === undefined ? { scale: fine(scale) } : { pulsesPerRevolution: pulses }),
        uncertainty: fine(uncertainty),
      },
    },
    ...(option === undefined || pulses === undefined || pulses === option.pulses
      ? {}
      : { option: { path: option.path, value: pulses } }),
  };
}
