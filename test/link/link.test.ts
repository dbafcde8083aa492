import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createLinkClient } from "../../src/link/client.ts";
import { encodeRow } from "../../src/link/frame.ts";
import { createOutbox } from "../../src/link/outbox.ts";
import { type LinkListener, startLinkServer } from "../../src/link/server.ts";

function rig() {
  const path = join(mkdtempSync(join(tmpdir(), "swath-link-")), "link.sock");
  const outbox = createOutbox({ holdMs: 120_000, maxBytes: 1e8, onLost: () => undefined });
  const hello = () => ({ session: "session-a", pid: 1, config: "00", firstKept: outbox.firstKept });
  const client = createLinkClient({ path, outbox, hello });
  const add = (mono: number) => {
    const row = { table: 0, monoMs: mono, values: new Float64Array(60), q: new Uint16Array(60) };
    outbox.add(mono, (number) => encodeRow(number, row));
    client.pump();
  };
  return { path, outbox, client, add };
}

function listener(rows: number[]): LinkListener {
  return {
    hello: () => undefined,
    row: (row) => rows.push(row.monoMs),
    note: () => undefined,
    status: () => undefined,
    gone: () => undefined,
  };
}

describe("the link between sampler and unit", () => {
  it("sends again what was not acknowledged when the unit comes back, and each row is heard once and in order", async () => {
    const { path, outbox, client, add } = rig();
    const first: number[] = [];
    const a = await startLinkServer({ path, listener: listener(first) });
    for (let i = 0; i < 10; i++) add(i);
    await vi.waitFor(() => expect(first).toHaveLength(10));
    a.ack(6);
    await vi.waitFor(() => expect(outbox.length).toBe(4));
    await a.close();
    for (let i = 10; i < 15; i++) add(i);

    const second: number[] = [];
    const b = await startLinkServer({ path, listener: listener(second), resume: { session: "session-a", number: 8 } });
    await vi.waitFor(() => expect(second).toHaveLength(7), { timeout: 3000 });
    expect(second).toEqual([8, 9, 10, 11, 12, 13, 14]);
    b.ack(15);
    await client.close(1000);
    expect(outbox.length).toBe(0);
    await b.close();
  });

  it("hears no sampler that runs another configuration, and tells of it", async () => {
    const { path, client, add } = rig();
    const heard: number[] = [];
    const others: string[] = [];
    const server = await startLinkServer({
      ...{ path, listener: listener(heard) },
      ...{ config: "11", refused: (config: string) => others.push(config) },
    });
    add(1);
    await vi.waitFor(() => expect(others.length).toBeGreaterThan(0));
    expect(others[0]).toBe("00");
    expect(heard).toEqual([]);
    await server.close();
    const right = await startLinkServer({ path, listener: listener(heard), config: "00" });
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(0));
    await right.close();
    await client.close(0);
  });

  it("does not pile up memory in the socket while the unit does not read", async () => {
    const { path, outbox, client, add } = rig();
    let paused = 0;
    const server = await startLinkServer({
      path,
      listener: { ...listener([]), row: () => paused++ },
    });
    await vi.waitFor(() => expect(client.connected).toBe(true));
    for (let i = 0; i < 20_000; i++) add(i);
    expect(outbox.length).toBe(20_000);
    expect(paused).toBe(0);
    await vi.waitFor(() => expect(paused).toBe(20_000), { timeout: 5000 });
    await server.close();
    await client.close(0);
  });
});
