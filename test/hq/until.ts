/** Waits until `check` gives something other than undefined or false, asking again every 20 ms. */
export async function until<T>(what: string, check: () => T | Promise<T>, timeoutMs = 8_000): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const got = await check();
    if (got !== undefined && got !== null && got !== false) return got as NonNullable<T>;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
