import { closeSync, constants, fstatSync, openSync, readSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { buffer } from "node:stream/consumers";
import { catalogue } from "../../devices/index.ts";
import { loadFlat } from "../config/flatten.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import { type ComparedChannel, type Comparison, compareReplays } from "../replay/compare.ts";
import { explainComparison } from "../replay/explain.ts";
import type { ChannelFigures } from "../replay/figures.ts";
import { objectionTo } from "../replay/objections.ts";
import { type Replayed, replayRecording } from "../replay/replay.ts";
import { ringsAsRecording } from "../replay/rings.ts";
import { type RehearsalAnswer, rehearsalAsked } from "./rehearsal.ts";

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

/** Parts that both have and that are set up otherwise: what was recorded of them is how they ran. */
function setOtherwise(before: LoadedConfig, after: LoadedConfig): string[] {
  const set = ({ device, options }: LoadedConfig["parts"][number]) => JSON.stringify([device.part, options]);
  return after.parts.flatMap((part) => {
    const old = before.parts.find((p) => p.name === part.name);
    return old === undefined || set(old) === set(part) ? [] : [part.name];
  });
}

const PLACE: ReadonlySet<string> = new Set(["lat", "lon"]);

/** What is told of a rehearsal is logged, and no log line holds a position: of such a channel only counts are told. */
function withoutPlace(one: ComparedChannel, ...configs: readonly LoadedConfig[]): ComparedChannel {
  const isPlace = configs.some((c) => c.channels.some((ch) => ch.column === one.name && PLACE.has(ch.key)));
  const none = { mean: Number.NaN, least: Number.NaN, greatest: Number.NaN };
  const hide = (figures: ChannelFigures | undefined) => figures && { ...figures, ...none };
  return isPlace ? { ...one, before: hide(one.before), after: hide(one.after) } : one;
}

function rehearse(asked: unknown, rings: Uint8Array): RehearsalAnswer {
  const { recording, maxBytes, before, after, most } = rehearsalAsked.parse(asked);
  let file: Uint8Array;
  let first: Replayed;
  let old: LoadedConfig;
  try {
    old = loadFlat(before, catalogue);
    file = recording === undefined ? ringsAsRecording(rings, old) : readStart(recording, maxBytes);
    first = replayRecording(file, old);
  } catch (e) {
    return { outcome: "failed", reason: wordsOf(e) };
  }
  let second: Replayed;
  let config: LoadedConfig;
  try {
    config = loadFlat(after, catalogue);
    second = replayRecording(file, config);
  } catch (e) {
    return { outcome: "threw", reason: wordsOf(e) };
  }
  if (first.rows.length + second.rows.length === 0) return { outcome: "failed", reason: "no row came of it" };
  const c = compareReplays(first, second);
  const objection = objectionTo(c, file, config);
  if (objection !== undefined) return { outcome: "useless", reason: objection };
  const { head, fromMs, toMs, unread } = second;
  const seconds = (toMs - fromMs) / 1000;
  const otherwise = setOtherwise(old, config);
  const columns = c.columns.filter((column) => column.differing > 0).length;
  const { onlyFirst, onlySecond, vanished, appeared } = c;
  const counts = `${columns} columns differ, ${onlyFirst.length} go, ${onlySecond.length} come; ${vanished.length} events are gone, ${appeared.length} are new`;
  const said: Comparison = { ...c, channels: c.channels.map((channel) => withoutPlace(channel, old, config)) };
  const source = recording === undefined ? "what the rings held" : `recorded by ${head.unit} on ${head.machine}`;
  const lines = [
    `${source}, ${seconds.toFixed(1)} s${unread === 0 ? "" : "; the rest of the file was not read"}`,
    ...(second.notRecorded.length === 0 ? [] : [`  not in the recording: ${second.notRecorded.join(", ")}`]),
    ...(otherwise.length === 0
      ? []
      : [`  set up otherwise, so that its samples would be others: ${otherwise.join(", ")}`]),
    ...explainComparison(said, fromMs),
  ];
  const more = lines.length - most;
  return {
    outcome: "compared",
    summary: `${seconds.toFixed(0)} s of ${recording === undefined ? "the rings" : "recording"}: ${counts}`,
    lines: more > 0 ? [...lines.slice(0, most - 1), `  and ${more + 1} lines more`] : lines,
  };
}

stepBack();
const all = await buffer(process.stdin);
const end = all.indexOf("\n");
process.stdout.write(JSON.stringify(rehearse(JSON.parse(all.subarray(0, end).toString()), all.subarray(end + 1))));
