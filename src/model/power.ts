/**
 * The ignition as it is sensed: `leaving` is off, but not yet for long enough; `unknown` means that no usable sample comes, or
 * that the machine plainly runs. Only `off` ever makes the unit switch its computer off.
 */
export const IGNITION = ["on", "leaving", "off", "unknown"] as const;
export type Ignition = (typeof IGNITION)[number];

/** How long the unit takes, at the most, to make its last rows durable and to ask for the power to be switched off, in ms. */
export const COMMIT_LIMIT_MS = 2000;
/** How long that request may wait for whoever switches the power off, in ms. */
export const TAKEN_LIMIT_MS = 2000;
/** How long an orderly stop may take before it is cut off, in ms. */
export const STOP_LIMIT_MS = 3000;

/** Where a wind-down is: at work, winding down, the request waits, the computer is being switched off, or that failed. */
export const WIND_DOWN = ["none", "winding", "asked", "going", "stayed"] as const;
export type WindDownStep = (typeof WIND_DOWN)[number];
