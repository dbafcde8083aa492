// avr-uno.mjs <firmware.hex>: an Arduino Uno (ATmega328P) that runs a firmware image nobody here wrote, in real time.
// Standard input, one JSON a line: {"rx":"base64"} bytes for its USART, {"adc":[channel,volts]}, {"pin":[number,0|1]},
// {"ran":ms} answered once the board has run so long, {"reset":true}, {"halt":true|false}. Standard output: {"tx":"base64"}, {"pin":number,"value":0|1} for its outputs, {"up":true}.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import * as avr from "avr8js";

const HZ = 16e6;
const flash = new Uint8Array(32768).fill(0xff);
for (const line of readFileSync(process.argv[2], "utf8").split(/\r?\n/)) {
  if (line.slice(7, 9) !== "00" || line[0] !== ":") continue;
  const at = Number.parseInt(line.slice(3, 7), 16);
  for (let i = 0; i < Number.parseInt(line.slice(1, 3), 16); i++)
    flash[at + i] = Number.parseInt(line.slice(9 + i * 2, 11 + i * 2), 16);
}

const FIRST_PIN = { B: 8, C: 14, D: 0 };
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const volts = new Float64Array(8);
const levels = new Map();
let rx = [];
let tx = [];
let halted = false;
/** When the clock of the board has come so far, it is told. */
let awaited = Number.POSITIVE_INFINITY;
let uno;

/** Power on: everything new but what is wired to the pins. */
function boot() {
  const cpu = new avr.CPU(new Uint16Array(flash.buffer));
  for (const timer of [avr.timer0Config, avr.timer1Config, avr.timer2Config]) new avr.AVRTimer(cpu, timer);
  new avr.AVRClock(cpu, HZ);
  new avr.AVREEPROM(cpu, new avr.EEPROMMemoryBackend(1024));
  new avr.AVRTWI(cpu, avr.twiConfig, HZ);
  const usart = new avr.AVRUSART(cpu, avr.usart0Config, HZ);
  const adc = new avr.AVRADC(cpu, avr.adcConfig);
  adc.channelValues.splice(0, 8, ...volts);
  const ports = {};
  for (const [name, config] of [
    ["B", avr.portBConfig],
    ["C", avr.portCConfig],
    ["D", avr.portDConfig],
  ]) {
    const port = new avr.AVRIOPort(cpu, config);
    port.addListener((now, before) => {
      for (let i = 0; i < 8; i++)
        if ((((now ^ before) >> i) & 1) !== 0 && FIRST_PIN[name] + i > 1)
          say({ pin: FIRST_PIN[name] + i, value: (now >> i) & 1 });
    });
    ports[name] = port;
  }
  usart.onByteTransmit = (byte) => tx.push(byte);
  rx = [];
  uno = { cpu, usart, adc, ports };
  for (const [pin, level] of levels) drive(pin, level);
}

function drive(pin, level) {
  const name = pin >= 14 ? "C" : pin >= 8 ? "B" : "D";
  levels.set(pin, level);
  uno.ports[name].setPin(pin - FIRST_PIN[name], level === 1);
}

boot();
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const told = JSON.parse(line);
    if (told.rx !== undefined && !halted) rx.push(...Buffer.from(told.rx, "base64"));
    if (told.adc !== undefined) {
      volts[told.adc[0]] = told.adc[1];
      uno.adc.channelValues[told.adc[0]] = told.adc[1];
    }
    if (told.pin !== undefined) drive(...told.pin);
    if (told.reset === true) boot();
    if (told.halt !== undefined) halted = told.halt;
    if (told.ran !== undefined) awaited = uno.cpu.cycles + (told.ran / 1000) * HZ;
  })
  .on("close", () => process.exit(0));

let lastMs = performance.now();
let owed = 0;
(function run() {
  const now = performance.now();
  // Real time, at most 20 ms of catching up: on a slow machine the board is slow, not the test stuck.
  owed = Math.min(owed + ((now - lastMs) / 1000) * HZ, HZ / 50);
  lastMs = now;
  const { cpu, usart } = uno;
  const from = cpu.cycles;
  while (!halted && cpu.cycles - from < owed) {
    for (let i = 0; i < 500; i++) {
      avr.avrInstruction(cpu);
      cpu.tick();
    }
    if (rx.length > 0 && !usart.rxBusy && usart.rxEnable) usart.writeByte(rx.shift());
  }
  owed = halted ? 0 : owed - (cpu.cycles - from);
  if (cpu.cycles >= awaited) {
    awaited = Number.POSITIVE_INFINITY;
    say({ ran: true });
  }
  if (tx.length > 0) say({ tx: Buffer.from(tx).toString("base64") });
  tx = [];
  setTimeout(run, 2);
})();
say({ up: true });
