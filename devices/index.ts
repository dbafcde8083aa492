import type { Catalogue } from "../src/device/catalogue.ts";
import { adxl375 } from "./adxl375.ts";
import { asciiLine } from "./ascii-line.ts";
import { gnssNmea } from "./gnss-nmea.ts";

/** Every part the product knows, by the name the configuration uses. */
export const catalogue: Catalogue = Object.fromEntries([adxl375, asciiLine, gnssNmea].map((d) => [d.part, d]));
