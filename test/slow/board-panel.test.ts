import { afterEach, describe, expect, it } from "vitest";
import { LAMP_PATTERNS } from "../../src/board/panel-patterns.ts";
import type { Lamp } from "../../src/model/operator.ts";
import { until } from "../hq/until.ts";
import { type AvrBoard, startAvrBoard } from "../rigs/avr-board.ts";
import { startBoardSource } from "../rigs/board-source.ts";

const [LAMP, BUZZER, KEY] = [12, 8, 7];
const WAIT_MS = 60_000;

describe("the operator's panel on the real StandardFirmata", () => {
  const undo: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });

  async function panel() {
    const board = await startAvrBoard();
    undo.push(board.stop);
    board.drive(KEY, 1);
    const source = startBoardSource(
      board.pty.path,
      { analog: { a: { pin: 0 } } },
      { lampPin: LAMP, buzzerPin: BUZZER, keyPin: KEY, muted: false },
    );
    undo.push(source.stop);
    await until("running", () => source.source.state === "running", WAIT_MS);
    return { board, ...source };
  }

  const rises = (board: AvrBoard, pin: number) => board.changes.filter((c) => c.pin === pin && c.value === 1);

  /** Groups of flashes that ended with the pattern's long pause since `from`. */
  function groups(board: AvrBoard, lamp: Lamp, from: number): number[] {
    const pauseMs = LAMP_PATTERNS[lamp].at(-1)!;
    const sizes = [0];
    let before = Number.NaN;
    for (const { atMs } of rises(board, LAMP).slice(from)) {
      if (atMs - before > pauseMs * 0.7) sizes.push(0);
      sizes[sizes.length - 1]!++;
      before = atMs;
    }
    // The first may have begun before we looked, the last may not be whole.
    return sizes.slice(1, -1);
  }

  it("blinks the lamp's patterns on the pin, each told by its count", async () => {
    const { board, reader } = await panel();
    for (const [lamp, count] of [
      ["ok", 1],
      ["degraded", 2],
      ["no_fix", 3],
    ] as const) {
      const from = rises(board, LAMP).length;
      reader.lamp(lamp);
      await until(lamp, () => groups(board, lamp, from).includes(count), WAIT_MS);
    }
    const from = rises(board, LAMP).length;
    reader.lamp("fault");
    await until("flicker", () => rises(board, LAMP).length > from + 10, WAIT_MS);
    await until("three sounds", () => rises(board, BUZZER).length >= 3, WAIT_MS);
  });

  it("takes short and long presses of the key and answers each with the buzzer", async () => {
    const { board, presses, reader } = await panel();
    reader.lamp("ok");
    // The lamp is set after the key has been set up.
    await until("the lamp", () => rises(board, LAMP).length > 0, WAIT_MS);
    async function press(ms: number): Promise<void> {
      board.drive(KEY, 0);
      await Promise.all([new Promise((resolve) => setTimeout(resolve, ms)), board.ran(20)]);
      board.drive(KEY, 1);
    }
    await press(400);
    await until("a press", () => presses.length === 1, WAIT_MS);
    await until("its answer", () => rises(board, BUZZER).length > 0, WAIT_MS);
    // Sounds of an answer end before the next is counted.
    const sounds = () => rises(board, BUZZER).length;
    const before = sounds();
    await press(2000);
    await until("a long press", () => presses.length === 2, WAIT_MS);
    await until("its answer", () => sounds() === before + 2, WAIT_MS);
    expect(presses.map((p) => p.press)).toEqual(["short", "long"]);
  });
});
