import { SwathError } from "../model/errors.ts";
import type { Lane } from "../model/record.ts";
import type { Clock } from "../model/time.ts";
import type { UnitIdentity, UpClass } from "../model/topics.ts";
import type { UplinkCounters } from "./counters.ts";
import type { LaneCursor, Ticket } from "./lane-cursor.ts";
import { type Envelope, envelopeOf, propertiesFor, type ServerLimits } from "./packet.ts";
import type { Pipe } from "./pipe.ts";
import type { Protocol } from "./protocol-choice.ts";
import { type Mark, SendWindow } from "./send-window.ts";
import { pubackReaction, reasonText } from "./verdict.ts";

/** Classes outside the lanes that are acknowledged: only the newest of each waits. */
export type ControlClass = "state" | "desc" | "health" | "alerts";

/** An answer to a command, and whom to tell that the broker has it, or never will. */
interface Answer {
  readonly payload: Uint8Array;
  readonly done: () => void;
}

/** Called for a record that cannot be sent. Returns the bytes to send in its place (a gap record), or nothing to skip it. */
export type OnPoison = (lane: Lane, seq: number, reason: string) => Uint8Array | undefined;

export interface SenderOptions {
  readonly pipe: Pipe;
  readonly identity: UnitIdentity;
  readonly protocol: Protocol;
  readonly limits: ServerLimits;
  /** Most important first. */
  readonly cursors: readonly LaneCursor[];
  readonly counters: UplinkCounters;
  readonly clock: Clock;
  readonly onPoison: OnPoison;
  readonly onAcked: () => void;
  readonly onTrouble: (e: SwathError) => void;
}

interface Sent {
  readonly mark: Mark;
  readonly bytes: number;
  readonly what: Ticket | ControlClass | Answer;
}

const MAX_IN_FLIGHT = 32;
const HOLD_LONG_MS = 300_000;
/** QoS 0 bytes after which a ping asks whether they have left. */
const LOOSE_BYTES = 2_048;
const CONTROL: readonly ControlClass[] = ["desc", "state", "health", "alerts"];

/**
 * Decides what goes next on one connection: control, the waiting live row, then the lanes, as far as the window allows. A
 * lane goes strictly in the order of its numbers, live and backlog alike: what is now is seen by `live`, which never waits
 * for a backlog.
 */
export class Sender {
  readonly #o: SenderOptions;
  readonly #window: SendWindow;
  readonly #envelopes: Record<UpClass, Envelope>;
  readonly #sent = new Map<number, Sent>();
  readonly #control = new Map<ControlClass, Uint8Array>();
  readonly #answers: Answer[] = [];
  readonly #pings: Mark[] = [];
  #live: Uint8Array | undefined;
  #looseBytes = 0;
  #alone: Ticket | undefined;
  #pumping = false;
  #acks = 0;
  #finished: (() => void) | undefined;
  #finalId = 0;

