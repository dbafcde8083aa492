import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { explainConfig } from "../../src/config/explain.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { LoadedConfig } from "../../src/config/loaded.ts";
import { isSwathError } from "../../src/model/errors.ts";

const HEAD = `org: cmac
unit: u1
machine: m1
broker: { url: "mqtt://h" }
`;

function withFile<T>(text: string, use: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "swath-board-"));
  try {
    const file = join(folder, "unit.yaml");
    writeFileSync(file, HEAD + text);
    return use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const loaded = (text: string): LoadedConfig => withFile(text, (file) => loadConfig(file, { catalogue }));

function refusal(text: string): string {
  return withFile(text, (file) => {
    try {
      loadConfig(file, { catalogue });
    } catch (e) {
      if (isSwathError(e, "config")) return e.message;
      throw e;
    }
    return "";
  });
}

const BUSES = `buses:
  board_usb: { kind: serial, port: /dev/ttyACM0, baud: 57600, silenceS: 15 }
  pickup: { kind: counter, device: 0 }
`;

describe("sub-boards and pulse counters in a configuration", () => {
  it("are unplugged in a simulation when they are counters, not when they are sub-boards", () => {
    const parts = `${BUSES}parts:
  board: { part: firmata-board, bus: board_usb, options: { analog: { oil: { pin: 0 } } } }
  rotor: { part: interrupt-counter, bus: pickup, options: { pulsesPerRevolution: 4 } }
simulation: { unplugged: `;
    expect(refusal(`${parts}[rotor, board] }\n`)).toMatch(/simulation.unplugged\[1\]: "board" is a sub-board/);
    expect(explainConfig(loaded(`${parts}[rotor] }\n`), Date.now()).join("\n")).toContain("  unplugged: rotor");
  });

  it("are parts like any other, and are explained", () => {
    const config = loaded(`${BUSES}parts:
  board:
    part: firmata-board
    bus: board_usb
    options: { analog: { oil: { pin: 0 } }, digital: { lever: { pin: 2 } } }
  rotor: { part: interrupt-counter, bus: pickup, options: { pulsesPerRevolution: 60 } }
channels:
  oil: { from: board.oil, filters: [{ calibrate_linear: { datapoints: ["0.5 -> 0", "4.5 -> 400"], unit: kPa } }] }
  rotor_speed: { from: rotor.speed }
`);
    expect(config.channels.map((c) => c.spec.unit)).toEqual(["kPa", "rpm"]);
    expect(explainConfig(config, Date.now()).join("\n")).toContain("pulse counter 0 of the kernel");
  });

  it("never give a speed from a digital pin of the standard firmware, and say why", () => {
    const said = refusal(`${BUSES}parts:
  board:
    part: firmata-board
    bus: board_usb
    options: { digital: { rotor: { pin: 2, pulsesPerRevolution: 60 }, engine: { pin: 3, unit: rpm } } }
`);
    expect(said).toMatch(
      /parts\.board\.options\.digital\.rotor\.pulsesPerRevolution: .*pulses are lost without a trace/,
    );
    expect(said).toMatch(
      /parts\.board\.options\.digital\.engine\.unit: .*interrupt-counter, a Modbus tachometer or J1939/,
    );
  });

  it("are refused on a port that is reopened before a board has started, and on a bus of another kind", () => {
    const said = refusal(`buses:
  board_usb: { kind: serial, port: /dev/ttyACM0, baud: 57600 }
  pickup: { kind: counter, device: 0 }
  same: { kind: counter, device: 0 }
parts:
  board: { part: firmata-board, bus: board_usb }
  shaft: { part: interrupt-counter, bus: board_usb, options: { pulsesPerRevolution: 60 } }
  rotor: { part: interrupt-counter, bus: pickup, address: 0x20, options: { pulsesPerRevolution: 60, windowMs: 120 } }
`);
    expect(said).toMatch(/parts\.board\.bus: .*expected silenceS of at least 10, found 5/);
    expect(said).toMatch(/parts\.shaft\.bus: interrupt-counter needs a counter bus, but "board_usb" is a serial bus/);
    expect(said).toMatch(/parts\.rotor\.address: interrupt-counter is a counter part and has no address/);
    expect(said).toMatch(/parts\.rotor\.options\.windowMs: .*2 to 200 times everyMs/);
    expect(said).toMatch(/buses\.same\.device: counter0 is already the bus "pickup"/);
  });

  it("have a panel whose pins are its own", () => {
    const parts = `${BUSES}parts:
  board: { part: firmata-board, bus: board_usb, options: { digital: { lever: { pin: 2 } } } }
  rotor: { part: interrupt-counter, bus: pickup, options: { pulsesPerRevolution: 60 } }
`;
    const config = loaded(`${parts}panel: { board: board, lampPin: 12, buzzerPin: 8, keyPin: 7 }\n`);
    expect(explainConfig(config, Date.now()).join("\n")).toContain(
      "Panel on board: lamp on pin 12; buzzer on pin 8; key on pin 7: short detonation, long breakdown",
    );
    expect(config.hash).not.toBe(loaded(parts).hash);
    expect(refusal(`${parts}panel: { board: bord, lampPin: 12 }\n`)).toMatch(/there is no part "bord".*board/);
    expect(refusal(`${parts}panel: { board: rotor, lampPin: 12 }\n`)).toMatch(/expected a sub-board/);
    expect(refusal(`${parts}panel: { board: board }\n`)).toMatch(/lampPin, buzzerPin or keyPin/);
    expect(refusal(`${parts}panel: { board: board, lampPin: 2, keyPin: 12, buzzerPin: 12 }\n`)).toMatch(
      /panel\.lampPin: pin 2 is already an input of "board"[\s\S]*panel\.keyPin: pin 12 is already panel\.buzzerPin/,
    );
  });
});
