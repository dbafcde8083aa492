import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** What a link through the proxy suffers. Everything may be changed while it runs. */
export interface LinkFaults {
  /** Added to each direction, ms. */
  latencyMs: number;
  /** What each direction carries, bytes/s. What comes faster waits in the proxy, as it does in a modem. */
  bytesPerS: number;
  /** Nothing passes and nothing is closed: a half-open link. */
  blackHole: boolean;
  /** New connections are closed at once. */
  refuse: boolean;
  /** Bytes (both directions together) after which a connection is cut; asked once per connection. */
  cutAfterBytes: (() => number) | undefined;
}

/** A TCP proxy that damages the link. */
export interface TcpProxy {
  readonly port: number;
  readonly faults: LinkFaults;
  readonly connections: number;
  readonly cuts: number;
  readonly bytes: number;
  /** Cuts every connection that stands, without a goodbye. */
  cutAll(): void;
  close(): Promise<void>;
}

const SEGMENT_BYTES = 1_460;

/** Starts a proxy to a port of the loopback. */
export async function startTcpProxy(targetPort: number, faults: Partial<LinkFaults> = {}): Promise<TcpProxy> {
  const state: LinkFaults = {
    latencyMs: 0,
    bytesPerS: Number.POSITIVE_INFINITY,
    blackHole: false,
    refuse: false,
    cutAfterBytes: undefined,
    ...faults,
  };
  const pairs = new Set<() => void>();
  let connections = 0;
  let cuts = 0;
  let bytes = 0;

  const server: Server = createServer((near) => {
    if (state.refuse) {
      near.destroy();
      return;
    }
    connections += 1;
    const far = dial(targetPort, "127.0.0.1");
    let leftBytes = state.cutAfterBytes?.() ?? Number.POSITIVE_INFINITY;
    const cut = () => {
      pairs.delete(cut);
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    pairs.add(cut);
    const carry = (from: Socket, to: Socket) => {
      let freeAtMs = 0;
      // In the order in which they came: timers of different lengths, set in one long turn of the loop, do not keep it.
      const due: (() => void)[] = [];
      const later = (what: () => void, waitMs: number) => {
        due.push(what);
        setTimeout(() => due.shift()?.(), waitMs);
      };
      from.on("data", (chunk: Buffer) => {
        // A slow link carries segments, it does not wait for the whole of what was written at once.
        const step = Number.isFinite(state.bytesPerS) ? SEGMENT_BYTES : chunk.length;
        for (let at = 0; at < chunk.length; at += step) carryPart(chunk.subarray(at, at + step));
      });
      const carryPart = (piece: Buffer) => {
        if (state.blackHole || leftBytes <= 0) return;
        const part = leftBytes < piece.length ? piece.subarray(0, leftBytes) : piece;
        leftBytes -= piece.length;
        bytes += part.length;
        const isLast = leftBytes <= 0;
        const pass = () => {
          if (!to.destroyed && !state.blackHole) to.write(part);
          if (!isLast || !pairs.has(cut)) return;
          cuts += 1;
          cut();
        };
        const nowMs = performance.now();
        freeAtMs = Math.max(nowMs, freeAtMs) + (part.length / state.bytesPerS) * 1_000;
        const waitMs = freeAtMs - nowMs + state.latencyMs;
        if (waitMs > 0 || due.length > 0) later(pass, Math.max(0, waitMs));
        else pass();
      };
      from.on("error", () => {});
      from.on("close", () => {
        if (state.blackHole) return;
        later(
          () => {
            pairs.delete(cut);
            to.destroy();
          },
          Math.max(0, freeAtMs - performance.now()) + state.latencyMs,
        );
      });
    };
    near.setNoDelay(true);
    far.setNoDelay(true);
    carry(near, far);
    carry(far, near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();

  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    faults: state,
    get connections() {
      return connections;
    },
    get cuts() {
      return cuts;
    },
    get bytes() {
      return bytes;
    },
    cutAll() {
      for (const cut of [...pairs]) {
        cuts += 1;
        cut();
      }
    },
    close() {
      for (const cut of [...pairs]) cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
