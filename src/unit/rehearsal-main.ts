import { closeSync, constants, fstatSync, openSync, readSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { text } from "node:stream/consumers";
import { catalogue } from "../../devices/index.ts";
import { loadFlat } from "../config/flatten.ts";
import { compareReplays } from "../replay/compare.ts";
import { explainComparison } from "../replay/explain.ts";
import { type Replayed, replayRecording } from "../replay/replay.ts";
import { LINES_MAX, type RehearsalAnswer, rehearsalAsked } from "./rehearsal.ts";

/** Whatever is short while a recording is replayed, it is not the unit that goes without. */
function stepBack(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "1000");
    setPriority(19);
  } catch {
    // Where a sandbox does not allow it, the limits of heap and time are what there is.
  }
}

/** The first `maxBytes` of a plain file. */
function readStart(path: string, maxBytes: number): Uint8Array {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw new Error("it is not a plain file");
    const bytes = Buffer.alloc(Math.min(found.size, maxBytes));
    let length = 0;
    for (let n = -1; n !== 0 && length < bytes.length; length += n)
      n = readSync(fd, bytes, length, bytes.length - length, length);
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

const wordsOf = (e: unknown) => (e instanceof Error ? e.message : String(e)).slice(0, 300);

function rehearse(asked: unknown): RehearsalAnswer {
  const { recording, maxBytes, before, after } = rehearsalAsked.parse(asked);
  let file: Uint8Array;
  let first: Replayed;
  try {
    file = readStart(recording, maxBytes);
    first = replayRecording(file, loadFlat(before, catalogue));
  } catch (e) {
    return { outcome: "failed", reason: wordsOf(e) };
  }
  let second: Replayed;
  try {
    second = replayRecording(file, loadFlat(after, catalogue));
  } catch (e) {
    return { outcome: "threw", reason: wordsOf(e) };
  }
  if (first.rows.length + second.rows.length === 0) return { outcome: "failed", reason: "no row came of it" };
  const c = compareReplays(first, second);
  const { head, fromMs, toMs, unread } = second;
  const seconds = (toMs - fromMs) / 1000;
  const columns = c.columns.filter((column) => column.differing > 0).length;
  const { onlyFirst, onlySecond, vanished, appeared } = c;
  const counts = `${columns} columns differ, ${onlyFirst.length} go, ${onlySecond.length} come; ${vanished.length} events are gone, ${appeared.length} are new`;
  const lines = [
    `recorded by ${head.unit} on ${head.machine}, ${seconds.toFixed(1)} s${unread === 0 ? "" : "; the rest of the file was not read"}`,
    ...(second.notRecorded.length === 0 ? [] : [`  not in the recording: ${second.notRecorded.join(", ")}`]),
    ...explainComparison(c, fromMs),
  ];
  const more = lines.length - LINES_MAX;
  return {
    outcome: "compared",
    summary: `${seconds.toFixed(0)} s of recording: ${counts}`,
    lines: more > 0 ? [...lines.slice(0, LINES_MAX - 1), `  and ${more + 1} lines more`] : lines,
  };
}

stepBack();
process.stdout.write(JSON.stringify(rehearse(JSON.parse(await text(process.stdin)))));
