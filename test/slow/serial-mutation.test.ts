import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { vedirect } from "../../devices/vedirect.ts";
import { J1939_SIGNALS, type J1939Signal, readJ1939Id, readSignal } from "../../src/codec/j1939-signals.ts";
import { createNmeaParser } from "../../src/codec/nmea-parse.ts";
import { type FieldSpec, SENTENCES } from "../../src/codec/nmea-sentence.ts";
import { createSlcanFramer } from "../../src/codec/slcan.ts";
import { type VeDirectTable, veDirectProtocol } from "../../src/device/vedirect-fields.ts";

const goldenOf = (part: string) =>
  JSON.parse(readFileSync(resolve(import.meta.dirname, `../golden/${part}.json`), "utf8"));

/** Prints the rate and what was not found; `explained` are slips that mean the same or that no vector can tell. */
function judge(table: string, mutants: ReadonlyMap<string, boolean>, explained: RegExp): void {
  const survivors = [...mutants].filter(([, found]) => !found).map(([title]) => title);
  const rate = 1 - survivors.length / mutants.size;
  console.log(
    `${table}: ${mutants.size} mistakes, ${(100 * rate).toFixed(1)} % found${survivors.map((s) => `\n  not found: ${s}`).join("")}`,
  );
  expect(mutants.size).toBeGreaterThan(20);
  expect(survivors.filter((s) => !explained.test(s))).toEqual([]);
}

