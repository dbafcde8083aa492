import { type BrokerEar, listenAt } from "./broker-ear.ts";
import { type Mosquitto, startMosquitto } from "./mosquitto.ts";
import { openPty, type PtyRig } from "./pty.ts";
import { talkInto } from "./receiver.ts";
import { gnssConfig, type UnitHome, unitHome } from "./unit.ts";

/** A unit's surroundings: a folder, a broker with an ear at it, a receiver's pty. */
export interface Field {
  readonly home: UnitHome;
  readonly broker: Mosquitto;
  readonly ear: BrokerEar;
  readonly pty: PtyRig;
  /** `gnssConfig` for these surroundings. */
  config(more?: object): object;
  /** Lets the receiver talk, an epoch every `periodMs`. */
  talk(periodMs?: number): ReturnType<typeof talkInto>;
  close(): Promise<void>;
}

export async function openField(): Promise<Field> {
  const home = unitHome();
  const broker = await startMosquitto();
  const ear = await listenAt(broker.port);
  const pty = await openPty();
  const receivers: ReturnType<typeof talkInto>[] = [];
  return {
    home,
    broker,
    ear,
    pty,
    config: (more = {}) => gnssConfig({ brokerPort: broker.port, spoolDir: home.spoolDir, pty: pty.path, more }),
    talk(periodMs = 100) {
      const receiver = talkInto(pty, periodMs);
      receivers.push(receiver);
      return receiver;
    },
    async close() {
      for (const receiver of receivers) receiver.stop();
      await home.close();
      await ear.close();
      await pty.stop();
      await broker.stop();
    },
  };
}
