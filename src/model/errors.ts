/** What a caller should do about an error: try again at once, try again later, or not at all. */
export type Retry = "now" | "later" | "never";

/**
 * Every error code of the product with what it means and what to do. `docs/errors.md` is generated from this table.
 * `config/*` refuses to start (exit 78); `bus/*` and `device/*` degrade one source; `link/*` lets the spool grow;
 * `spool/*` drops by policy and records it; `internal/*` logs, flushes and exits.
 */
export const ERRORS = {
  "config/unreadable": {
    retry: "never",
    means: "The configuration file cannot be read.",
    todo: "Check the path and the permissions.",
  },
  "config/syntax": {
    retry: "never",
    means: "The file is not valid YAML.",
    todo: "Mend the line named in the message.",
  },
  "config/unknown-key": {
    retry: "never",
    means: "A key is not part of the configuration.",
    todo: "Use the nearest right name in the message, or remove the key.",
  },
  "config/invalid": {
    retry: "never",
    means: "A value is not what its key expects.",
    todo: "Write a value of the kind named in the message.",
  },
  "config/conflict": {
    retry: "never",
    means: "Two parts of the configuration contradict each other.",
    todo: "Change one of the two places named in the message.",
  },
  "bus/no-ack": {
    retry: "later",
    means: "No part answers at this address.",
    todo: "Check power, wiring and the address.",
  },
  "bus/timeout": {
    retry: "later",
    means: "A transfer did not end in time.",
    todo: "Check for a part that stretches the clock, and for wet connectors.",
  },
  "bus/arbitration": {
    retry: "now",
    means: "Another master took the bus.",
    todo: "There must be one master on this bus.",
  },
  "bus/busy": {
    retry: "later",
    means: "The bus is held low, or the kernel owns the address.",
    todo: "Unload the kernel driver for this address or clear the bus.",
  },
  "bus/io": { retry: "now", means: "The transfer failed on the wire.", todo: "Check shielding, length and pull-ups." },
  "bus/crc": { retry: "now", means: "A checksum did not match.", todo: "Check shielding and length." },
  "bus/unsupported": {
    retry: "never",
    means: "The bus driver cannot do this kind of transfer.",
    todo: "Use another bus driver.",
  },
  "bus/absent": {
    retry: "later",
    means: "The bus or port is not there.",
    todo: "Check the name, the cable and the udev rule.",
  },
  "bus/denied": {
    retry: "later",
    means: "No permission to open the bus or port.",
    todo: "Add the user to the groups i2c and dialout.",
  },
  "bus/addon": {
    retry: "never",
    means: "The native addon for this kind of bus is not installed.",
    todo: "Run npm install where a compiler is present, or use a prepared archive.",
  },
  "bus/closed": {
    retry: "later",
    means: "The port was closed, or the cable was pulled.",
    todo: "Plug it in again; it is reopened without help.",
  },
  "device/stranger": {
    retry: "later",
    means: "Another part answers at this address.",
    todo: "Fit the part that the configuration names, or change the configuration.",
  },
  "device/readback": {
    retry: "now",
    means: "A register did not keep what was written.",
    todo: "Check the supply of the part.",
  },
  "device/brown-out": {
    retry: "now",
    means: "The part lost its settings while running.",
    todo: "Check the supply of the part.",
  },
  "device/stuck": { retry: "later", means: "The part repeats one value.", todo: "Replace the part or its cable." },
  "link/refused": {
    retry: "later",
    means: "The broker refused the connection.",
    todo: "Check user, password and access list at the broker.",
  },
  "link/down": { retry: "later", means: "The broker cannot be reached.", todo: "Check network, name and port." },
  "link/protocol": {
    retry: "later",
    means: "The broker broke the protocol or does not speak this version.",
    todo: "Check the broker's version and settings.",
  },
  "link/untrusted": {
    retry: "later",
    means: "The broker's certificate is not accepted: another authority, another name, or outside its dates.",
    todo: "Check the broker's certificate, the name in the address, and the time of the unit.",
  },
  "link/quota": {
    retry: "later",
    means: "The broker takes no more messages for now.",
    todo: "Check quotas and disk at the broker; the records wait in the spool.",
  },
  "link/cloned": {
    retry: "later",
    means: "Another client uses the identity of this unit and takes its place at the broker.",
    todo: "Find the second unit with this identity and give it its own.",
  },
  "link/unbelieved": {
    retry: "never",
    means: "A message that says it is from HQ is not believed.",
    todo: "Check HQ's public key in the unit's configuration, and who may write to the unit's topics at the broker.",
  },
  "link/sampler": {
    retry: "now",
    means: "The sampler process ended or stopped answering.",
    todo: "It is restarted; look at the log lines before this one.",
  },
  "spool/unwritable": {
    retry: "later",
    means: "The disk does not take records.",
    todo: "Check the card; records are kept in memory meanwhile.",
  },
  "spool/in-use": {
    retry: "later",
    means: "Another unit is running on this spool.",
    todo: "Stop the other one first: systemctl stop swath, or end the swath run in the other terminal.",
  },
  "spool/full": {
    retry: "later",
    means: "The spool has reached its limit.",
    todo: "Bring the link up, or give the spool more room.",
  },
  "spool/corrupt": {
    retry: "never",
    means: "Stored bytes do not match their checksum.",
    todo: "Check the card; the loss is recorded as a gap.",
  },
  "internal/bug": {
    retry: "never",
    means: "The program found itself in a state that cannot be.",
    todo: "Report the log.",
  },
} as const satisfies Record<string, { retry: Retry; means: string; todo: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** The one error class. The message says what, where, got, expected; the table says what it means and what to do. */
export class SwathError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "SwathError";
    this.code = code;
  }

  get retry(): Retry {
    return ERRORS[this.code].retry;
  }
}

/** Narrows to a `SwathError`, of one domain (`"bus"`) when given. */
export function isSwathError(e: unknown, domain?: string): e is SwathError {
  return e instanceof SwathError && (domain === undefined || e.code.startsWith(`${domain}/`));
}
