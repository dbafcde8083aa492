import { NO_LIMITS, type PublishProperties, type ServerLimits } from "../../src/uplink/packet.ts";
import type { OpenPipe, Pipe, PipeEnd, PipeListener, PipeOptions } from "../../src/uplink/pipe.ts";

export interface SentPacket {
  readonly id: number;
  readonly cls: string;
  readonly body: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly properties: PublishProperties | undefined;
}

/** A connection in memory: the test plays the broker. */
export interface FakePipe extends Pipe {
  readonly options: PipeOptions;
  readonly sent: SentPacket[];
  congested: boolean;
  pings: number;
  finished: boolean;
  destroyed: boolean;
  up(limits?: Partial<ServerLimits>): void;
  /** Acknowledges the oldest `count` QoS 1 packets that are unacknowledged, with this reason. */
  ack(count?: number, code?: number): void;
  ponged(): void;
  drained(): void;
  close(end?: Partial<PipeEnd>): void;
  readonly unacked: number;
  readonly topics: string[];
  granted(codes?: number[]): void;
  say(topic: string, payload: Uint8Array | string, retained?: boolean): void;
}

/** Opens fake connections and keeps them in the order they were opened. */
export function fakePipes(): { open: OpenPipe; pipes: FakePipe[]; readonly last: FakePipe } {
  const pipes: FakePipe[] = [];
  const open: OpenPipe = (options, listener) => {
    const pipe = fakePipe(options, listener);
    pipes.push(pipe);
    return pipe;
  };
  return {
    open,
    pipes,
    get last() {
      return pipes.at(-1)!;
    },
  };
}

function fakePipe(options: PipeOptions, listener: PipeListener): FakePipe {
  const unacked: number[] = [];
  let id = 0;
  let closed = false;
  const pipe: FakePipe = {
    options,
    sent: [],
    topics: [],
    congested: false,
    pings: 0,
    finished: false,
    destroyed: false,
    get unacked() {
      return unacked.length;
    },
    publish(topic, payload, qos, retain, properties) {
      const packetId = qos === 0 ? 0 : ++id;
      if (qos === 1) unacked.push(packetId);
      const body = Buffer.from(payload).toString();
      pipe.sent.push({ id: packetId, cls: topic.split("/").at(-1)!, body, qos, retain, properties });
      return packetId;
    },
    subscribe(topics) {
      pipe.topics.push(...topics);
    },
    granted(codes = pipe.topics.map(() => 1)) {
      listener.heard();
      listener.subscribed(codes);
    },
    say(topic, payload, retained = false) {
      listener.heard();
      listener.message(topic, Buffer.from(payload), retained);
    },
    ping() {
      pipe.pings += 1;
    },
    finish() {
      pipe.finished = true;
      queueMicrotask(() => pipe.close());
    },
    destroy() {
      pipe.destroyed = true;
      queueMicrotask(() => pipe.close());
    },
    up(limits = {}) {
      listener.heard();
      listener.up({ ...NO_LIMITS, ...limits });
    },
    ack(count = unacked.length, code = 0) {
      for (const packetId of unacked.splice(0, count)) {
        listener.heard();
        listener.acked(packetId, code);
      }
    },
    ponged() {
      listener.heard();
      listener.ponged();
    },
    drained() {
      listener.drained();
    },
    close(end = {}) {
      if (closed) return;
      closed = true;
      listener.closed({ reached: true, ...end });
    },
  };
  return pipe;
}
