import { dirname, resolve } from "node:path";
import type { Catalogue } from "../device/catalogue.ts";
import { hashOf } from "../model/canonical.ts";
import { checkBudgets, checkRings } from "./budget.ts";
import { checkCalibration } from "./check-calibration.ts";
import { checkChannels, checkSections, checkTrack } from "./check-channels.ts";
import { checkDetectors } from "./check-detectors.ts";
import { checkDisplay } from "./check-display.ts";
import { checkHarness } from "./check-harness.ts";
import { checkPanel } from "./check-panel.ts";
import { checkBuses, checkParts } from "./check-parts.ts";
import { checkPower } from "./check-power.ts";
import { checkSimulation } from "./check-simulation.ts";
import { type Checking, goodAt } from "./checking.ts";
import { readExtended } from "./extend.ts";
import { parseTree } from "./issues.ts";
import type {
  LoadedBroker,
  LoadedChannel,
  LoadedConfig,
  LoadedDetector,
  LoadedDisplay,
  LoadedPart,
  LoadedTrack,
} from "./loaded.ts";
import { type Problem, problemsError } from "./problems.ts";
import { type Cab, ringSchema, type UnitFile, unitSchema } from "./schema.ts";
import { placeOf, type Tree } from "./tree.ts";

/**
 * Reads a unit file with the profiles it extends, checks everything that can be known before the machine is started, and
 * returns it frozen. Throws one `SwathError` of the domain `config` that lists every problem, each as
 * `file:line: key: what was found, what was expected`; and nothing else. `without` names channels (or `leverArm`) whose
 * calibration is neither applied nor checked: their values are what they are before it.
 */
export function loadConfig(
  file: string,
  {
    catalogue,
    flat,
    without = [],
  }: { readonly catalogue: Catalogue; readonly flat?: boolean; readonly without?: readonly string[] },
): LoadedConfig {
  const problems: Problem[] = [];
  const merged = readExtended(file, problems, flat);
  // Where a file could not be read or is not YAML, what is missing in the rest proves nothing.
  if (merged === undefined || problems.some((p) => p.code === "config/syntax")) throw problemsError(problems, [file]);
  const { tree, files, site: siteFile } = merged;
  const c: Checking = { tree, problems, without };
  const unit = parseTree(unitSchema, tree, [], problems);
  const buses = checkBuses(c);
  const parts = checkParts(c, buses, catalogue);
  const ringSeconds = goodAt(c, ringSchema.strip(), ["ring"])?.seconds ?? ringSchema.parse({}).seconds;
  const channels = checkChannels(c, parts, ringSeconds);
  const track = checkTrack(c, parts);
  const display = checkDisplay(c, buses, parts, channels, catalogue);
  checkBudgets(c, buses, parts, display);
  checkRings(c, channels, ringSeconds);
  const detectors = checkDetectors(c, channels, ringSeconds);
  checkPanel(c, parts);
  checkPower(c, channels);
  checkHarness(c, channels);
  checkSimulation(c, parts);
  checkCalibration(c, channels, parts);
  checkSections(c);
  if (unit === undefined || problems.length > 0) throw problemsError(problems, files);
  return freeze(
    assemble({ file, files, siteFile, tree, unit, parts: [...parts.values()], channels, track, detectors, display }),
  );
}

interface Checked {
  readonly file: string;
  readonly files: readonly string[];
  readonly siteFile: string | undefined;
  readonly tree: Tree;
  readonly unit: UnitFile;
  readonly parts: readonly LoadedPart[];
  readonly channels: readonly LoadedChannel[];
  readonly track: LoadedTrack | undefined;
  readonly detectors: readonly LoadedDetector[];
  readonly display: LoadedDisplay | undefined;
}

