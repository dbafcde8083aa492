import { z } from "zod";
import { defineLineDevice } from "../src/device/line-device.ts";

/** MaxBotix HRXL-MaxSonar: ultrasonic distance as `R1234` CR, in mm. At its greatest number it has found nothing. */
export const maxbotixHrxl = defineLineDevice({
  part: "maxbotix-hrxl",
  summary: "ultrasonic distance, R1234 CR in mm, 9600 baud",
  source: "MaxBotix HRXL-MaxSonar data sheet PD11500",
  options: z.strictObject({
    reachMm: z.literal([5000, 9999]).default(5000).describe("greatest number of the type: 5 m or 10 m"),
  }),
  plan: (o) => ({
    prefix: "R",
    scale: 0.001,
    offset: 0,
    clip: [300, o.reachMm],
    plausible: [300, o.reachMm],
    channels: { distance: { label: "Distance", unit: "m", range: [0.3, o.reachMm / 1000], resolution: 0.001 } },
  }),
});
