/**
 * Many payloads as one parameter of a statement, which the database cuts apart again with `substring`: nothing is escaped on
 * the way. Starts count from 1, as PostgreSQL does.
 */
export function joinBytes(parts: readonly Uint8Array[]): {
  readonly bytes: Buffer;
  readonly starts: readonly number[];
} {
  let next = 1;
  const starts = parts.map((part) => {
    const start = next;
    next += part.length;
    return start;
  });
  return { bytes: Buffer.concat(parts), starts };
}
