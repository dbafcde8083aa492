import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { type HqStateMessage, hqStateMessage } from "../model/downlink.ts";
import { SwathError } from "../model/errors.ts";
import type { Lane } from "../model/record.ts";
import type { Clock } from "../model/time.ts";
import type { Downlink } from "../uplink/contract.ts";
import { createCommands } from "./commands.ts";
import { type ConfirmedSpool, createConfirmations, type SentMarks } from "./confirmations.ts";
import type { Lanes } from "./lanes.ts";

/** How long HQ's retained watermark may take after the broker has granted the subscription, before sending begins. */
const WATERMARK_MS = 1_500;
/** The same where the broker grants nothing, from the start on. */
const GRANT_MS = 10_000;
const LOOK_MS = 2_000;

/** HQ's public keys. Throws `config/*` for a file that cannot be read or is not an ed25519 public key. */
export function hqKeys(files: readonly string[]): KeyObject[] {
  return files.map((file) => {
    let pem: string;
    try {
      pem = readFileSync(file, "utf8");
    } catch (cause) {
      throw new SwathError("config/unreadable", `hq: ${file} cannot be read`, cause);
    }
    let key: KeyObject;
    try {
      key = createPublicKey(pem);
    } catch (cause) {
      throw new SwathError("config/invalid", `hq: ${file} is not a public key in PEM`, cause);
    }
    const isEd25519 = key.asymmetricKeyType === "ed25519" && !pem.includes("PRIVATE KEY");
    if (isEd25519) return key;
    throw new SwathError("config/invalid", `hq: ${file}: expected an ed25519 public key and nothing private`);
  });
}

/** What HQ says of itself, undefined when it is no such message. */
function hqStateOf(payload: Uint8Array): HqStateMessage["state"] | undefined {
  try {
    return hqStateMessage.safeParse(JSON.parse(Buffer.from(payload).toString())).data?.state;
  } catch {
    return undefined;
  }
}

/**
 * Listens to HQ. When HQ comes online the unit announces itself: some brokers give nothing they keep to HQ's wildcards. With
 * `confirms`, HQ's watermark frees records, and sending begins when the retained one was heard: after a restart it tells what
 * need not be sent again.
 */
export function listenToHq(options: {
  readonly unit: string;
  readonly keys: readonly KeyObject[];
  readonly confirms: boolean;
  readonly spool: ConfirmedSpool;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly marks: SentMarks | undefined;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  readonly announce: () => void;
  readonly commands: Pick<Parameters<typeof createCommands>[0], "utcMs" | "ops" | "memory" | "keep" | "answer">;
}) {
  const { lanes, log, clock } = options;
  const refused = (reason: string) =>
    log.warn({ code: "link/unbelieved", reason }, "a message from HQ is not believed");
  const confirmations = options.confirms ? createConfirmations({ ...options, refused }) : undefined;
  const commands = createCommands({
    ...options,
    ...options.commands,
    refused,
    done: (op, serial, ok, reason) => log.info({ op, serial, ok, reason }, "a command from HQ"),
  });
  let badStates = 0;

  /** HQ's own state. A retained one is from before this connection, at which the unit has announced itself anyway. */
  function hqState(payload: Uint8Array, retained: boolean): void {
    const state = hqStateOf(payload);
    if (state === undefined) {
      badStates += 1;
      if (badStates === 1) refused("hq/state: not a state of HQ");
      return;
    }
    confirmations?.hqState(state === "online");
    if (state === "online" && !retained) options.announce();
  }

  const startMs = clock.monoMs();
  let openAtMs = startMs + GRANT_MS;
  const ticker = setInterval(() => {
    confirmations?.look();
    if (clock.monoMs() >= openAtMs) lanes.open();
  }, LOOK_MS);

  const downlink: Downlink = {
    heard(what, payload, retained) {
      if (what === "ack" && confirmations?.ack(payload, retained)) lanes.open();
      if (what === "cmd") commands.heard(payload, retained).catch((error: unknown) => log.warn({ err: error }, "cmd"));
      if (what === "hq") hqState(payload, retained);
    },
    listening() {
      openAtMs = Math.min(openAtMs, clock.monoMs() + WATERMARK_MS);
    },
  };

  return {
    downlink,
    /** The broker has a lane up to this number. */
    sent: (lane: Lane, upTo: number, id: string): void => confirmations?.sent(lane, upTo, id),
    /** What the next run must know of what was sent. */
    marks: (): SentMarks => confirmations?.marks() ?? {},
    /** What the next run must know of commands. */
    get commands() {
      return commands.memory;
    },
    /** Messages that were not believed. */
    get refused(): number {
      return (confirmations?.refusedCount ?? 0) + commands.refusedCount + badStates;
    },
    stop(): void {
      clearInterval(ticker);
    },
  };
}
