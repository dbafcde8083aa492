import type { NewCalibration } from "../../config/merge-calibration.ts";
import { levelTilt } from "../../work/calibration.ts";
import { type ChannelSession, channelProvenance, fine, readWhenReady, short } from "./session.ts";

/** An engine that idles shakes a machine by less than this, in degrees. */
const RULES = { unit: "deg", driftMax: 0.2, scatterMax: 1, samplesMin: 20 };
/** Nobody turns a machine round onto the very same spot: what the ground differs by, in degrees (estimate). */
const SPOT_DEG = 0.2;

/** Two readings on one spot, the machine turned round between them. */
export async function calibrateTilt(session: ChannelSession): Promise<NewCalibration | undefined> {
  const { dialogue, channel } = session;
  dialogue.say(
    [
      "Park on firm, nearly level ground and mark where both tracks or wheels stand. After the first reading turn the machine",
      "by 180 degrees onto the same marks: what stays is how the sensor is mounted, what changes its sign is the ground.",
      "",
    ].join("\n"),
  );
  const first = await readWhenReady(session, "Machine at rest?", () => RULES);
  if (first === undefined) return undefined;
  const turned = await readWhenReady(session, "Turned by 180 degrees onto the same marks, at rest?", () => RULES);
  if (turned === undefined) return undefined;
  const { offsetDeg, slopeDeg } = levelTilt(first.mean, turned.mean);
  const uncertaintyDeg = Math.hypot(SPOT_DEG / 2, first.scatter / 2, turned.scatter / 2);
  dialogue.say(
    `\nThe sensor says ${fine(offsetDeg)} deg on level ground, ± ${short(uncertaintyDeg)} deg; the ground slopes by ${fine(slopeDeg)} deg.`,
  );
  return {
    channels: {
      [channel.column]: {
        kind: "tilt",
        ...channelProvenance(session),
        offsetDeg: fine(offsetDeg),
        slopeDeg: fine(slopeDeg),
        uncertaintyDeg: fine(uncertaintyDeg),
      },
    },
  };
}
