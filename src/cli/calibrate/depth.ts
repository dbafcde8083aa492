import type { NewCalibration } from "../../config/merge-calibration.ts";
import { type DepthPoint, fitDepth } from "../../work/calibration.ts";
import { type ChannelSession, channelProvenance, fine, readWhenReady, short } from "./session.ts";

/** A tool on blocks does not move: more than this is a hydraulic cylinder that sinks, or a sender that is loose. In m. */
const RULES = { unit: "m", driftMax: 0.005, scatterMax: 0.01, samplesMin: 20 };

/** Heights by tape and readings, until the person has enough of them; then the best line through them. */
export async function calibrateDepth(session: ChannelSession): Promise<NewCalibration> {
  const { dialogue, channel } = session;
  dialogue.say(
    [
      "Park on level, hard ground. Bring the tool to known heights, the first just touching the ground, the others on blocks",
      "or in a pit; at three or more, and one of them twice, the straightness and repeatability of the sender are known too.",
      "Depth is positive below the ground: touching is 0, 0.3 m above the ground is -0.3.",
      "",
    ].join("\n"),
  );
  const points: DepthPoint[] = [];
  for (;;) {
    const trueM = await dialogue.number(`Depth ${points.length + 1} by tape in m (Enter when there are no more): `, {
      least: -20,
      most: 20,
      unit: "m",
      empty: Number.NaN,
    });
    if (!Number.isNaN(trueM)) {
      const reading = await readWhenReady(session, "  Tool at rest there?", () => RULES);
      if (reading !== undefined) points.push({ trueM, readM: reading.mean, scatterM: reading.scatter });
      continue;
    }
    const fit = fitDepth(points);
    if (typeof fit === "string") {
      dialogue.say(`  Not yet: ${fit}.`);
      continue;
    }
    const { scale, offset, residualM, repeatabilityM, uncertaintyM } = fit;
    dialogue.say(
      [
        "",
        `depth = ${fine(scale)} × reading ${offset < 0 ? "-" : "+"} ${Math.abs(fine(offset))} m, ± ${short(uncertaintyM)} m`,
        ...points.map(
          ({ readM, trueM }) =>
            `  reading ${fine(readM)} m: tape ${trueM} m, line ${fine(scale * readM + offset)} m, off by ${short((scale * readM + offset - trueM) * 1000)} mm`,
        ),
        residualM === undefined
          ? "  Two heights: nothing is known of how straight the sender is."
          : `  ${short(residualM * 1000)} mm off the line at worst`,
        repeatabilityM === undefined
          ? "  No height was read twice: nothing is known of repeatability."
          : `  ${short(repeatabilityM * 1000)} mm between readings of one height`,
      ].join("\n"),
    );
    return {
      channels: {
        [channel.column]: {
          kind: "depth",
          ...channelProvenance(session),
          scale: fine(scale),
          offset: fine(offset),
          ...(residualM === undefined ? {} : { residualM: fine(residualM) }),
          ...(repeatabilityM === undefined ? {} : { repeatabilityM: fine(repeatabilityM) }),
          uncertaintyM: fine(uncertaintyM),
          points: points.map(({ readM, trueM }) => [fine(readM), trueM]),
        },
      },
    };
  }
}
