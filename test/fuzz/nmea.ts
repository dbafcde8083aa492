import { createEpochAssembler } from "../../src/codec/nmea-epoch.ts";
import { createNmeaFramer } from "../../src/codec/nmea-framer.ts";
import { createNmeaParser } from "../../src/codec/nmea-parse.ts";

const CORPUS = Buffer.from(
  "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n$GPRMC,,V,,,,,,,,,,N*53\r\n" +
    "$GPVTG,188.36,T,,M,0.820,N,1.519,K,A*3F\r\n$GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99*30\r\n" +
    "$GPZDA,160012.71,11,03,2004,-1,00*7D\r\n$GNHDT,274.07,T*1D\r\n",
  "latin1",
);

/**
 * Runs the NMEA decoder over `runs` damaged streams. Throws when the decoder does, when it publishes a position off the
 * earth, or when bytes cut in two give other fixes than whole.
 */
export function fuzz(seed: number, runs: number): void {
  let x = seed >>> 0 || 1;
  const random = (n: number): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % n;
  };
  for (let run = 0; run < runs; run++) {
    const bytes = Uint8Array.from(CORPUS);
    for (let hits = random(12); hits > 0; hits--) bytes[random(bytes.length)] = random(256);
    const cut = random(bytes.length);
    const whole = decode([bytes]);
    const halves = decode([bytes.subarray(0, cut), bytes.subarray(cut)]);
    if (whole !== halves) throw new Error(`seed ${seed} run ${run}: cut at ${cut} gives ${halves}, whole ${whole}`);
  }
}

function decode(chunks: readonly Uint8Array[]): string {
  const out: string[] = [];
  const parser = createNmeaParser();
  const assembler = createEpochAssembler({
    dateFloorMs: 0,
    onFix: ({ lat, lon, mode, todMs }) => {
      if (Math.abs(lat) > 90 || Math.abs(lon) > 180) throw new Error(`position off the earth: ${lat} ${lon}`);
      out.push(`${todMs}/${mode}/${lat}/${lon}`);
    },
  });
  const framer = createNmeaFramer((body, length, atMs) => {
    const sentence = parser.parse(body, length);
    if (sentence !== undefined) assembler.sentence(sentence, atMs);
  });
  for (const chunk of chunks) framer.push(chunk, 0);
  assembler.flush();
  return `${out.join(" ")} ${JSON.stringify({ ...framer.counters, ...parser.counters, ...assembler.counters })}`;
}
