import { EventEmitter } from "node:events";
import type five from "johnny-five";
import type { Board, FirmataIo } from "johnny-five";
import type { BoardAssignment } from "./assignment.ts";
import { decodeFrequency, FREQUENCY, frequencyQuery } from "./frequency.ts";

/** What a session tells. Values are told while the bytes that carry them are being decoded. */
export interface SessionListener {
  write(bytes: Uint8Array): void;
  ready(board: Board, firmware: string): void;
  value(input: number, x: number): void;
  pulses(input: number, boardMs: number, pulses: number): void;
  beat(): void;
  /** The panel's key has gone down or up. */
  key(isDown: boolean): void;
  malformed(): void;
  unanswered(): void;
  /** The session is over: the board cannot be used, began anew, lost its settings, or does not answer. */
  over(why: "refused" | "board-reset" | "settings-lost" | "no-answer", words: string): void;
}

/** How often the board is asked who it is until it answers, and how long that may take. */
const ASK_MS = 1000;
const READY_MS = 15_000;
/** How often one pin is asked for its settings: the board's beat. */
const BEAT_MS = 500;
/** Beats without an answer after which the session is over. */
const UNANSWERED_MAX = 4;
/** Longest message of a board; a longer one is noise that began like one. */
const MESSAGE_MAX_BYTES = 1024;

const REPORT_VERSION = Uint8Array.of(0xf9);
const QUERY_FIRMWARE = Uint8Array.of(0xf0, 0x79, 0xf7);
/** All pins as after power-on, nothing reported: what an earlier session had set is gone. */
const SYSTEM_RESET = Uint8Array.of(0xff);
const PULLUP_MODE = 0x0b;

/** A pin and the mode it must have while the session lasts. */
interface WantedMode {
  readonly pin: number;
  readonly mode: number;
}

/** A transport for johnny-five made of calls: the port itself is the sampler's. */
function createTransport(write: (bytes: Uint8Array) => void) {
  return Object.assign(new EventEmitter(), {
    path: "sub-board",
    write(bytes: Uint8Array, done?: () => void): void {
      write(bytes);
      if (done !== undefined) setImmediate(done);
    },
  });
}

/**
 * One session with a board, from the handshake to its loss. A board that restarts, forgets a pin's mode or stops answering ends it:
 * the process ends too and the next session begins clean, because johnny-five keeps what it once knew of a board.
 */
