import { openLinuxSerial } from "../bus/linux-serial.ts";
import { createMemorySerial } from "../bus/memory-serial.ts";
import type { Catalogue } from "../device/catalogue.ts";
import type { SwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { openPart } from "../sampler/open-parts.ts";

/** What was heard on a port at one speed. */
export interface Heard {
  readonly baud: number;
  readonly bytes: number;
  /** Parts of the catalogue that made samples of it, the one with the most first. */
  readonly parts: readonly { readonly part: string; readonly samples: number }[];
}

/** What a port gave. */
export interface PortFound {
  readonly path: string;
  /** Why it could not be opened; then nothing was heard. */
  readonly error?: string;
  readonly heard: readonly Heard[];
}

/** Speeds that parts of the catalogue talk at, the usual ones first. */
export const BAUDS = [38_400, 9600, 115_200, 19_200, 57_600, 460_800] as const;

const SILENT_SINK = { block: () => undefined, scan: () => undefined, state: () => undefined };

/** Which parts of the catalogue would take these bytes for samples: each one's own decoder says. Nothing is sent anywhere. */
export function guess(bytes: Uint8Array, catalogue: Catalogue): Heard["parts"] {
  const found: { part: string; samples: number }[] = [];
  const clock: Clock = { monoMs: () => 0 };
  for (const device of Object.values(catalogue)) {
    if (device.kind !== "nmea" && device.kind !== "serial" && device.kind !== "line") continue;
    // A part that must be told what it reads would take anything for it.
    const options = device.options.safeParse({});
    if (!options.success) continue;
    const link = createMemorySerial({ name: "heard", clock });
    const time = { utc: () => undefined };
    const part = { name: "heard", device, options: options.data };
    const source = openPart(part, { kind: "serial", link }, { clock, sink: SILENT_SINK, time });
    for (let at = 0; at < bytes.length; at += 1024) link.feed(bytes.subarray(at, at + 1024));
    const samples = source.counters["samples"] ?? source.counters["epochs"] ?? 0;
    if (samples >= 2) found.push({ part: device.part, samples });
  }
  return found.sort((a, b) => b.samples - a.samples);
}

/** Listens for so long at one speed; never sends. */
async function listen(path: string, baud: number, ms: number, clock: Clock): Promise<Uint8Array | SwathError> {
  const chunks: Uint8Array[] = [];
  let error: SwathError | undefined;
  let isOpen = false;
  const link = openLinuxSerial({ name: path, path, baud, silenceS: Number.POSITIVE_INFINITY, clock });
  await new Promise<void>((done) => {
    link.start({
      bytes: (chunk) => void chunks.push(chunk.slice()),
      opened: () => {
        isOpen = true;
        setTimeout(done, ms);
      },
      closed: (e) => {
        error = e;
        done();
      },
    });
  });
  await link.close();
  return error !== undefined && !isOpen ? error : Buffer.concat(chunks);
}

/** Listens on a port at each speed until a part of the catalogue is recognised. */
export async function scanPort(
  path: string,
  options: {
    readonly catalogue: Catalogue;
    readonly bauds: readonly number[];
    readonly listenMs: number;
    readonly clock: Clock;
  },
): Promise<PortFound> {
  const heard: Heard[] = [];
  for (const baud of options.bauds) {
    const got = await listen(path, baud, options.listenMs, options.clock);
    if (got instanceof Error) return { path, error: got.message, heard };
    const parts = guess(got, options.catalogue);
    heard.push({ baud, bytes: got.length, parts });
    if (parts.length > 0) break;
  }
  return { path, heard };
}
