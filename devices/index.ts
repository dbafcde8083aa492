import type { Catalogue } from "../src/device/catalogue.ts";
import { a02yyuw } from "./a02yyuw.ts";
import { ads1115 } from "./ads1115.ts";
import { adxl372 } from "./adxl372.ts";
import { adxl375 } from "./adxl375.ts";
import { asciiLine } from "./ascii-line.ts";
import { at24c32 } from "./at24c32.ts";
import { bme280 } from "./bme280.ts";
import { ds1338 } from "./ds1338.ts";
import { ds3231 } from "./ds3231.ts";
import { firmataBoard } from "./firmata-board.ts";
import { gnssNmea } from "./gnss-nmea.ts";
import { gnssUbx } from "./gnss-ubx.ts";
import { h3lis331dl } from "./h3lis331dl.ts";
import { ina226 } from "./ina226.ts";
import { ina228 } from "./ina228.ts";
import { interruptCounter } from "./interrupt-counter.ts";
import { j1939Slcan } from "./j1939-slcan.ts";
import { lsm6dsox } from "./lsm6dsox.ts";
import { maxbotixHrxl } from "./maxbotix-hrxl.ts";
import { mcp9600 } from "./mcp9600.ts";
import { mcp9808 } from "./mcp9808.ts";
import { mcp23017 } from "./mcp23017.ts";
import { mlx90614 } from "./mlx90614.ts";
import { modbusRtu } from "./modbus-rtu.ts";
import { pcf8574 } from "./pcf8574.ts";
import { sht3x } from "./sht3x.ts";
import { sht4x } from "./sht4x.ts";
import { ssd1306 } from "./ssd1306.ts";
import { tfmini } from "./tfmini.ts";
import { tmp102 } from "./tmp102.ts";
import { tmp105 } from "./tmp105.ts";
import { tmp117 } from "./tmp117.ts";
import { vedirect } from "./vedirect.ts";

const parts: readonly Catalogue[string][] = [
  a02yyuw,
  adxl372,
  adxl375,
  ads1115,
  asciiLine,
  at24c32,
  bme280,
  ds1338,
  ds3231,
  firmataBoard,
  gnssNmea,
  gnssUbx,
  h3lis331dl,
  ina226,
  ina228,
  interruptCounter,
  j1939Slcan,
  lsm6dsox,
  mcp23017,
  maxbotixHrxl,
  mcp9600,
  mcp9808,
  mlx90614,
  modbusRtu,
  pcf8574,
  sht3x,
  sht4x,
  ssd1306,
  tfmini,
  tmp102,
  tmp105,
  tmp117,
  vedirect,
];

/** Every part the product knows, by the name the configuration uses. */
export const catalogue: Catalogue = Object.fromEntries(parts.map((d) => [d.part, d]));
