import type { CabView } from "../../src/cab/page/view.ts";

/** A machine at work with all well. */
export const VIEW: CabView = {
  unit: "unit-07",
  machine: "d85ms-15-07",
  name: "Komatsu D85MS-15",
  simulated: false,
  lamp: "ok",
  work: "working",
  depth: { value: 0.212, target: 0.2, verdict: "good" },
  speed: { value: 0.14, target: 0.14, verdict: "good" },
  rotor: { value: 198, target: 200, verdict: "good" },
  gnss: { fix: "fixed", satellites: 19 },
  clock: { trust: "gnss", utcMs: 1_795_596_401_658 },
  hq: { connected: true, unsent: 3, lastAckS: 2, spool: "ok" },
  bundle: { serial: 7, trial: false, last: "serial 7 committed: all was well for 60 s" },
  stick: null,
  sampler: "running",
  sources: [
    { name: "gnss", part: "gnss-ubx", state: "running" },
    { name: "shock", part: "adxl375", state: "running" },
  ],
  shift: {
    onS: 8000,
    workingS: 6000,
    idleS: 1900,
    unknownS: 100,
    wayM: 840,
    processedM2: 1680,
    meanDepthM: 0.207,
    atDepth: 0.91,
    candidates: 2,
  },
  question: null,
  marks: [{ kind: "mine_found", agoS: 75 }],
};
