import type { MemoryCounter } from "../bus/counter.ts";
import { createMemoryCounter } from "../bus/memory-counter.ts";
import { createMemoryI2c, type MemoryI2c } from "../bus/memory-i2c.ts";
import { createMemorySerial, type MemorySerial } from "../bus/memory-serial.ts";
import type { BoardReader } from "../device/board-device.ts";
import type { Device } from "../device/catalogue.ts";
import type { DisplayDevice, DisplaySize } from "../device/display-device.ts";
import { createDisplayTwin, type DisplayTwin } from "../device/display-twin.ts";
import { createTwin } from "../device/twin.ts";
import type { Clock } from "../model/time.ts";
import { createSimulatedBoard } from "./board.ts";
import { createSimulatedLines } from "./lines.ts";
import { createSimulatedPickup } from "./pickup.ts";
import { createSimulatedReceiver, receiverEpoch } from "./receiver.ts";
import { createTillingScene, type Scene, type SceneOptions } from "./scene.ts";

const GNSS_HZ = 5;

/** One configured part, and which published channel each of its own channels feeds. */
export interface SimulatedPart {
  readonly name: string;
  readonly device: Device;
  readonly bus: string;
  readonly address?: number;
  readonly options: unknown;
  /** Channel key of the part → column name. */
  readonly columns: Readonly<Record<string, string>>;
}

/** The key of the machine: which published channel shows it, what that reads while it is on, and when it is turned (s after it was first read). */
export interface SimulatedKey {
  readonly column: string;
  readonly on: number;
  readonly offAtS?: number | undefined;
  readonly onAtS?: number | undefined;
}

/** Something of the simulation that acts at its own times. */
interface Actor {
  readonly dueMs: number;
  step(nowMs: number): void;
}

/** What the scene says about a published channel; undefined for one it does not know. */
function sceneValue(scene: Scene, column: string, tS: number): number | undefined {
  switch (column) {
    case "rotor_speed":
      return scene.state(tS).rotorRpm;
    case "tool_depth":
      return scene.state(tS).toolDepthM;
    case "engine_speed":
      return scene.state(tS).engineRpm;
    case "hyd_pressure":
      return scene.state(tS).hydraulicKpa;
    case "battery_voltage":
      return scene.state(tS).supplyV;
    case "battery_current":
      return scene.state(tS).supplyA;
    case "shock_x":
      return scene.shock(0, tS);
    case "shock_y":
      return scene.shock(1, tS);
    case "shock_z":
      return scene.shock(2, tS);
    default:
      return undefined;
  }
}

/** What the channel of the key reads `tS` after it was first read: on, off from `offAtS`, on again from `onAtS`. */
function keyValue({ on, offAtS, onAtS }: SimulatedKey, tS: number): number {
  const isOff = offAtS !== undefined && tS >= offAtS && !(onAtS !== undefined && onAtS > offAtS && tS >= onAtS);
  return isOff ? 0 : on;
}

/**
 * A machine at work made of memory: every configured bus, with a twin of every configured part on it, driven by one scene.
 * The sampler runs on these ports exactly as it runs on Linux's.
 */
export function createSimulatedMachine(options: {
  readonly scene: SceneOptions;
  readonly buses: Readonly<Record<string, { readonly kind: "i2c" | "serial" | "counter" }>>;
  readonly parts: readonly SimulatedPart[];
  readonly key?: SimulatedKey | undefined;
  /** A channel that always reads the same. */
  readonly constant?: { readonly column: string; readonly value: number } | undefined;
  readonly display?:
    | { readonly device: DisplayDevice; readonly size: DisplaySize; readonly bus: string; readonly address: number }
    | undefined;
  readonly clock: Clock;
  /** Mono ms at which the scene began, and UTC at that instant. */
  readonly startMs: number;
  readonly startUtcMs: number;
}) {
  const { clock, startMs, startUtcMs } = options;
  const { seed } = options.scene;
  const scene = createTillingScene(options.scene);
  const i2c = new Map<string, MemoryI2c>();
  const serial = new Map<string, MemorySerial>();
  const counters = new Map<string, MemoryCounter>();
  const boards = new Map<string, BoardReader>();
  const actors: Actor[] = [];

  let keyReadS: number | undefined;
  /** From its first reading on: whoever is slow to start sees the key on all the same. */
  function keyAt(key: SimulatedKey, tS: number): number {
    keyReadS ??= tS;
    return keyValue(key, tS - keyReadS);
  }

  /** What a receiver finds, by the name of its channel. */
  function fixValue(key: string, tMs: number): number | undefined {
    if (key === "utc") return startUtcMs + tMs - startMs;
    const epoch: Readonly<Record<string, number | boolean>> = receiverEpoch(scene, seed, (tMs - startMs) / 1000);
    const x = epoch[key];
    return typeof x === "number" ? x : undefined;
  }

  for (const [name, bus] of Object.entries(options.buses)) {
    if (bus.kind === "i2c") i2c.set(name, createMemoryI2c({ name }));
    else if (bus.kind === "counter") counters.set(name, createMemoryCounter({ name }));
    else serial.set(name, createMemorySerial({ name, clock }));
  }
  for (const part of options.parts) {
    const value = (key: string, tMs: number) => {
      const column = part.columns[key];
      if (column === undefined) return undefined;
      const tS = (tMs - startMs) / 1000;
      if (column === options.constant?.column) return options.constant.value;
      return column === options.key?.column ? keyAt(options.key, tS) : sceneValue(scene, column, tS);
    };
    const { device } = part;
    if (device.kind === "i2c") {
      const twin = createTwin({ device, options: part.options, clock, value });
      if (part.address !== undefined) i2c.get(part.bus)?.attach(part.address, twin);
      continue;
    }
    if (device.kind === "counter") {
      const counter = counters.get(part.bus);
      const { pulsesPerRevolution } = device.plan(part.options);
      const speed = (tMs: number) => value("speed", tMs) ?? 0;
      if (counter !== undefined) actors.push(createSimulatedPickup({ counter, pulsesPerRevolution, startMs, speed }));
      continue;
    }
    const link = serial.get(part.bus);
    if (link === undefined) continue;
    if (device.kind === "nmea") {
      actors.push(createSimulatedReceiver({ scene, seed, link, startMs, startUtcMs, rateHz: GNSS_HZ }));
    } else if (device.kind === "serial") {
      const send = (bytes: Uint8Array) => link.feed(bytes);
      const plan = device.plan(part.options);
      const fixed = "lat" in plan.channels ? fixValue : () => undefined;
      const told = (key: string, tMs: number) => value(key, tMs) ?? fixed(key, tMs);
      const twin = plan.twin?.({ startMs, value: told, send });
      if (twin === undefined) continue;
      link.onWrite((bytes) => twin.hears?.(bytes));
      actors.push(twin);
    } else if (device.kind === "board") {
      const board = createSimulatedBoard({ plan: device.plan(part.options), link, startMs, value });
      boards.set(part.name, board.reader);
      actors.push(board);
    } else {
      actors.push(createSimulatedLines({ plan: device.plan(part.options), link, startMs, value }));
    }
  }

  let display: DisplayTwin | undefined;
  if (options.display !== undefined) {
    const { device, size, bus, address } = options.display;
    display = createDisplayTwin(device, size);
    i2c.get(bus)?.attach(address, display);
  }

  return { scene, display, i2c, serial, counters, boards, actors: actors as readonly Actor[] };
}
