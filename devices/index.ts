import type { Device } from "../src/device/catalogue.ts";
import { adxl375 } from "./adxl375.ts";

/** Every part the product knows, by the name the configuration uses. */
export const catalogue: Readonly<Record<string, Device>> = { adxl375 };
