import type { LoadedConfig } from "../../config/loaded.ts";
import type { NewCalibration } from "../../config/merge-calibration.ts";
import type { Dialogue } from "./dialogue.ts";
import { provenanceOf } from "./session.ts";

/** Three distances by tape and how well they are known. */
export async function measureLeverArm(dialogue: Dialogue, config: LoadedConfig, by: string): Promise<NewCalibration> {
  dialogue.say(
    [
      "Park on level ground, the tool just touching it. Measure by tape and plumb line from the middle of the tool's edge on the",
      "ground to the middle of the antenna's foot.",
      "",
    ].join("\n"),
  );
  const metres = (question: string, most: number) => dialogue.number(question, { least: -most, most, unit: "m" });
  const forwardM = await metres("Antenna in front of the tool in m (behind it: negative): ", 20);
  const rightM = await metres("Antenna to the right of the tool's middle in m (to the left: negative): ", 10);
  const upM = await dialogue.number("Antenna above the ground in m: ", { least: 0, most: 10, unit: "m" });
  const uncertaintyM = await dialogue.number("How well these are known, in m (Enter: 0.02): ", {
    least: 0.001,
    most: 1,
    unit: "m",
    empty: 0.02,
  });
  return { leverArm: { ...provenanceOf({ config, by }), forwardM, rightM, upM, uncertaintyM } };
}