  constructor(options: SenderOptions) {
    this.#o = options;
    const { identity, protocol, limits } = options;
    this.#window = new SendWindow(Math.min(MAX_IN_FLIGHT, limits.receiveMaximum));
    const envelope = (cls: UpClass) => envelopeOf(identity, cls, protocol, limits);
    this.#envelopes = {
      state: envelope("state"),
      desc: envelope("desc"),
      health: envelope("health"),
      alerts: envelope("alerts"),
      rsp: envelope("rsp"),
      live: envelope("live"),
      event: envelope("event"),
      log: envelope("log"),
      bulk: envelope("bulk"),
    };
    if (limits.maximumQos === 0)
      options.onTrouble(new SwathError("link/protocol", "the broker takes no QoS 1, so the lanes wait in the spool"));
  }

  get inFlight(): number {
    return this.#window.messages;
  }

  /** PUBACKs of this connection. */
  get acks(): number {
    return this.#acks;
  }

  /** Sends as soon as the window has room; a newer message of the class takes the place of one that waits. */
  control(cls: ControlClass, payload: Uint8Array): void {
    this.#control.set(cls, payload);
    this.pump();
  }

  /** Sends as soon as the window has room. */
  answer(payload: Uint8Array, done: () => void): void {
    this.#answers.push({ payload, done });
    this.pump();
  }

  /** QoS 0, newest wins: a row that the link cannot take now is dropped when the next one comes. */
  live(payload: Uint8Array): void {
    if (this.#live !== undefined) this.#o.counters.liveDropped += 1;
    this.#live = payload;
    this.pump();
  }

  /** Sends this state as the last message and calls back at its PUBACK; the lanes stop, and are resent another day. */
  finish(state: Uint8Array, done: () => void): void {
    this.#finished = done;
    this.#control.clear();
    this.#control.set("state", state);
    this.pump();
  }

  /** The connection is gone: what waited for it is dropped, and counted. */
  abandon(): void {
    if (this.#live !== undefined) this.#o.counters.liveDropped += 1;
    this.#live = undefined;
  }

  ping(): void {
    this.#looseBytes = 0;
    this.#pings.push(this.#window.sent(2, false, this.#o.clock.monoMs()));
    this.#o.pipe.ping();
  }

  ponged(): void {
    const mark = this.#pings.shift();
    if (mark === undefined) return; // MQTT.js pings too
    this.#window.confirmed(mark, 2, false, this.#o.clock.monoMs());
    this.pump();
  }

  acked(packetId: number, code: number): void {
    const sent = this.#sent.get(packetId);
    if (sent === undefined) return;
    this.#sent.delete(packetId);
    this.#acks += 1;
    const nowMs = this.#o.clock.monoMs();
    this.#window.confirmed(sent.mark, sent.bytes, true, nowMs);
    if (packetId === this.#finalId) this.#finished?.();
    if (typeof sent.what === "string") this.#controlAcked(sent.what, code);
    else if ("done" in sent.what) {
      this.#controlAcked("rsp", code);
      sent.what.done();
    } else this.#ticketAcked(sent.what, code, nowMs);
    this.#o.onAcked();
    this.pump();
  }

  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      if (this.#finished !== undefined) this.#pumpControl();
      else if (this.#alone === undefined) {
        this.#pumpControl();
        while (this.#answers.length > 0 && this.#window.hasSlot) {
          const answer = this.#answers.shift()!;
          this.#send(this.#envelopes.rsp, answer.payload, answer);
        }
        this.#pumpLive();
        if (this.#o.limits.maximumQos > 0) this.#pumpLanes();
      }
      const asks = this.#looseBytes > LOOSE_BYTES || (this.#looseBytes > 0 && this.#live !== undefined);
      if (asks && this.#pings.length === 0) this.ping();
    } finally {
      this.#pumping = false;
    }
  }

  #controlAcked(cls: ControlClass | "rsp", code: number): void {
    if (pubackReaction(code) === "taken") return;
    this.#o.counters.rejected += 1;
    this.#o.onTrouble(new SwathError("link/refused", `the broker does not take ${cls}: ${reasonText(code)}`));
  }

  #ticketAcked(ticket: Ticket, code: number, nowMs: number): void {
    const { counters, cursors, onTrouble } = this.#o;
    if (ticket === this.#alone) this.#alone = undefined;
    const cursor = cursors.find((c) => c.lane === ticket.lane)!;
    const reaction = pubackReaction(code);
    if (reaction === "taken") {
      counters.acked += 1;
      if (code === 0x10) counters.unheard += 1;
      cursor.acked(ticket);
      return;
    }
    counters.rejected += 1;
    if (!ticket.current) return; // the lane went back already, for an earlier message of this window
    const said = `the broker does not take ${ticket.lane} ${ticket.message.seq}: ${reasonText(code)}`;
    switch (reaction) {
      case "again":
        cursor.rewind();
        break;
      case "poison":
        cursor.rewind();
        // Of several records in one message one is at fault: they come again one by one.
        if (ticket.message.upTo === undefined) cursor.poison = { seq: ticket.message.seq, reason: reasonText(code) };
        break;
      case "hold":
        cursor.hold(nowMs);
        onTrouble(new SwathError("link/quota", said));
        break;
      case "hold-long":
        cursor.hold(nowMs, HOLD_LONG_MS);
        onTrouble(new SwathError("link/refused", said));
        break;
    }
  }

  #pumpControl(): void {
    for (const cls of CONTROL) {
      const payload = this.#control.get(cls);
      if (payload === undefined || !this.#window.hasSlot) continue;
      this.#control.delete(cls);
      const envelope = this.#envelopes[cls];
      if (payload.length + envelope.overheadBytes > this.#o.limits.maximumPacketSize) {
        const limit = this.#o.limits.maximumPacketSize;
        this.#o.onTrouble(
          new SwathError("link/protocol", `${cls} is longer than the broker's limit of ${limit} bytes`),
        );
      } else this.#send(envelope, payload, cls);
    }
  }

  #pumpLive(): void {
    const payload = this.#live;
    if (payload === undefined) return;
    const { pipe, counters, limits } = this.#o;
    const envelope = this.#envelopes.live;
    const bytes = payload.length + envelope.overheadBytes;
    if (!this.#window.fits(bytes) || pipe.congested) return;
    this.#live = undefined;
    if (bytes > limits.maximumPacketSize) {
      counters.liveDropped += 1;
      return;
    }
    counters.liveSent += 1;
    this.#sendLoose(envelope, payload, bytes);
  }

  #pumpLanes(): void {
    const nowMs = this.#o.clock.monoMs();
    for (const cursor of this.#o.cursors) {
      if (nowMs < cursor.holdUntilMs) continue;
      for (let message = cursor.peek(); message !== undefined; message = cursor.peek()) {
        const envelope = this.#envelopes[cursor.lane];
        const bytes = message.body.length + envelope.overheadBytes;
        if (!this.#window.hasSlot) return;
        // Events are few and small: they go past the byte budget that keeps the backlog from queueing in front of them.
        if (cursor.lane !== "event" && !this.#window.fits(bytes)) return;
        if (cursor.alone && (this.#window.messages > 0 || this.#acks === 0)) return;
        const alone = cursor.alone;
        const ticket = this.#sendNext(cursor, bytes, envelope);
        if (alone && ticket !== undefined) {
          this.#alone = ticket;
          return;
        }
      }
    }
  }

  /** Sends the message that the cursor shows, or what stands for it; undefined when it was skipped. */
  #sendNext(cursor: LaneCursor, bytes: number, envelope: Envelope): Ticket | undefined {
    const ticket = cursor.take()!;
    const { seq } = ticket.message;
    const limit = this.#o.limits.maximumPacketSize;
    let body: Uint8Array | undefined = ticket.message.body;
    let reason = cursor.poison?.seq === seq ? cursor.poison.reason : undefined;
    if (bytes > limit) reason ??= `${bytes} bytes are more than the broker's limit of ${limit}`;
    if (reason !== undefined && ticket.message.upTo !== undefined) {
      cursor.rewind();
      return undefined;
    }
    if (reason !== undefined) {
      this.#o.counters.poisoned += 1;
      body = this.#o.onPoison(cursor.lane, seq, reason);
      if (body !== undefined && body.length + envelope.overheadBytes > limit) body = undefined;
    }
    if (body === undefined) {
      cursor.acked(ticket);
      return undefined;
    }
    this.#send(envelope, body, ticket);
    return ticket;
  }

  #send(envelope: Envelope, payload: Uint8Array, what: Sent["what"]): void {
    const bytes = payload.length + envelope.overheadBytes;
    if (envelope.qos === 0) {
      this.#sendLoose(envelope, payload, bytes);
      this.#finished?.();
      return;
    }
    this.#looseBytes = 0;
    const mark = this.#window.sent(bytes, true, this.#o.clock.monoMs());
    const { topic, retain } = envelope;
    const packetId = this.#o.pipe.publish(topic, payload, 1, retain, propertiesFor(envelope, payload));
    this.#sent.set(packetId, { mark, bytes, what });
    if (this.#finished !== undefined) this.#finalId = packetId;
  }

  #sendLoose(envelope: Envelope, payload: Uint8Array, bytes: number): void {
    this.#looseBytes += bytes;
    this.#window.sentLoose(bytes);
    this.#o.pipe.publish(envelope.topic, payload, 0, envelope.retain, propertiesFor(envelope, payload));
  }
}
