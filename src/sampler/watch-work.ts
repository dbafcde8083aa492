import { Join, type JoinInput } from "../dsp/derive/join.ts";
import { createJamDetector, type JamSpec } from "../dsp/detect/jam.ts";
import { UNUSABLE } from "../model/quality.ts";
import type { Severity } from "../model/record.ts";
import type { WatchSinks } from "./detectors.ts";
import type { Pipeline } from "./pipeline.ts";

/** A rotor that is held back while it is driven; channels by their place, and how they come. */
export interface JamWatch {
  readonly kind: "jam";
  readonly name: string;
  readonly severity: Severity;
  readonly capture: boolean;
  readonly rotor: JoinInput & { readonly channel: number };
  readonly load: JoinInput & { readonly channel: number };
  readonly jam: JamSpec;
}

/** Changes of a channel whose values are codes, such as the machine's state. */
export interface StateWatch {
  readonly kind: "state";
  readonly name: string;
  readonly severity: Severity;
  readonly capture: boolean;
  readonly channel: number;
  readonly codes: readonly string[];
}

const tenth = (value: number) => Math.round(value * 10) / 10;

export function watchJam(spec: JamWatch, pipelines: readonly Pipeline[], { note, trigger }: WatchSinks): void {
  const { name, rotor, load, jam } = spec;
  const detector = createJamDetector(jam, (c) => {
    const isOver = c.state === "normal";
    note({
      kind: "event",
      mono: c.tMs,
      name,
      severity: isOver ? "info" : spec.severity,
      ...(pipelines[rotor.channel]!.part === "" ? {} : { source: pipelines[rotor.channel]!.part }),
      detail: {
        state: c.state,
        previous: c.previous,
        rotor: tenth(c.rotor),
        load: tenth(c.load),
        rotorLeast: tenth(c.rotorLeast),
        loadGreatest: tenth(c.loadGreatest),
        lastedMs: Math.round(c.tMs - c.sinceMs),
        ...(c.released === undefined ? {} : { released: c.released }),
      },
    });
    if (!isOver && spec.capture) trigger({ name, detector: name, tMs: c.tMs, peak: 0 });
  });
  const join = new Join([rotor, load], detector);
  pipelines[rotor.channel]!.onFiltered((block) => join.accept(0, block));
  pipelines[load.channel]!.onFiltered((block) => join.accept(1, block));
}

/** The word where there is no usable value. */
const UNKNOWN = "unknown";

export function watchState(spec: StateWatch, pipelines: readonly Pipeline[], { note, trigger }: WatchSinks): void {
  const { name, codes } = spec;
  let state = UNKNOWN;
  let sinceMs: number | undefined;

  function turn(to: string, tMs: number): void {
    note({
      kind: "event",
      mono: tMs,
      name,
      severity: spec.severity,
      detail: { state: to, previous: state, lastedMs: sinceMs === undefined ? 0 : Math.round(tMs - sinceMs) },
    });
    if (spec.capture) trigger({ name, detector: name, tMs, peak: 0 });
    state = to;
    sinceMs = tMs;
  }

  pipelines[spec.channel]!.onFiltered((block) => {
    for (let i = 0; i < block.n; i++) {
      const usable = (block.q[i]! & UNUSABLE) === 0;
      const to = usable ? (codes[block.x[i]!] ?? UNKNOWN) : UNKNOWN;
      if (to !== state) turn(to, block.t[i]!);
    }
  });
}
