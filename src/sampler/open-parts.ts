import type { PulseCounter } from "../bus/counter.ts";
import type { I2cBus } from "../bus/i2c.ts";
import type { SerialLink } from "../bus/serial.ts";
import type { BoardReader, KeyPress } from "../device/board-device.ts";
import { createBoardSource } from "../device/board-source.ts";
import type { Device } from "../device/catalogue.ts";
import { createCounterSource } from "../device/counter-source.ts";
import { createI2cSource } from "../device/i2c-source.ts";
import { createLineSource } from "../device/line-source.ts";
import { createNmeaSource } from "../device/nmea-source.ts";
import { createSerialSource } from "../device/serial-source.ts";
import type { Source, SourceSink, TimeSink } from "../device/source.ts";
import { SwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";

/** One configured part and the port it is wired to. */
export interface PartSpec {
  readonly name: string;
  readonly device: Device;
  readonly address?: number;
  readonly options: unknown;
}

/** A port as opened: real or made of memory. */
export type Port =
  | { readonly kind: "i2c"; readonly bus: I2cBus }
  | { readonly kind: "counter"; readonly bus: PulseCounter }
  | { readonly kind: "serial"; readonly link: SerialLink };

/** Makes the running source of a part, by its kind. */
export function openPart(
  part: PartSpec,
  port: Port,
  around: {
    readonly clock: Clock;
    readonly sink: SourceSink;
    readonly time: TimeSink;
    /** What reads this part when it is a sub-board, and who hears its key. */
    readonly board?:
      | { readonly reader: BoardReader; readonly onKey: (press: KeyPress, atMs: number) => void }
      | undefined;
  },
): Source {
  const { name, device, options } = part;
  const { clock, sink, time } = around;
  if (device.kind === "i2c") {
    if (port.kind !== "i2c" || part.address === undefined) {
      throw new SwathError(
        "internal/bug",
        `${name}: an I2C part without bus or address passed the configuration check`,
      );
    }
    return createI2cSource({ device, name, options, bus: port.bus, address: part.address, clock, sink });
  }
  if (device.kind === "counter") {
    if (port.kind !== "counter") throw new SwathError("internal/bug", `${name}: a counter part on another bus`);
    return createCounterSource({ device, name, options, counter: port.bus, startMs: clock.monoMs(), sink });
  }
  if (port.kind !== "serial") {
    throw new SwathError("internal/bug", `${name}: a serial part without port passed the configuration check`);
  }
  const { link } = port;
  if (device.kind === "line") return createLineSource({ device, name, options, link, clock, sink });
  if (device.kind === "board") {
    if (around.board === undefined) throw new SwathError("internal/bug", `${name}: nothing reads this sub-board`);
    return createBoardSource({ device, name, options, link, clock, sink, ...around.board });
  }
  if (device.kind === "serial") return createSerialSource({ device, name, options, link, clock, sink, time });
  return createNmeaSource({ device, name, options: device.options.parse(options), link, clock, sink, time });
}
