import type { I2cDevice } from "./define.ts";

/** A part of any kind; `kind` says which bus it is on. */
export type Device = I2cDevice;

/** Parts by the name that the configuration uses. */
export type Catalogue = Readonly<Record<string, Device>>;
