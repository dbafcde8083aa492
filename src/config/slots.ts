import { type PublicKey, parsePublicKey } from "../codec/minisign.ts";
import { type Binding, BUNDLE_MAX_BYTES, misfit, type OpenedBundle, openBundle } from "./bundle.ts";
import { type ReadFiles, readCapped, replaceFile } from "./slot-files.ts";
import { beginRun, type SlotName, type SlotState, slotNames, slotState, type Verdict } from "./trial.ts";

const STATE_FILE = "slots.json";

/** What to run now. */
export interface Running extends OpenedBundle {
  readonly slot: SlotName;
  readonly trial: boolean;
}

/** What became of a bundle that was offered. */
export type Taken =
  | { readonly taken: "trial" | "first" | "moved" | "again"; readonly serial: number; readonly reason: string }
  | { readonly taken: "refused"; readonly serial?: number; readonly reason: string };

/**
 * Two places for a signed configuration and one small file that says which of them runs. A slot is the bundle itself, so
 * that what runs is verified at every start; the small file is replaced whole. Power may be cut at any instant: the one
 * or the other configuration runs, never a mixture.
 */
export async function openSlots(options: {
  readonly dir: string;
  readonly files: ReadFiles;
  /** Keys that came with the unit. */
  readonly keys: readonly PublicKey[];
  /** Says whether what is in a bundle can be used; its reason when not. */
  readonly usable: (opened: OpenedBundle) => string | undefined;
  /** Tries a usable one on what was recorded, before it is stored beside one that runs; why not, when it must not run. */
  readonly rehearse?: (opened: OpenedBundle, active: OpenedBundle) => Promise<string | undefined>;
}) {
  const { dir, files, keys, usable } = options;
  await files.mkdir(dir);
  const kept = new Map<SlotName, OpenedBundle>();
  const everyKey = (state: SlotState | undefined) => [
    ...keys,
    ...(state?.successors ?? []).flatMap(({ key }) => parsePublicKey(key) ?? []),
  ];
  let state: SlotState | undefined;
  const stateBytes = await readCapped(files, `${dir}/${STATE_FILE}`, BUNDLE_MAX_BYTES);
  if (stateBytes !== undefined) state = parseState(stateBytes);
  for (const slot of slotNames) {
    const bytes = await readCapped(files, `${dir}/${slot}.swath`, BUNDLE_MAX_BYTES);
    const opened = bytes === undefined ? undefined : openBundle(bytes, everyKey(state));
    if (opened !== undefined && !("refused" in opened)) kept.set(slot, opened);
  }
  if (state === undefined && kept.size > 0) {
    // The small file is damaged: the newest configuration that can still be read is the best guess there is.
    const [newest] = [...kept].sort(([, a], [, b]) => b.bundle.serial - a.bundle.serial);
    const slot = newest?.[0] ?? "a";
    const { serial = 0, machine } = newest?.[1].bundle ?? {};
    const on = machine === undefined ? {} : { machine };
    state = { v: 1, active: slot, serial, ...on, successors: [], retired: [] };
  }
  // What it did on another machine would be told as of this one.
  for (const [slot, { bundle }] of kept)
    if (state?.machine !== undefined && bundle.machine !== state.machine) kept.delete(slot);

  async function put(next: SlotState): Promise<void> {
    await replaceFile(files, dir, STATE_FILE, Buffer.from(JSON.stringify(slotState.parse(next))));
    state = next;
  }

  /** Keys that new bundles may be signed with. */
  const trusted = () => everyKey(state).filter((k) => !(state?.retired ?? []).includes(k.id));
  const other = (slot: SlotName): SlotName => (slot === "a" ? "b" : "a");

  const slots = {
    get state(): SlotState | undefined {
      return state;
    },
    /** The configuration that counts when no trial runs. */
    get active(): OpenedBundle | undefined {
      return state === undefined ? undefined : kept.get(state.active);
    },
    /** What lies in a slot. */
    kept: (slot: SlotName): OpenedBundle | undefined => kept.get(slot),
    get trustedKeys(): readonly string[] {
      return trusted().map((k) => k.id);
    },

    /** Decides what runs from now on, before it runs: a run that ends without a word counts against a trial. */
    async begin(boot: string): Promise<Running | undefined> {
      if (state === undefined) return undefined;
      const { next, reverted } = beginRun(state, boot, (slot) => kept.has(slot));
      if (next !== state) await put(next);
      const slot = next.trial?.slot ?? next.active;
      const opened = kept.get(slot) ?? kept.get(other(slot));
      if (opened === undefined) return undefined;
      const found = kept.has(slot) ? slot : other(slot);
      return { ...opened, slot: found, trial: reverted === undefined && next.trial?.slot === found };
    },

    /** The run that began last has ended in order. */
    async end(): Promise<void> {
      if (state?.trial !== undefined) await put({ ...state, trial: { ...state.trial, orderly: true } });
    },

    /** Looks at a bundle that came in; when it is right it lies in the other slot, and the next run is its trial. */
    async offer(
      bytes: Buffer,
      now: { readonly timeMs: number; readonly timeTrusted: boolean; readonly boot: string },
      before: { readonly connected: boolean; readonly absent: readonly string[] },
    ): Promise<Taken> {
      const opened = openBundle(bytes, trusted());
      if ("refused" in opened) return { taken: "refused", reason: opened.refused };
      const { bundle } = opened;
      const { serial } = bundle;
      const active = slots.active?.bundle;
      if (active !== undefined && active.serial === serial && JSON.stringify(active) === JSON.stringify(bundle)) {
        if (state?.trial === undefined) return { taken: "again", serial, reason: `serial ${serial} runs already` };
      }
      const failed = state?.last?.serial === serial && state.last.outcome === "reverted" ? state.last : undefined;
      if (failed !== undefined)
        return { taken: "refused", serial, reason: `serial ${serial} was tried and taken back: ${failed.reason}` };
      const floorMs = active === undefined ? 0 : Date.parse(active.made);
      const binding: Binding = {
        // A unit without any is wherever its first one says that it was.
        ...(active ?? { ...bundle, machine: bundle.movedFrom ?? bundle.machine }),
        serial: state?.serial ?? 0,
        timeMs: now.timeTrusted ? now.timeMs : floorMs,
        timeTrusted: now.timeTrusted,
      };
      const why = state?.trial !== undefined ? "a trial runs, and one at a time is enough" : misfit(bundle, binding);
      const unusable = why ?? usable(opened);
      if (unusable !== undefined) return { taken: "refused", serial, reason: unusable };
      const current = slots.active;
      const movedFrom = active !== undefined && active.machine !== bundle.machine ? active.machine : undefined;
      // What was recorded on another machine says nothing about this one.
      const spoilt =
        current === undefined || movedFrom !== undefined ? undefined : await options.rehearse?.(opened, current);
      if (spoilt !== undefined) return { taken: "refused", serial, reason: spoilt };
      const slot: SlotName = active === undefined || state === undefined ? "a" : other(state.active);
      await replaceFile(files, dir, `${slot}.swath`, bytes);
      kept.set(slot, opened);
      const base = state ?? { v: 1 as const, active: slot, serial: 0, successors: [], retired: [] };
      if (active === undefined) {
        await put(committed({ ...base, active: slot, serial }, opened, `serial ${serial} is the first one here`));
        return { taken: "first", serial, reason: `serial ${serial} is the first one here` };
      }
      if (movedFrom !== undefined) {
        // No trial: to go back would be to measure this machine as the other one.
        const reason = `the unit was moved from machine ${movedFrom} to ${bundle.machine}`;
        await put(committed({ ...base, active: slot, serial }, opened, reason));
        // The slot is not read any more either way; with the same in both, no damage of one brings the other machine back.
        kept.set(other(slot), opened);
        await replaceFile(files, dir, `${other(slot)}.swath`, bytes).catch(() => undefined);
        return { taken: "moved", serial, reason };
      }
      const trial = { slot, serial, boot: now.boot, boots: 0, crashes: 0, orderly: true, ...before };
      await put({ ...base, serial, trial: { ...trial, absent: [...before.absent] } });
      return { taken: "trial", serial, reason: `serial ${serial} is tried now` };
    },

    /** Ends the trial that runs. */
    async conclude(verdict: Verdict): Promise<void> {
      const trial = state?.trial;
      const opened = trial === undefined ? undefined : kept.get(trial.slot);
      if (state === undefined || trial === undefined || opened === undefined) return;
      const { trial: _, ...rest } = state;
      if (verdict.outcome === "committed")
        await put(committed({ ...rest, active: trial.slot }, opened, verdict.reason));
      else await put({ ...rest, last: { serial: trial.serial, ...verdict, told: false } });
    },

    /** What became of the last bundle is a record now. */
    async told(): Promise<void> {
      if (state?.last !== undefined && !state.last.told) await put({ ...state, last: { ...state.last, told: true } });
    },
  };
  return slots;
}

export type Slots = Awaited<ReturnType<typeof openSlots>>;

/** With a commit the bundle's successor is trusted, and the key whose successor signed it is not any more. */
function committed(state: SlotState, { bundle, keyId }: OpenedBundle, reason: string): SlotState {
  const by = state.successors.filter(({ key }) => parsePublicKey(key)?.id === keyId).map((s) => s.by);
  const successor = bundle.successor;
  const isNew = successor !== undefined && !state.successors.some((s) => s.key === successor);
  return {
    ...state,
    machine: bundle.machine,
    successors: isNew ? [...state.successors, { key: successor, by: keyId }].slice(-8) : state.successors,
    retired: [...new Set([...state.retired, ...by])].slice(-32),
    last: { serial: bundle.serial, outcome: "committed", reason, told: false },
  };
}

function parseState(bytes: Buffer): SlotState | undefined {
  try {
    return slotState.safeParse(JSON.parse(bytes.toString("utf8"))).data;
  } catch {
    return undefined;
  }
}
