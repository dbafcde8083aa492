/** The part of i2c-bus 5 that is used here; the package brings no types. */
declare module "i2c-bus" {
  export interface AddonBus {
    readByteSync(address: number, register: number): number;
    /** Returns the number of bytes read. */
    readI2cBlockSync(address: number, register: number, length: number, into: Buffer): number;
    writeByteSync(address: number, register: number, byte: number): void;
    writeI2cBlockSync(address: number, register: number, length: number, bytes: Buffer): void;
    sendByteSync(address: number, byte: number): void;
    receiveByteSync(address: number): number;
    /** Returns the number of bytes read. */
    i2cReadSync(address: number, length: number, into: Buffer): number;
    receiveByte(address: number, done: (error: Error | null | undefined) => void): void;
    closeSync(): void;
  }
  const addon: { openSync(bus: number): AddonBus };
  export default addon;
}
