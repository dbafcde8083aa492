import type { Severity } from "./record.ts";

/** Every alarm that a unit can raise by itself, with what it means and what to do. Limits add their own names. */
export const ALERTS = {
  source_failed: {
    severity: "alarm",
    text: "A part does not answer; its channels have no values.",
    todo: "Check its power, wiring and address; its counters in `health` say how it fails.",
  },
  source_degraded: {
    severity: "warning",
    text: "A part answers with errors.",
    todo: "Look at its counters in `health`: connectors and shielding first.",
  },
  sampler_away: {
    severity: "alarm",
    text: "Nothing is measured: the acquisition process is being started again.",
    todo: "When it lasts, read the unit's log.",
  },
  spool_degraded: {
    severity: "warning",
    text: "The spool is durable, but something is wrong with the card or records are dropped for want of room.",
    todo: "Check the card and the link.",
  },
  spool_failed: {
    severity: "alarm",
    text: "The card takes no records; the newest are kept in memory and are lost with the power.",
    todo: "Change the card.",
  },
  undervoltage: {
    severity: "warning",
    text: "The supply of the Pi is too low.",
    todo: "Check the converter and its wiring under load.",
  },
  ignition_unknown: {
    severity: "warning",
    text: "Nothing usable says whether the ignition is on: the unit will not switch its computer off in order.",
    todo: "Check the channel of power.ignition and its wire; while power.ignition.unless says that the machine runs, the wire is broken.",
  },
  power_off_failed: {
    severity: "warning",
    text: "The ignition is off, and the computer was not switched off: it goes on until the supply ends.",
    todo: "Install the service that switches it off (scripts/install.sh), and look at what it wrote: journalctl -u swath-power-off.",
  },
  wrong_machine: {
    severity: "alarm",
    text: "The memory on the harness says that this is another machine than the configuration does.",
    todo: "Flash the configuration for this machine (--moved-from); what was measured meanwhile is of the wrong machine.",
  },
  cloned_identity: {
    severity: "alarm",
    text: "Another client uses the identity of this unit at the broker.",
    todo: "Find the second unit with this identity and give it its own.",
  },
  clock_untrusted: {
    severity: "warning",
    text: "UTC is unknown: records carry only the time since boot until a receiver or a time server answers.",
    todo: "Check the receiver's antenna and the link; earlier records of this boot are dated when time is known.",
  },
  clock_in_the_past: {
    severity: "alarm",
    text: "The computer's clock is before a time that has certainly passed: certificates may seem not valid yet.",
    todo: "Set the clock, or install the service that sets it at boot (docs/maintainer.md).",
  },
  certificate_expiring: {
    severity: "warning",
    text: "The certificate of this unit expires within 30 days.",
    todo: "Renew it: scripts/provision renew.",
  },
  certificate_expired: {
    severity: "alarm",
    text: "The certificate of this unit has expired: the broker will not let it in.",
    todo: "Renew it: scripts/provision renew.",
  },
} as const satisfies Record<string, { severity: Severity; text: string; todo: string }>;

export type AlertName = keyof typeof ALERTS;
