/** What waits in the outbox. */
interface Kept {
  readonly number: number;
  readonly monoMs: number;
  readonly bytes: Uint8Array;
}

/**
 * Numbered frames that the unit has not acknowledged as durable yet, in order. Holds at least `holdMs` of frames; what
 * falls out beyond that is reported through `lost` as the span of time it covered, so that the hole can be recorded.
 */
export interface Outbox {
  /** Numbers and keeps a frame; returns its number. */
  add(monoMs: number, encode: (number: number) => Uint8Array): Uint8Array;
  ack(upTo: number): void;
  /** The oldest kept frame numbered above `number`, or undefined. */
  after(number: number): { readonly number: number; readonly bytes: Uint8Array } | undefined;
  readonly length: number;
  readonly firstKept: number;
  /** Frames that fell out unacknowledged since the start. */
  readonly lost: number;
}

export function createOutbox(options: {
  readonly holdMs: number;
  readonly maxBytes: number;
  readonly onLost: (fromMs: number, toMs: number) => void;
}): Outbox {
  let kept: Kept[] = [];
  let bytes = 0;
  let next = 1;
  let lost = 0;

  function drop(nowMs: number): void {
    let drops = 0;
    while (drops < kept.length - 1 && (nowMs - kept[drops]!.monoMs > options.holdMs || bytes > options.maxBytes)) {
      bytes -= kept[drops]!.bytes.length;
      drops++;
    }
    if (drops === 0) return;
    const from = kept[0]!.monoMs;
    const to = kept[drops]!.monoMs;
    kept = kept.slice(drops);
    lost += drops;
    options.onLost(from, to);
  }

  return {
    add(monoMs, encode) {
      const number = next++;
      const frame = encode(number);
      kept.push({ number, monoMs, bytes: frame });
      bytes += frame.length;
      drop(monoMs);
      return frame;
    },
    ack(upTo) {
      let i = 0;
      while (i < kept.length && kept[i]!.number <= upTo) bytes -= kept[i++]!.bytes.length;
      if (i > 0) kept = kept.slice(i);
    },
    after(number) {
      // Numbers are consecutive, so the place is known.
      const first = kept[0];
      return first === undefined ? undefined : kept[Math.max(0, number + 1 - first.number)];
    },
    get length() {
      return kept.length;
    },
    get firstKept() {
      return kept[0]?.number ?? next;
    },
    get lost() {
      return lost;
    },
  };
}