export function startSession(spec: {
  readonly assignment: BoardAssignment;
  readonly johnnyFive: typeof five;
  readonly listener: SessionListener;
}) {
  const { assignment, johnnyFive, listener } = spec;
  const transport = createTransport((bytes) => listener.write(bytes));
  const { lampPin, buzzerPin, keyPin } = assignment.panel;
  const wanted: WantedMode[] = [];
  const digital: { readonly input: number; readonly pin: number; value: number }[] = [];
  let isOver = false;
  let greeted = false;
  let beats = 0;
  let unanswered = 0;

  function over(why: Parameters<SessionListener["over"]>[0], words: string): void {
    if (isOver) return;
    isOver = true;
    clearInterval(asking);
    clearInterval(beating);
    clearTimeout(patience);
    listener.over(why, words);
  }

  const board = new johnnyFive.Board({ port: transport, repl: false, debug: false, sigint: false, timeout: 1e9 });
  const { io } = board;
  let beating: NodeJS.Timeout | undefined;
  const patience = setTimeout(() => over("refused", "no-firmata"), READY_MS);
  function ask(): void {
    if (greeted) return;
    listener.write(REPORT_VERSION);
    listener.write(QUERY_FIRMWARE);
  }
  const asking = setInterval(ask, ASK_MS);
  io.once("queryfirmware", () => {
    greeted = true;
    clearInterval(asking);
  });
  board.on("error", (e: unknown) => over("refused", e instanceof Error ? e.message : String(e)));
  board.once("ready", () => {
    clearTimeout(patience);
    const fault = unfit(io, assignment);
    if (fault !== undefined) return over("refused", fault);
    io.setSamplingInterval(assignment.samplingMs);
    for (const [input, one] of assignment.inputs.entries()) attach(input, one);
    for (const pin of [lampPin, buzzerPin]) if (pin !== undefined) wanted.push({ pin, mode: io.MODES.OUTPUT });
    // Not the library's button: it tells two changes that come together as one, and a press would be lost on a busy machine.
    if (keyPin !== undefined) {
      let last = 1;
      readDigital(keyPin, true, (level) => {
        if (level !== last) listener.key(level === 0);
        last = level;
      });
    }
    const { name, version } = io.firmware;
    listener.ready(board, `${name} ${version.major}.${version.minor}`);
    // A board that says who it is without being asked has restarted: it does not know its pins any more.
    // Its first words may fall into a message that the restart cut short: either of the two is enough. What was asked for while
    // it did not answer has been answered before it was ready, for a board answers in order.
    for (const word of ["reportversion", "queryfirmware"] as const)
      io.on(word, () => over("board-reset", "board-reset"));
    beating = setInterval(beat, BEAT_MS);
    beat();
  });
  listener.write(SYSTEM_RESET);
  ask();

  function readDigital(pin: number, pullUp: boolean, on: (level: number) => void): void {
    const mode = pullUp && io.pins[pin]!.supportedModes.includes(PULLUP_MODE) ? PULLUP_MODE : io.MODES.INPUT;
    io.pinMode(pin, mode);
    // Older firmware has no such mode: there a 1 written to an input turns the pull-up on.
    if (pullUp && mode !== PULLUP_MODE) io.digitalWrite(pin, 1);
    wanted.push({ pin, mode });
    io.digitalRead(pin, on);
  }

  function attach(input: number, one: BoardAssignment["inputs"][number]): void {
    if (one.kind === "analog") {
      io.pinMode(one.pin, io.MODES.ANALOG);
      wanted.push({ pin: io.analogPins[one.pin]!, mode: io.MODES.ANALOG });
      io.analogRead(one.pin, (x) => listener.value(input, x));
    } else if (one.kind === "digital") {
      // After its reset a board reports only what differs from 0.
      const state = { input, pin: one.pin, value: 0 };
      digital.push(state);
      readDigital(one.pin, one.pullUp, (x) => {
        if (x === state.value) return;
        state.value = x;
        listener.value(input, x);
      });
    } else {
      wanted.push({ pin: one.pin, mode: FREQUENCY.mode });
      io.sysexResponse(FREQUENCY.command, (bytes) => {
        const report = decodeFrequency(bytes);
        if (report === undefined) listener.malformed();
        else if (report.pin === one.pin) listener.pulses(input, report.ms, report.ticks);
      });
      io.sysexCommand(frequencyQuery(one.pin, one.edge, one.everyMs));
    }
  }

  /** Asks one pin for its mode, each in turn. A board looks at its inputs before it answers, so its last word on them is then true. */
  function beat(): void {
    const pin = wanted.length === 0 ? { pin: 0, mode: undefined } : wanted[beats++ % wanted.length]!;
    if (unanswered > 0) listener.unanswered();
    if (++unanswered > UNANSWERED_MAX) {
      over("no-answer", "no-answer");
      return;
    }
    io.queryPinState(pin.pin, () => {
      unanswered = 0;
      const { mode } = io.pins[pin.pin]!;
      if (pin.mode !== undefined && mode !== pin.mode)
        return over("settings-lost", `pin ${pin.pin} has mode ${mode}, expected ${pin.mode}`);
      for (const { input, value } of digital) listener.value(input, value);
      listener.beat();
    });
  }

  return {
    /** Takes bytes of the board, cut anywhere; a message that the library cannot bear is counted and dropped. */
    take(bytes: Uint8Array): void {
      if (isOver) return;
      try {
        transport.emit("data", bytes);
      } catch {
        io.buffer.length = 0;
        listener.malformed();
      }
      if (io.buffer.length <= MESSAGE_MAX_BYTES) return;
      io.buffer.length = 0;
      listener.malformed();
    },
  };
}

/** What keeps this board from being used as configured; undefined when it fits. */
function unfit(io: FirmataIo, { inputs, adcBits, panel }: BoardAssignment): string | undefined {
  const full = 2 ** adcBits - 1;
  const modesOf = (pin: number) => io.pins[pin]?.supportedModes ?? [];
  for (const one of inputs) {
    if (one.kind === "analog") {
      const pin = io.analogPins[one.pin];
      if (pin === undefined || !modesOf(pin).includes(io.MODES.ANALOG)) return `no analog input A${one.pin}`;
      if (io.RESOLUTION.ADC !== full) return `the converter's end is ${io.RESOLUTION.ADC}, expected ${full}`;
    } else if (one.kind === "digital") {
      if (!modesOf(one.pin).includes(io.MODES.INPUT)) return `pin ${one.pin} is no input`;
    } else if (!modesOf(one.pin).includes(FREQUENCY.mode)) {
      return `pin ${one.pin} counts no pulses: ConfigurableFirmata with its frequency feature is needed`;
    }
  }
  const pins = inputs.map((one) => (one.kind === "analog" ? io.analogPins[one.pin] : one.pin));
  const all = [...pins, panel.lampPin, panel.buzzerPin, panel.keyPin].filter((pin) => pin !== undefined);
  const twice = all.find((pin, i) => all.indexOf(pin) !== i);
  if (twice !== undefined) return `pin ${twice} is used twice: an analog input has a number among the pins too`;
  for (const pin of [panel.lampPin, panel.buzzerPin])
    if (pin !== undefined && !modesOf(pin).includes(io.MODES.OUTPUT)) return `pin ${pin} is no output`;
  if (panel.keyPin !== undefined && !modesOf(panel.keyPin).includes(io.MODES.INPUT))
    return `pin ${panel.keyPin} is no input`;
  return undefined;
}
