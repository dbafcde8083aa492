import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SerialLink } from "../../src/bus/serial.ts";
import { SERIAL_CHUNK_MAX } from "../../src/bus/serial.ts";
import { isSwathError, type SwathError } from "../../src/model/errors.ts";

/** A link and the hand on the other end of its cable. */
export interface SerialPortRig {
  readonly link: SerialLink;
  feed(bytes: Uint8Array): void;
  /** What arrived at the other end. */
  received(): Uint8Array;
  pull(): Promise<void>;
  plug(): Promise<void>;
  stop(): Promise<void>;
}

/** Everything a listener heard, in order. */
export interface Heard {
  readonly log: string[];
  readonly errors: SwathError[];
  readonly chunks: { bytes: Buffer; monoMs: number }[];
  readonly all: () => Buffer;
  readonly listener: Parameters<SerialLink["start"]>[0];
}

/** A listener that keeps what it hears. */
export function hear(): Heard {
  const heard = { log: [] as string[], errors: [] as SwathError[], chunks: [] as { bytes: Buffer; monoMs: number }[] };
  return {
    ...heard,
    all: () => Buffer.concat(heard.chunks.map((c) => c.bytes)),
    listener: {
      bytes: (chunk, monoMs) => void heard.chunks.push({ bytes: Buffer.from(chunk), monoMs }),
      opened: () => void heard.log.push("opened"),
      closed(error) {
        heard.log.push("closed");
        heard.errors.push(error);
      },
    },
  };
}

/** What every serial link does; run on the one made of memory and on real ttys. */
export function serialPort(name: string, makeRig: () => Promise<SerialPortRig>): void {
  describe(`serial port: ${name}`, () => {
    let rig: SerialPortRig;
    let heard: Heard;

    beforeEach(async () => {
      rig = await makeRig();
      heard = hear();
    });
    afterEach(async () => {
      await rig.link.close();
      await rig.stop();
    });

    async function opened(times = 1): Promise<void> {
      await expect.poll(() => heard.log.filter((l) => l === "opened").length, { timeout: 8000 }).toBe(times);
    }

    it("says that it is open and hands over what arrives with the time of arrival", async () => {
      expect(rig.link.isOpen).toBe(false);
      rig.link.start(heard.listener);
      await opened();
      expect(rig.link.isOpen).toBe(true);
      rig.feed(Buffer.from("$GPGGA,1\r\n"));
      await expect.poll(() => heard.all().toString()).toBe("$GPGGA,1\r\n");
      rig.feed(Buffer.from("$GPGGA,2\r\n"));
      await expect.poll(() => heard.all().toString()).toBe("$GPGGA,1\r\n$GPGGA,2\r\n");
      const times = heard.chunks.map((c) => c.monoMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(rig.link.counters).toMatchObject({ opens: 1, closes: 0, failedOpens: 0, bytes: 20, silences: 0 });
    });

    it("passes every byte value, in any chunks, in order and in bounded pieces", async () => {
      rig.link.start(heard.listener);
      await opened();
      const sent = Uint8Array.from({ length: 40_000 }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff);
      for (let at = 0, size = 1; at < sent.length; at += size, size = (size * 31 + 17) % 6007) {
        rig.feed(sent.subarray(at, at + size));
      }
      await expect.poll(() => heard.all().length, { timeout: 10_000 }).toBe(sent.length);
      expect(heard.all().equals(sent)).toBe(true);
      for (const { bytes } of heard.chunks) {
        expect(bytes.length).toBeGreaterThan(0);
        expect(bytes.length).toBeLessThanOrEqual(SERIAL_CHUNK_MAX);
      }
    });

    it("sends bytes unchanged when open and says so when it cannot", async () => {
      expect(rig.link.write(Buffer.from("early"))).toBe(false);
      rig.link.start(heard.listener);
      await opened();
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      expect(rig.link.write(bytes)).toBe(true);
      await expect.poll(() => Buffer.from(rig.received()).equals(bytes)).toBe(true);
      await rig.pull();
      await expect.poll(() => rig.link.isOpen).toBe(false);
      expect(rig.link.write(bytes)).toBe(false);
    });

    it("says that the cable was pulled, and opens again by itself when it is back", async () => {
      rig.link.start(heard.listener);
      await opened();
      rig.feed(Buffer.from("before"));
      await expect.poll(() => heard.all().toString()).toBe("before");
      await rig.pull();
      await expect.poll(() => heard.log).toEqual(["opened", "closed"]);
      expect(rig.link.isOpen).toBe(false);
      expect(isSwathError(heard.errors[0], "bus")).toBe(true);
      expect(heard.errors[0]).toMatchObject({ code: "bus/closed", retry: "later" });
      rig.feed(Buffer.from("lost"));
      await rig.plug();
      await opened(2);
      rig.feed(Buffer.from(" after"));
      await expect.poll(() => heard.all().toString()).toBe("before after");
      expect(rig.link.counters).toMatchObject({ opens: 2, closes: 1 });
    });

    it("notices within 100 ms each time that the cable is pulled, and survives it", async () => {
      rig.link.start(heard.listener);
      const tookMs: number[] = [];
      for (let i = 1; i <= 4; i++) {
        await opened(i);
        const before = performance.now();
        await rig.pull();
        await expect.poll(() => rig.link.isOpen, { interval: 2 }).toBe(false);
        tookMs.push(performance.now() - before);
        await rig.plug();
      }
      await opened(5);
      expect(Math.min(...tookMs), "on a machine that is busy with other tests, the best of four").toBeLessThan(100);
      rig.feed(Buffer.from("alive"));
      await expect.poll(() => heard.all().toString()).toBe("alive");
    });

    it("closes within 200 ms in every state, and the listener hears nothing after it", async () => {
      const states: Record<string, (r: SerialPortRig, h: Heard) => Promise<void>> = {
        "never started": async () => {},
        opening: async (r, h) => r.link.start(h.listener),
        "half open": async (r, h) => {
          r.link.start(h.listener);
          await new Promise((resolve) => setImmediate(resolve));
        },
        open: async (r, h) => {
          r.link.start(h.listener);
          await expect.poll(() => r.link.isOpen).toBe(true);
        },
        down: async (r, h) => {
          r.link.start(h.listener);
          await expect.poll(() => r.link.isOpen).toBe(true);
          await r.pull();
          await expect.poll(() => r.link.isOpen).toBe(false);
        },
      };
      for (const [state, reach] of Object.entries(states)) {
        const one = await makeRig();
        const h = hear();
        await reach(one, h);
        const before = performance.now();
        await one.link.close();
        expect(performance.now() - before, state).toBeLessThan(200);
        expect(one.link.isOpen, state).toBe(false);
        const said = h.log.length;
        one.feed(Buffer.from("late"));
        await one.plug();
        await new Promise((resolve) => setTimeout(resolve, 350)); // longer than the first retry
        expect(h.log.length, state).toBe(said);
        expect(h.all().toString(), state).toBe("");
        await one.link.close();
        await one.stop();
      }
    });
  });
}
