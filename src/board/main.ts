import { Socket } from "node:net";
import type { Board } from "johnny-five";
import { LAMPS } from "../model/operator.ts";
import { boardAssignment, PRESSES, READER_EXITS, TROUBLES } from "./assignment.ts";
import { BOARD_FRAME, boardFrame, boardNumbers, createBoardFrames } from "./frames.ts";
import { createPanel, type Panel } from "./panel.ts";
import { startSession } from "./session.ts";

/** Descriptor that carries frames to the sampler: what libraries print must not get among them. */
const OUT_FD = 3;
/** How often the reader says that it lives, and how often the panel's outputs are set. */
const ALIVE_MS = 500;
const PANEL_MS = 50;
/** More unread bytes than this: the sampler stands still, and what is new then is worth nothing later. */
const UNREAD_MAX_BYTES = 256 * 1024;

type Ending = (typeof READER_EXITS)[keyof typeof READER_EXITS];

/** Reads one sub-board for the sampler, which holds its port; started with what it shall set up as its one argument. */
async function main(): Promise<void> {
  const assignment = boardAssignment.parse(JSON.parse(process.argv[2] ?? ""));
  const out = new Socket({ fd: OUT_FD, readable: false, writable: true });
  out.on("error", () => process.exit(0));
  const send = (frame: Buffer) => {
    if (out.writableLength < UNREAD_MAX_BYTES) out.write(frame);
  };
  setInterval(() => send(boardFrame(BOARD_FRAME.alive, 0, 0)), ALIVE_MS);
  const { default: johnnyFive } = await import("johnny-five");
  let panel: Panel | undefined;
  /** When the bytes that are being decoded came from the board (mono ms), and the time since then by our own clock. */
  let atMs = 0;
  let atOwnMs = performance.now();
  const nowMs = () => atMs + performance.now() - atOwnMs;
  const trouble = (kind: (typeof TROUBLES)[number]) =>
    send(boardFrame(BOARD_FRAME.trouble, TROUBLES.indexOf(kind), atMs));

  function end(why: Ending, words: string): void {
    if (why === "refused") send(boardFrame(BOARD_FRAME.refused, 0, atMs, words.slice(0, 200)));
    if (why === "board-reset") trouble("boardResets");
    if (why === "settings-lost") trouble("settingsLost");
    const code = Object.entries(READER_EXITS).find(([, name]) => name === why)?.[0];
    out.end(() => process.exit(Number(code)));
  }

  function startPanel(board: Board): void {
    const { lampPin, buzzerPin, muted } = assignment.panel;
    const led = (pin: number | undefined) => (pin === undefined ? undefined : new johnnyFive.Led({ pin, board }));
    const outputs = { lamp: led(lampPin), buzzer: led(buzzerPin) };
    const p = createPanel({
      muted,
      startMs: nowMs(),
      press: (kind, downMs) => send(boardFrame(BOARD_FRAME.key, PRESSES.indexOf(kind), downMs)),
      set: (output, on) => void (on ? outputs[output]?.on() : outputs[output]?.off()),
    });
    panel = p;
    for (const one of [outputs.lamp, outputs.buzzer]) one?.off();
    setInterval(() => p.step(nowMs()), PANEL_MS);
  }

  const session = startSession({
    assignment,
    johnnyFive,
    listener: {
      write: (bytes) => send(boardFrame(BOARD_FRAME.write, 0, 0, bytes)),
      ready(board, firmware) {
        send(boardFrame(BOARD_FRAME.ready, 0, atMs, firmware.slice(0, 200)));
        const { lampPin, buzzerPin, keyPin } = assignment.panel;
        if ([lampPin, buzzerPin, keyPin].some((pin) => pin !== undefined)) startPanel(board);
      },
      value: (input, x) => send(boardNumbers(BOARD_FRAME.value, input, atMs, x)),
      pulses: (input, boardMs, pulses) => send(boardNumbers(BOARD_FRAME.pulses, input, atMs, boardMs, pulses)),
      beat: () => send(boardFrame(BOARD_FRAME.beat, 0, atMs)),
      // The instants of the bytes, not ours: a press keeps its length however late it is read.
      key: (isDown) => (isDown ? panel?.key.down(atMs) : panel?.key.up(atMs)),
      malformed: () => trouble("malformed"),
      unanswered: () => trouble("unanswered"),
      over: end,
    },
  });

  const take = createBoardFrames(
    (type, index, frameMs, bytes, from, to) => {
      if (type === BOARD_FRAME.bytes) {
        atMs = frameMs;
        atOwnMs = performance.now();
        session.take(bytes.subarray(from, to));
      } else if (type === BOARD_FRAME.lamp) panel?.lamp(LAMPS[index] ?? "fault", nowMs());
      else if (type === BOARD_FRAME.noted) panel?.noted(PRESSES[index] ?? "short", nowMs());
    },
    () => process.exit(1),
  );
  process.stdin.on("data", take);
  // The sampler holds the other end: when it closes, nobody reads the board any more.
  process.stdin.on("end", () => process.exit(0));
  process.stdin.on("error", () => process.exit(0));
}

main().catch((e: unknown) => {
  process.stderr.write(`sub-board: ${e instanceof Error ? e.stack : String(e)}\n`);
  process.exit(1);
});