describe("a mistake in a serial table", () => {
  it("of J1939 signals is found by frames that were worked out or recorded", () => {
    const frames = goldenOf("j1939-slcan").frames as {
      line: string;
      expect: Record<string, [number | null, number]>;
    }[];
    const heard = frames.map(({ line, expect: wanted }) => {
      let pgn = 0;
      let length = 0;
      const data = new Uint8Array(8);
      const framer = createSlcanFramer(
        (frame) => {
          pgn = readJ1939Id(frame.id).pgn;
          length = frame.length;
          data.set(frame.data);
        },
        () => undefined,
      );
      framer.push(Buffer.from(`${line}\r`, "latin1"));
      return { pgn, length, data, wanted };
    });
    /** Whether any vector contradicts this signal. */
    function contradicts(key: string, signal: J1939Signal): boolean {
      const into = { x: 0, q: 0 };
      return heard.some(({ pgn, length, data, wanted }) => {
        const [x, q] = wanted[key] ?? [];
        if (x === undefined || q === undefined) return false;
        if (pgn !== signal.pgn) return true;
        readSignal(signal, data, length, into);
        return (
          (x === null ? !Number.isNaN(into.x) : !(Math.abs(into.x - x) < 1e-5 * Math.max(1, Math.abs(x)))) ||
          into.q !== q
        );
      });
    }
    const mutants = new Map<string, boolean>();
    for (const [key, signal] of Object.entries(J1939_SIGNALS)) {
      expect(contradicts(key, signal), key).toBe(false);
      const slips: [string, Partial<J1939Signal>][] = [
        ["scale × 1.02", { scale: signal.scale * 1.02 }],
        ["scale × 0.5", { scale: signal.scale * 0.5 }],
        ["scale × -1", { scale: -signal.scale }],
        ["offset + 2 counts", { offset: signal.offset + 2 * signal.scale }],
        ["byte + 1", { byte: signal.byte + 1 }],
        ["byte - 1", { byte: signal.byte - 1 }],
        ["one width less", { bytes: signal.bytes === 4 ? 2 : 1 }],
        ["one width more", { bytes: signal.bytes === 1 ? 2 : 4 }],
        ["pgn + 1", { pgn: signal.pgn + 1 }],
      ];
      for (const [title, slip] of slips) {
        const mutant = { ...signal, ...slip };
        if (mutant.byte < 1 || (mutant.bytes === signal.bytes && title.startsWith("one"))) continue;
        mutants.set(`${key} ${title}`, contradicts(key, mutant));
      }
    }
    judge("J1939", mutants, /^$/);
  });

  it("of VE.Direct fields is found by recorded blocks", () => {
    const cases = goldenOf("vedirect").cases as { text: string; expect: Record<string, number | null> }[];
    const table = vedirect.plan({}).channels as VeDirectTable;
    function contradicts(mutant: VeDirectTable): boolean {
      const keys = Object.keys(mutant);
      return cases.some(({ text, expect: wanted }) => {
        const got: Record<string, number> = {};
        const protocol = veDirectProtocol(mutant, {
          put: (channel, x) => {
            got[keys[channel]!] = x;
          },
          scan: () => undefined,
          missed: () => undefined,
          heard: () => undefined,
          write: () => true,
          verified: () => undefined,
          refuse: () => undefined,
          retry: () => undefined,
          utc: () => undefined,
        });
        // The channel that a block does not carry must not appear.
        protocol.take(Buffer.from(`${text}`, "latin1"), 0);
        return (
          Object.entries(wanted).some(([key, x]) => {
            const y = got[key];
            return (
              y === undefined || (x === null ? !Number.isNaN(y) : !(Math.abs(y - x) <= 1e-9 * Math.max(1, Math.abs(x))))
            );
          }) || Object.keys(got).some((key) => wanted[key] === undefined)
        );
      });
    }
    expect(contradicts(table)).toBe(false);
    const mutants = new Map<string, boolean>();
    const fields = Object.values(table).map((c) => c.field);
    for (const [key, channel] of Object.entries(table)) {
      const other = fields[(fields.indexOf(channel.field) + 1) % fields.length]!;
      for (const [title, slip] of [
        ["scale × 1.02", { scale: channel.scale * 1.02 }],
        ["scale × 0.5", { scale: channel.scale * 0.5 }],
        ["scale × -1", { scale: -channel.scale }],
        [`field ${other}`, { field: other }],
      ] as const) {
        if (channel.isSwitch && title.startsWith("scale")) continue;
        mutants.set(`${key} ${title}`, contradicts({ ...table, [key]: { ...channel, ...slip } }));
      }
    }
    judge("VE.Direct", mutants, /^$/);
  });

  it("of NMEA sentences is found by sentences of real receivers", () => {
    const decoded = goldenOf("nmea").decoded as {
      body: string;
      type: string;
      fields: Record<string, number | string | null>;
    }[];
    function contradicts(): boolean {
      // The table is read when a parser is made.
      const parser = createNmeaParser();
      return decoded.some(({ body, fields }) => {
        const bytes = Buffer.from(body, "latin1");
        const read = parser.parse(bytes, bytes.length) as unknown as { fields?: Record<string, number> } | undefined;
        if (read === undefined) return true;
        const got = (read.fields ?? read) as Record<string, number>;
        return Object.entries(fields).some(([name, x]) => {
          const y = got[name];
          if (x === null) return !(y === undefined || Number.isNaN(y));
          return typeof x === "number"
            ? !(Math.abs(Number(y) - x) < 1e-9 * Math.max(1, Math.abs(x)))
            : y !== (x as unknown);
        });
      });
    }
    console.log(`NMEA: ${decoded.length} vectors of ${Object.keys(SENTENCES).length} sentences`);
    expect(contradicts()).toBe(false);
    const mutants = new Map<string, boolean>();
    for (const [type, { fields }] of Object.entries(SENTENCES))
      for (const [name, spec] of Object.entries(fields as Record<string, FieldSpec>)) {
        const table = fields as Record<string, FieldSpec>;
        const [at, kind, digits] = spec;
        for (const [title, slip] of [
          ["one field on", [at + 1, kind, digits]],
          ["one field back", [at - 1, kind, digits]],
        ] as [string, FieldSpec][]) {
          table[name] = slip;
          mutants.set(`${type}.${name} ${title}`, contradicts());
        }
        table[name] = spec;
      }
    judge("NMEA", mutants, /^$/);
  });
});
