import { z } from "zod";
import { defineSerialDevice } from "../src/device/serial-device.ts";
import { type VeDirectTable, veDirectProtocol, veDirectTwin } from "../src/device/vedirect-fields.ts";

/** Coulomb in one mAh, and joule in 0.01 kWh. */
const MAH = 3.6;
const CENTI_KWH = 36_000;

const table: VeDirectTable = {
  voltage: { label: "Battery voltage", unit: "V", range: [0, 100], resolution: 1e-3, field: "V", scale: 1e-3 },
  starterVoltage: {
    label: "Starter battery voltage",
    unit: "V",
    range: [0, 100],
    resolution: 1e-3,
    field: "VS",
    scale: 1e-3,
  },
  current: { label: "Battery current", unit: "A", range: [-1000, 1000], resolution: 1e-3, field: "I", scale: 1e-3 },
  power: { label: "Battery power", unit: "W", range: [-60_000, 60_000], resolution: 1, field: "P", scale: 1 },
  consumed: { label: "Charge since full", unit: "C", range: [-1e8, 1e8], resolution: MAH, field: "CE", scale: MAH },
  stateOfCharge: { label: "State of charge", unit: "%", range: [0, 100], resolution: 0.1, field: "SOC", scale: 0.1 },
  timeToGo: {
    label: "Time to empty; absent when it is endless",
    unit: "s",
    range: [0, 1e6],
    resolution: 60,
    field: "TTG",
    scale: 60,
    absent: -1,
  },
  temperature: { label: "Battery temperature", unit: "Cel", range: [-60, 125], resolution: 1, field: "T", scale: 1 },
  alarm: { label: "Alarm", unit: "1", range: [-1, 2], resolution: 1, field: "Alarm", scale: 1, isSwitch: true },
  relay: { label: "Relay", unit: "1", range: [-1, 2], resolution: 1, field: "Relay", scale: 1, isSwitch: true },
  alarmReason: { label: "Alarm reason, bits", unit: "1", range: [-1, 65_536], resolution: 1, field: "AR", scale: 1 },
  panelVoltage: { label: "Panel voltage", unit: "V", range: [0, 500], resolution: 1e-3, field: "VPV", scale: 1e-3 },
  panelPower: { label: "Panel power", unit: "W", range: [-1, 20_000], resolution: 1, field: "PPV", scale: 1 },
  loadCurrent: { label: "Load current", unit: "A", range: [-1, 1000], resolution: 1e-3, field: "IL", scale: 1e-3 },
  load: { label: "Load output", unit: "1", range: [-1, 2], resolution: 1, field: "LOAD", scale: 1, isSwitch: true },
  chargerState: {
    label: "Charger: 0 off, 2 fault, 3 bulk, 4 absorption, 5 float",
    unit: "1",
    range: [-1, 256],
    resolution: 1,
    field: "CS",
    scale: 1,
  },
  errorCode: { label: "Charger error", unit: "1", range: [-1, 256], resolution: 1, field: "ERR", scale: 1 },
  cycles: { label: "Charge cycles", unit: "1", range: [-1, 1e6], resolution: 1, field: "H4", scale: 1 },
  drawnTotal: {
    label: "Charge drawn in all",
    unit: "C",
    range: [-1e10, 1e10],
    resolution: MAH,
    field: "H6",
    scale: MAH,
  },
  dischargedTotal: {
    label: "Energy out in all",
    unit: "J",
    range: [-1, 1e12],
    resolution: CENTI_KWH,
    field: "H17",
    scale: CENTI_KWH,
  },
  chargedTotal: {
    label: "Energy in in all",
    unit: "J",
    range: [-1, 1e12],
    resolution: CENTI_KWH,
    field: "H18",
    scale: CENTI_KWH,
  },
  yieldTotal: {
    label: "Solar energy in all",
    unit: "J",
    range: [-1, 1e12],
    resolution: CENTI_KWH,
    field: "H19",
    scale: CENTI_KWH,
  },
};

/** Battery monitors and solar chargers by Victron (BMV, SmartShunt, MPPT). A field that a product has not is never sent. */
export const vedirect = defineSerialDevice({
  part: "vedirect",
  summary: "Victron battery monitor or solar charger over VE.Direct",
  speaks: "VE.Direct text protocol, 19200 baud",
  source: "Victron VE.Direct protocol, its reference frame handler, and recordings of three products",
  options: z.strictObject({}),
  plan: () => ({
    channels: table,
    expects: "blocks",
    silentMs: 3000,
    verifies: "sentences",
    charsPerSecond: 300, // blocks of 150 to 300 bytes each second
    protocol: (out) => veDirectProtocol(table, out),
    twin: (spec) => veDirectTwin(table, spec),
  }),
});
