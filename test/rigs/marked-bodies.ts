/** A body that tells its id and length, with noise that only this id has. */
export function bodyOf(id: number, bytes: number): Buffer {
  const body = Buffer.allocUnsafe(bytes);
  body.writeUIntLE(id, 0, 6);
  body.writeUIntLE(bytes, 6, 6);
  let x = (id * 2654435761) >>> 0;
  for (let i = 12; i < bytes; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    body[i] = x >>> 24;
  }
  return body;
}

/** The id of an untorn body, -1 of any other. */
export function idOf(body: Uint8Array): number {
  if (body.length < 12) return -1;
  const b = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (b.readUIntLE(6, 6) !== b.length) return -1;
  const id = b.readUIntLE(0, 6);
  let x = (id * 2654435761) >>> 0;
  for (let i = 12; i < b.length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    if (b[i] !== x >>> 24) return -1;
  }
  return id;
}
