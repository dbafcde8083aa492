import type { Lane } from "../model/record.ts";
import type { BackOff } from "./back-off.ts";
import type { LaneMessage, LaneSource } from "./lane-source.ts";

/** A message on its way. It is handed back at its PUBACK; after a rewind it belongs to nobody any more. */
export interface Ticket {
  readonly lane: Lane;
  readonly message: LaneMessage;
  acked: boolean;
  /** False once the lane was rewound: its PUBACK then frees nothing. */
  current: boolean;
}

const AHEAD_MESSAGES = 32;
const AHEAD_BYTES = 64 * 1024;
/** Connections lost in a row with nothing acknowledged before the first message is sent alone, to see whether it is why. */
const STRIKES_ALONE = 3;
/** Connections lost in a row with that one message alone before it is held to be the cause. */
const STRIKES_POISON = 13;
/** The same when the broker itself says that a packet was at fault. */
const STRIKES_POISON_NAMED = 5;

/** How a connection was lost, as far as it says something about the message that was on its way. */
export interface Loss {
  /** The broker had acknowledged something on this connection and then closed it. */
  readonly blames: boolean;
  /** It named a faulty packet as the reason (DISCONNECT 0x81, 0x82, 0x95, 0x99). */
  readonly named: boolean;
}

/**
 * One lane's place: reads ahead, remembers what is on its way, frees the contiguous acknowledged prefix in order, and goes
 * back to the first unacknowledged message when told.
 */
export class LaneCursor {
  readonly lane: Lane;
  readonly #source: LaneSource;
  readonly #onReady: () => void;
  readonly #onTrouble: (e: unknown) => void;
  #firstUnacked = 0;
  #nextSeq = 0;
  #ready: LaneMessage[] = [];
  #inFlight: Ticket[] = [];
  #reading = false;
  #exhausted = false;
  #failed = false;
  #appendedWhileReading = false;
  #generation = 0;
  #strikes = 0;
  readonly #backOff: BackOff;
  /** Nothing is sent before this time, ms. */
  holdUntilMs = 0;
  /** A message that must not be sent as it is, and why. */
  poison: { readonly seq: number; readonly reason: string } | undefined;

  constructor(lane: Lane, source: LaneSource, backOff: BackOff, onReady: () => void, onTrouble: (e: unknown) => void) {
    this.lane = lane;
    this.#source = source;
    this.#backOff = backOff;
    this.#onReady = onReady;
    this.#onTrouble = onTrouble;
  }

  get inFlight(): number {
    return this.#inFlight.length;
  }

  /** The next message goes alone: too many connections were lost while it was on its way. */
  get alone(): boolean {
    return this.#strikes >= STRIKES_ALONE;
  }

  /** The next message, when it has been read. Asks for more in good time. */
  peek(): LaneMessage | undefined {
    if (this.#ready.length < AHEAD_MESSAGES / 2) this.#fill();
    return this.#ready[0];
  }

  /** Takes the message that `peek` showed. */
  take(): Ticket | undefined {
    const message = this.#ready.shift();
    if (message === undefined) return undefined;
    const ticket: Ticket = { lane: this.lane, message, acked: false, current: true };
    this.#inFlight.push(ticket);
    return ticket;
  }

  acked(ticket: Ticket): void {
    if (!ticket.current) return;
    ticket.acked = true;
    this.#strikes = 0;
    this.#backOff.reset();
    let freed = 0;
    while (this.#inFlight[freed]?.acked) freed += 1;
    if (freed === 0) return;
    const last = this.#inFlight[freed - 1]!.message;
    this.#inFlight.splice(0, freed);
    const upTo = last.upTo ?? last.seq;
    this.#firstUnacked = upTo + 1;
    try {
      this.#source.free(this.lane, upTo);
    } catch (e) {
      this.#onTrouble(e);
    }
  }

  /** Back to the first unacknowledged message. */
  rewind(): void {
    for (const ticket of this.#inFlight) ticket.current = false;
    this.#inFlight = [];
    this.#ready = [];
    this.#nextSeq = this.#firstUnacked;
    this.#exhausted = false;
    this.#generation += 1;
    this.#reading = false;
  }

  /** Rewinds, and sends nothing before a time that grows from one refusal to the next, or for `longMs`. */
  hold(nowMs: number, longMs?: number): void {
    this.rewind();
    this.holdUntilMs = nowMs + (longMs ?? this.#backOff.nextMs());
  }

  /** Rewinds after a lost connection, and finds the message that is to blame when it happens again and again. */
  lost(loss: Loss): void {
    const first = this.#inFlight[0];
    this.rewind();
    if (first === undefined || !loss.blames) return;
    this.#strikes += 1;
    if (this.#strikes < (loss.named ? STRIKES_POISON_NAMED : STRIKES_POISON)) return;
    this.#strikes = 0;
    this.poison = { seq: first.message.seq, reason: "the broker closes the connection whenever it is sent" };
  }

  /** A failed read is worth another try. */
  retry(): void {
    if (!this.#failed) return;
    this.#failed = false;
    this.wake();
  }

  /** More became durable. */
  wake(): void {
    this.#exhausted = false;
    this.#appendedWhileReading = this.#reading;
    this.#onReady();
  }

  #fill(): void {
    if (this.#reading || this.#exhausted) return;
    this.#reading = true;
    const generation = this.#generation;
    this.#source.read(this.lane, this.#nextSeq, AHEAD_MESSAGES, AHEAD_BYTES).then(
      (messages) => {
        if (generation !== this.#generation) return;
        this.#reading = false;
        const last = messages.at(-1);
        if (last === undefined) {
          this.#exhausted = !this.#appendedWhileReading;
          this.#appendedWhileReading = false;
        } else {
          this.#nextSeq = (last.upTo ?? last.seq) + 1;
          for (const message of messages) this.#ready.push(message);
        }
        if (last !== undefined || !this.#exhausted) this.#onReady();
      },
      (e: unknown) => {
        if (generation !== this.#generation) return;
        this.#reading = false;
        this.#exhausted = true;
        this.#failed = true;
        this.#onTrouble(e);
      },
    );
  }
}
