/** The part of johnny-five and its Firmata client that is used here; the packages bring no types. */
declare module "johnny-five" {
  import type { EventEmitter } from "node:events";

  /** What johnny-five calls its IO plugin: the Firmata client of a board. */
  export interface FirmataIo extends EventEmitter {
    readonly pins: readonly { readonly supportedModes: readonly number[]; readonly mode: number }[];
    readonly analogPins: readonly number[];
    readonly firmware: { readonly name: string; readonly version: { readonly major: number; readonly minor: number } };
    readonly MODES: Readonly<Record<"INPUT" | "OUTPUT" | "ANALOG" | "PULLUP", number>>;
    readonly RESOLUTION: { readonly ADC: number | null };
    /** Bytes of the message that has begun. */
    buffer: number[];
    pinMode(pin: number, mode: number): void;
    analogRead(channel: number, on: (value: number) => void): void;
    digitalRead(pin: number, on: (value: number) => void): void;
    digitalWrite(pin: number, value: number): void;
    setSamplingInterval(ms: number): void;
    queryPinState(pin: number, on: () => void): void;
    sysexCommand(message: readonly number[]): void;
    sysexResponse(command: number, on: (bytes: readonly number[]) => void): void;
  }

  /** What carries a board's bytes: tells `data`, takes `write`. */
  export interface Transport extends EventEmitter {
    readonly path: string;
    write(bytes: Uint8Array, done?: () => void): void;
  }

  export class Board extends EventEmitter {
    readonly io: FirmataIo;
    constructor(options: {
      port: Transport;
      repl: false;
      debug: false;
      sigint: false;
      /** How long it waits for the board, in ms, before it tells an error. */
      timeout: number;
    });
  }

  export class Led {
    constructor(options: { pin: number; board: Board });
    on(): this;
    off(): this;
  }

  const five: { readonly Board: typeof Board; readonly Led: typeof Led };
  export default five;
}
