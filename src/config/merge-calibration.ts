import { Document, isMap, isScalar, parseDocument } from "yaml";
import type { ChannelCalibration, LeverArm } from "./calibration.ts";

/** What a calibration changes in a unit file. */
export interface NewCalibration {
  readonly channels?: Readonly<Record<string, ChannelCalibration>>;
  readonly leverArm?: LeverArm;
  /** A number elsewhere in the file, such as the pulses of a part. */
  readonly option?: { readonly path: readonly string[]; readonly value: number };
}

/** Lists of numbers, such as points, stand in one line. */
function nodeOf(doc: Document, value: unknown): unknown {
  const node = doc.createNode(value);
  if (isMap(node)) {
    const points = node.get("points", true);
    if (points !== undefined && typeof points === "object" && points !== null && "flow" in points) points.flow = true;
  }
  return node;
}

function setAll(doc: Document, below: readonly string[], { channels = {}, leverArm }: NewCalibration): void {
  // A key with nothing behind it is no map to put things into.
  for (const path of [below, [...below, "channels"]])
    if (doc.hasIn(path) && !isMap(doc.getIn(path, true))) doc.deleteIn(path);
  for (const [column, value] of Object.entries(channels)) doc.setIn([...below, "channels", column], nodeOf(doc, value));
  if (leverArm !== undefined) doc.setIn([...below, "leverArm"], nodeOf(doc, leverArm));
  const section = doc.getIn(below, true);
  // `calibration: {}` in one line would otherwise put everything into that line.
  if (isMap(section)) section.flow = false;
  const inner = doc.getIn([...below, "channels"], true);
  if (isMap(inner)) inner.flow = false;
}

/**
 * The text of a unit file with a calibration merged into it. Everything else stays as it was written, to the letter: comments,
 * spacing, order. Throws `SyntaxError` for a text that is no YAML map.
 */
export function mergeCalibration(text: string, added: NewCalibration): string {
  const doc = parse(text);
  if (!isMap(doc.contents)) throw new SyntaxError("expected a map of keys");
  let merged = text;
  if (added.option !== undefined) merged = withOption(merged, added.option);
  const lines = merged.split("\n");
  const from = lines.findIndex((line) => /^calibration\s*:/.test(line));
  if (doc.contents.flow === true || (from < 0 && doc.has("calibration"))) {
    // Written in an unusual form: the whole file is written anew, comments kept.
    const whole = parse(merged);
    setAll(whole, ["calibration"], added);
    return whole.toString({ lineWidth: 0 });
  }
  if (from < 0) {
    const section = new Document({ calibration: {} });
    setAll(section, ["calibration"], added);
    return `${merged.replace(/\n*$/, "\n")}\n${section.toString({ lineWidth: 0 })}`;
  }
  // The section ends before the next key at the margin; comments at the margin above that key are that key's.
  let to = lines.findIndex((line, i) => i > from && /^[^\s#]/.test(line));
  if (to < 0) to = lines.length;
  while (to > from + 1 && /^(#|\s*$)/.test(lines[to - 1] ?? "")) to--;
  const section = parse(`${lines.slice(from, to).join("\n")}\n`);
  setAll(section, ["calibration"], added);
  const written = section.toString({ lineWidth: 0 }).replace(/\n$/, "");
  return [...lines.slice(0, from), written, ...lines.slice(to)].join("\n");
}

function parse(text: string): Document {
  const doc = parseDocument(text, { version: "1.2", schema: "core", merge: false });
  const [error] = doc.errors;
  if (error !== undefined) throw new SyntaxError(error.message.split("\n")[0] ?? "not YAML");
  return doc;
}

/** One number changed where it stands; where the file has it not (a profile has), it is added. */
function withOption(text: string, { path, value }: NonNullable<NewCalibration["option"]>): string {
  const doc = parse(text);
  const node = doc.getIn(path, true);
  if (isScalar(node) && node.range) return text.slice(0, node.range[0]) + String(value) + text.slice(node.range[1]);
  doc.setIn(path, value);
  return doc.toString({ lineWidth: 0 });
}
