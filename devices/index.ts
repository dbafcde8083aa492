import type { Catalogue } from "../src/device/catalogue.ts";
import { ads1115 } from "./ads1115.ts";
import { adxl375 } from "./adxl375.ts";
import { asciiLine } from "./ascii-line.ts";
import { gnssNmea } from "./gnss-nmea.ts";
import { ina228 } from "./ina228.ts";
import { lsm6dsox } from "./lsm6dsox.ts";

/** Every part the product knows, by the name the configuration uses. */
export const catalogue: Catalogue = Object.fromEntries(
  [adxl375, ads1115, asciiLine, gnssNmea, ina228, lsm6dsox].map((d) => [d.part, d]),
);
