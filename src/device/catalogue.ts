import type { BoardDevice } from "./board-device.ts";
import type { CounterDevice } from "./counter-device.ts";
import type { I2cDevice } from "./define.ts";
import type { DisplayDevice } from "./display-device.ts";
import type { LineDevice } from "./line-device.ts";
import type { NmeaDevice } from "./nmea-device.ts";
import type { SerialDevice } from "./serial-device.ts";

/** A part of any kind that measures; `kind` says how it is read. */
export type Device = I2cDevice | NmeaDevice | LineDevice | SerialDevice | BoardDevice | CounterDevice;

/** Parts, and displays, by the name that the configuration uses. */
export type Catalogue = Readonly<Record<string, Device | DisplayDevice>>;
