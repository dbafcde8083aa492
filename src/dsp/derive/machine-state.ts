import { z } from "zod";
import type { Block } from "../../model/block.ts";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { type Aligned, type Derivation, defineDerivation, type InputRole, takeTimes } from "./derivation.ts";
import { channelRef, maxAge } from "./params.ts";

/** What a machine does, by code: the value of the channel. */
export const MACHINE_STATES = ["off", "idle", "transit", "working", "stalled"] as const;
const [OFF, IDLE, TRANSIT, WORKING, STALLED] = [0, 1, 2, 3, 4] as const;
const CODES = MACHINE_STATES.length;

const ms = (about: string, standard: number) => z.int().min(0).max(600_000).default(standard).describe(about);
const params = z
  .strictObject({
    rotor: channelRef("speed of the rotor; it leads"),
    engine: channelRef("speed of the engine").optional(),
    load: channelRef("a load that says that the rotor is driven (pressure, current)").optional(),
    depth: channelRef("depth of the tool below ground").optional(),
    speed: channelRef("ground speed").optional(),
    engineRunsRpm: z.number().positive().default(400).describe("below this the engine is off"),
    rotorWorksRpm: z.number().positive().describe("from this on the rotor does its work"),
    rotorStandsRpm: z.number().positive().describe("below this it stands; with the tool in the ground it has stalled"),
    loadDrives: z
      .number()
      .positive()
      .optional()
      .describe("a rotor that stands under more load than this has stalled, at any depth"),
    depthWorksM: z.number().default(0.02).describe("from this depth on the tool is in the ground"),
    movesMps: z.number().positive().default(0.1).describe("from this speed on the machine moves"),
    holdMs: ms("how long a state must last before it is told", 2000),
    stallHoldMs: ms("the same for stalled", 500),
    ...maxAge,
  })
  .refine((p) => p.rotorStandsRpm < p.rotorWorksRpm, {
    path: ["rotorStandsRpm"],
    message: "expected less than rotorWorksRpm",
  })
  .refine((p) => (p.loadDrives === undefined) === (p.load === undefined), {
    path: ["loadDrives"],
    message: "expected with load, and only there",
  });

/** The inputs in the order of the alignment, with what each may measure. */
const INPUTS = {
  rotor: ["rotation"],
  engine: ["rotation"],
  load: ["pressure", "current", "power", "ratio"],
  depth: ["length"],
  speed: ["speed"],
} as const;

function roles(p: z.output<typeof params>): InputRole[] {
  return Object.entries(INPUTS).flatMap(([key, quantities]) => {
    const channel = p[key as keyof typeof INPUTS];
    return channel === undefined ? [] : [{ key, channel, quantities }];
  });
}

export const machineState = defineDerivation({
  name: "machine_state",
  summary: `What the machine does, as a code: ${MACHINE_STATES.map((s, i) => `${i} ${s}`).join(", ")}. One that lasted for its hold counts.`,
  equation:
    "off: engine < runs · stalled: rotor < stands and (depth ≥ works or load > drives) · working: rotor ≥ works and depth ≥ works · transit: speed ≥ moves · idle: else",
  marked:
    "A rule whose inputs have no usable value is not decided; where the state hangs on it, the state is missing after its hold. A stale input decides nothing.",
  params,
  roles,
  plan(p, inputs) {
    for (const [i, role] of roles(p).entries()) {
      const { range, name, unit } = inputs[i]!;
      const needs = {
        rotor: p.rotorWorksRpm,
        engine: p.engineRunsRpm,
        load: p.loadDrives,
        depth: p.depthWorksM,
        speed: p.movesMps,
      };
      const need = needs[role.key as keyof typeof INPUTS];
      if (need !== undefined && need >= range[1])
        return { error: `${name} reaches ${range[1]} ${unit}, and never ${need}`, key: role.key };
    }
    return {
      spec: { unit: "1", range: [0, CODES - 1], resolution: 1, codes: MACHINE_STATES },
      create: () =>
        new Classifier(
          p,
          Object.keys(INPUTS).map((key) => roles(p).findIndex((r) => r.key === key)),
        ),
    };
  },
});

const UNKNOWN = -1;
const NOT_SEEN = UNUSABLE | QUALITY.stale;

class Classifier implements Derivation {
  readonly #p: z.output<typeof params>;
  /** Place of each of `INPUTS` in the alignment; -1 when it is not configured. */
  readonly #place: readonly number[];
  #state: number = UNKNOWN;
  #next: number = UNKNOWN;
  /** Since when `#next` has been seen (ms). */
  readonly #since = new Float64Array(1).fill(Number.NaN);

  constructor(p: z.output<typeof params>, place: readonly number[]) {
    this.#p = p;
    this.#place = place;
  }

  process(from: Aligned, into: Block): void {
    takeTimes(from, into);
    for (let i = 0; i < from.n; i++) {
      const seen = this.#classify(from, i);
      if (seen !== this.#next) {
        this.#next = seen;
        this.#since[0] = from.t[i]!;
      }
      const hold = seen === STALLED ? this.#p.stallHoldMs : this.#p.holdMs;
      if (this.#next !== this.#state && from.t[i]! - this.#since[0]! >= hold) this.#state = this.#next;
      // Simulated stays simulated; what is worth less of an input that decided nothing is no matter here.
      into.q[i] = (from.q[0]![i]! & QUALITY.simulated) | (this.#state === UNKNOWN ? QUALITY.missing : 0);
      into.x[i] = this.#state === UNKNOWN ? Number.NaN : this.#state;
    }
  }

  reset(): void {
    this.#state = UNKNOWN;
    this.#next = UNKNOWN;
  }

  /** 1 when input `k` is at least `at`, 0 when not, -1 when nobody knows; -2 when there is no such input. */
  #reaches(from: Aligned, i: number, k: number, at: number): number {
    const place = this.#place[k]!;
    if (place < 0) return -2;
    if ((from.q[place]![i]! & NOT_SEEN) !== 0) return -1;
    return from.x[place]![i]! >= at ? 1 : 0;
  }

  #classify(from: Aligned, i: number): number {
    const p = this.#p;
    const runs = this.#reaches(from, i, 1, p.engineRunsRpm);
    if (runs === 0) return OFF;
    const turns = this.#reaches(from, i, 0, p.rotorStandsRpm);
    const works = this.#reaches(from, i, 0, p.rotorWorksRpm);
    const inGround = this.#reaches(from, i, 3, p.depthWorksM);
    const driven = this.#reaches(from, i, 2, p.loadDrives ?? 0);
    // Without any sign of an engine, a rotor that turns is the sign.
    if (runs === -1 || turns < 0) return UNKNOWN;
    if (turns === 0 && (driven === 1 || inGround === 1)) return STALLED;
    if (works === 1 && (inGround === 1 || inGround === -2)) return WORKING;
    if (works === 1 && inGround === -1) return UNKNOWN;
    const moves = this.#reaches(from, i, 4, p.movesMps);
    if (moves === 1) return TRANSIT;
    return moves === -1 ? UNKNOWN : IDLE;
  }
}