function assemble({
  file,
  files,
  siteFile,
  tree,
  unit,
  parts,
  channels,
  track,
  detectors,
  display,
}: Checked): LoadedConfig {
  const { org, machine, profile, site, buses, rows, live, ring, capture, calibration, simulation } = unit;
  /** The full path of a file, seen from the folder of the file that names it. */
  const full = (path: readonly string[], name: string) => resolve(dirname(placeOf(tree, path).file), name);
  const { url, protocol, encoding, username, ...secretFiles } = unit.broker;
  const named = Object.entries(secretFiles).map(([key, name]) => [key, full(["broker", key], String(name))]);
  const broker: LoadedBroker = {
    url,
    protocol,
    encoding,
    ...(username === undefined ? {} : { username }),
    ...Object.fromEntries(named),
  };
  // What decides what is measured and sent; not where this computer keeps its files.
  const meaning = {
    org,
    unit: unit.unit,
    machine,
    profile,
    site,
    broker: { url, protocol },
    spool: { maxMb: unit.spool.maxMb, ack: unit.spool.ack },
    buses,
    parts: parts.map(({ name, device, bus, address, options, hooks }) => {
      return { name, part: device.part, bus, address, options, hooks };
    }),
    channels: channels.map(({ column, part, key, spec, words, stats, standIns, failOver, aboveAt }) => ({
      column,
      part,
      key,
      spec,
      words,
      stats,
      ...(aboveAt === undefined ? {} : { aboveAt }),
      ...(failOver === undefined ? {} : { failOver, standIns: standIns.map((s) => [s.part, s.key]) }),
    })),
    track: track && { part: track.part, columns: track.columns.map((t) => t.column) },
    rows,
    live,
    ring,
    // What watches nothing changes nothing.
    ...(detectors.length === 0 ? {} : { detectors, capture }),
    ...(unit.panel === undefined ? {} : { panel: unit.panel }),
    ...(unit.power === undefined ? {} : { power: unit.power }),
    ...(unit.harness === undefined ? {} : { harness: unit.harness }),
    ...(calibration === undefined ? {} : { calibration }),
    ...(display === undefined ? {} : { display: { ...display, device: display.device.part } }),
    simulation,
  };
  return {
    file,
    files,
    hash: hashOf(meaning),
    identity: { org, unit: unit.unit },
    machine,
    ...(profile === undefined ? {} : { profile }),
    ...(site === undefined ? {} : { site }),
    ...(siteFile === undefined ? {} : { siteFile }),
    broker,
    ...(unit.hq === undefined ? {} : { hq: fullHq(unit.hq, full) }),
    spool: { ...unit.spool, dir: full(["spool", "dir"], unit.spool.dir) },
    buses,
    parts,
    channels,
    ...(track === undefined ? {} : { track }),
    rows,
    live,
    ringSeconds: ring.seconds,
    detectors,
    capture,
    ...(calibration === undefined ? {} : { calibration }),
    ...(unit.cab === undefined ? {} : { cab: fullCab(unit.cab, full) }),
    ...(unit.panel === undefined ? {} : { panel: unit.panel }),
    ...(display === undefined ? {} : { display }),
    ...(unit.power === undefined ? {} : { power: unit.power }),
    ...(unit.harness === undefined ? {} : { harness: unit.harness }),
    ...(simulation === undefined ? {} : { simulation }),
  };
}

function fullHq(
  { keyFiles, exportKeyFile }: NonNullable<UnitFile["hq"]>,
  full: (path: readonly string[], name: string) => string,
): NonNullable<LoadedConfig["hq"]> {
  return {
    keyFiles: keyFiles.map((name, i) => full(["hq", "keyFiles", String(i)], name)),
    ...(exportKeyFile === undefined ? {} : { exportKeyFile: full(["hq", "exportKeyFile"], exportKeyFile) }),
  };
}

function fullCab(cab: Cab, full: (path: readonly string[], name: string) => string): Cab {
  const { tokenFile, languagesDir } = cab;
  return {
    ...cab,
    ...(tokenFile === undefined ? {} : { tokenFile: full(["cab", "tokenFile"], tokenFile) }),
    ...(languagesDir === undefined ? {} : { languagesDir: full(["cab", "languagesDir"], languagesDir) }),
  };
}

/** Freezes what the loader made, to the bottom; the tables of parts are shared and stay as they are. */
function freeze<T>(value: T, key = ""): T {
  if (typeof value !== "object" || value === null || key === "device" || Object.isFrozen(value)) return value;
  for (const [name, inner] of Object.entries(value)) freeze(inner, name);
  return Object.freeze(value);
}
