import type { Verified } from "../model/record.ts";
import type { Device } from "./catalogue.ts";
import type { DisplayDevice } from "./display-device.ts";

/**
 * How a part with these options is recognised, once it has been. Drivers say this at run time and `docs/devices.md` is written
 * with it. Throws a `ZodError` for options that the part's schema refuses.
 */
export function verifiedBy(device: Device | DisplayDevice, options: unknown): Verified {
  switch (device.kind) {
    case "i2c": {
      const { identity, setup } = device.plan(options);
      return identity.length > 0 ? "id" : setup.length > 0 ? "readback" : "ack-only";
    }
    // Nothing can be read from it.
    case "display":
      return "ack-only";
    // Switched on, and asked whether it counts.
    case "counter":
      return "readback";
    // The reports it was told to give are asked for again and again.
    case "board":
      return "readback";
    case "nmea":
      return "sentences";
    // Any text with a number would do.
    case "line":
      return "none";
    case "serial":
      return device.plan(options).verifies;
  }
}
