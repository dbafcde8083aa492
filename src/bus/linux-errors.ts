import type { ErrorCode } from "../model/errors.ts";

/**
 * What a Linux error number means, while opening and while transferring. Numbers, because a part that does not acknowledge
 * on a Raspberry Pi arrives as errno 121 with an empty `code`. The numbers are those of asm-generic (x86, arm, arm64).
 */
export const LINUX_ERRORS = {
  1: { errno: "EPERM", open: "bus/denied", transfer: "bus/denied" },
  2: { errno: "ENOENT", open: "bus/absent", transfer: "bus/absent" },
  5: { errno: "EIO", open: "bus/io", transfer: "bus/io" },
  6: { errno: "ENXIO", open: "bus/absent", transfer: "bus/no-ack" },
  9: { errno: "EBADF", open: "bus/closed", transfer: "bus/closed" },
  11: { errno: "EAGAIN", open: "bus/busy", transfer: "bus/arbitration" },
  13: { errno: "EACCES", open: "bus/denied", transfer: "bus/denied" },
  16: { errno: "EBUSY", open: "bus/busy", transfer: "bus/busy" },
  19: { errno: "ENODEV", open: "bus/absent", transfer: "bus/no-ack" },
  25: { errno: "ENOTTY", open: "bus/unsupported", transfer: "bus/unsupported" },
  71: { errno: "EPROTO", open: "bus/io", transfer: "bus/io" },
  74: { errno: "EBADMSG", open: "bus/crc", transfer: "bus/crc" },
  95: { errno: "EOPNOTSUPP", open: "bus/unsupported", transfer: "bus/unsupported" },
  110: { errno: "ETIMEDOUT", open: "bus/timeout", transfer: "bus/timeout" },
  121: { errno: "EREMOTEIO", open: "bus/no-ack", transfer: "bus/no-ack" },
} as const satisfies Record<number, { errno: string; open: ErrorCode; transfer: ErrorCode }>;

type KnownErrno = keyof typeof LINUX_ERRORS;

/** The error number of what a system call threw, positive as in `errno.h`; 0 when it carries none. */
export function errnoOf(e: unknown): number {
  if (typeof e !== "object" || e === null || !("errno" in e) || typeof e.errno !== "number") return 0;
  return Math.abs(e.errno);
}

/** The code for what a system call threw: by its number and by whether it was opening; unknown numbers are `bus/io`. */
export function linuxErrorCode(e: unknown, stage: "open" | "transfer"): ErrorCode {
  const errno = errnoOf(e);
  return errno in LINUX_ERRORS ? LINUX_ERRORS[errno as KnownErrno][stage] : "bus/io";
}

/** `EREMOTEIO (121)`: the number by name, for messages. */
export function errnoName(e: unknown): string {
  const errno = errnoOf(e);
  if (errno === 0) return e instanceof Error ? e.message : String(e);
  return errno in LINUX_ERRORS ? `${LINUX_ERRORS[errno as KnownErrno].errno} (${errno})` : `errno ${errno}`;
}
