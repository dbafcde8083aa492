import { z } from "zod";
import { DISPLAY_SIZES } from "../device/display-device.ts";
import { chainSchema } from "../dsp/chain.ts";
import { WINDOW_STATS } from "../dsp/window.ts";
import { SEVERITIES } from "../model/record.ts";
import { topicLevel } from "../model/topics.ts";
import { calibrationSchema } from "./calibration.ts";
import { siteSchema } from "./site.ts";

/** Names of parts, buses and channels: the wire and the config speak `snake_case`. */
const snake = (what: string) =>
  z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, `${what} of a-z, 0-9 and _, a letter first, at most 48 letters`);

const filePath = (about: string) =>
  z.string().min(1).max(4096).describe(`${about}; a relative path starts at the folder of the file that names it`);

/** Where records go. Secrets are named by file, never written here. */
export const brokerSchema = z
  .strictObject({
    url: z
      .string()
      .refine(
        isBrokerUrl,
        "expected mqtt://host or mqtts://host, with a port when it is not 1883 or 8883, and no user or password",
      )
      .describe("mqtt:// or mqtts:// address of the broker"),
    username: z.string().min(1).max(256).optional().describe("user name at the broker; default: none"),
    passwordFile: filePath("file whose first line is the password").optional(),
    caFile: filePath(
      "certificate authority that signed the broker, PEM; needed for mqtts://, and no other is trusted",
    ).optional(),
    certFile: filePath("certificate of this unit, PEM").optional(),
    keyFile: filePath("private key of this unit, PEM").optional(),
    protocol: z
      .enum(["auto", "5", "3.1.1"])
      .default("auto")
      .describe("MQTT version; auto: 5, and 3.1.1 where the broker does not speak 5"),
    encoding: z
      .enum(["json", "cbor"])
      .default("json")
      .describe("form of the records on the wire; cbor: a ninth of the bytes, the same records (docs/hq.md)"),
  })
  .describe("the MQTT broker at HQ");

function isBrokerUrl(text: string): boolean {
  if (!/^mqtts?:\/\/[^\s]+$/.test(text) || text.length > 1024 || !URL.canParse(text)) return false;
  const url = new URL(text);
  const bare = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  return bare && url.hostname !== "" && (url.pathname === "" || url.pathname === "/") && !text.includes("@");
}

export const spoolSchema = z
  .strictObject({
    dir: filePath("folder that keeps records until they are safe at HQ").default("/var/lib/swath/spool"),
    maxMb: z.int().min(16).max(1_000_000).default(512).describe("most megabytes the spool may take"),
    ack: z
      .enum(["broker", "hq"])
      .default("broker")
      .describe("what frees a record: the broker's acknowledgement, or HQ's word that its database has it"),
  })
  .describe("records on disk");

export const hqSchema = z
  .strictObject({
    keyFiles: z
      .array(filePath("public key of HQ, ed25519, PEM"))
      .min(1)
      .max(8)
      .describe("public keys of HQ, ed25519 in PEM: what it acknowledges and asks for is believed under these alone"),
    exportKeyFile: filePath(
      "public key of HQ, X25519, PEM (swath keys NAME --export): records that a stick carries are sealed for it",
    ).optional(),
  })
  .describe("HQ's keys");

const script = z
  .string()
  .regex(/^\/[^\0]{1,4095}$/, "the full path of an executable file, such as /usr/local/lib/swath/power-cycle");
const powerCycle = script
  .optional()
  .describe("script that takes the power away for a moment; run when the driver cannot bring a part back");

const i2cBusSchema = z.strictObject({
  kind: z.literal("i2c"),
  device: z.int().min(0).max(255).describe("number n of /dev/i2c-n"),
  clockHz: z
    .int()
    .min(10_000)
    .max(1_000_000)
    .default(100_000)
    .describe("clock the bus is set to at boot (dtparam=i2c_arm_baudrate), in Hz; used for the bus budget"),
  hooks: z
    .strictObject({
      busClear: script.optional().describe("script that frees the wires when the bus hangs"),
      powerCycle,
    })
    .optional()
    .describe("scripts that bring a bus back (docs/maintainer.md)"),
});

const serialBusSchema = z.strictObject({
  kind: z.literal("serial"),
  port: z
    .string()
    .regex(/^\/[^\0]{1,4095}$/, "the full path of a port, such as /dev/serial/by-id/…")
    .describe("port by a stable name: /dev/serial/by-id/… or by-path/…"),
  baud: z.int().min(1200).max(4_000_000).describe("bits per second the device talks at"),
  silenceS: z.number().min(1).max(3600).default(5).describe("seconds without a byte before the port is reopened"),
  hooks: z.strictObject({ powerCycle }).optional().describe("scripts that bring what is on the port back"),
});

const counterBusSchema = z.strictObject({
  kind: z.literal("counter"),
  device: z.int().min(0).max(255).describe("number n of /sys/bus/counter/devices/countern"),
});

export const busSchema = z
  .discriminatedUnion("kind", [i2cBusSchema, serialBusSchema, counterBusSchema])
  .describe("one bus: an I2C adapter, a serial port or a pulse counter of the kernel");

export const partSchema = z
  .strictObject({
    part: z.string().min(1).max(64).describe("which part it is, by its name in the catalogue (docs/devices.md)"),
    bus: snake("a name").describe("the bus it is wired to"),
    address: z.int().min(0x03).max(0x77).optional().describe("its I2C address; may be left out where it has only one"),
    options: z.record(z.string(), z.unknown()).default({}).describe("what the part's table lets you choose"),
    hooks: z.strictObject({ powerCycle }).optional().describe("scripts for this part alone; before those of its bus"),
  })
  .describe("one part on a bus");

const sourceName = z.string().regex(/^[^.\s]+\.[^.\s]+$/, "<part name>.<channel of that part>");

export const failOverSchema = z
  .strictObject({
    afterMs: z
      .int()
      .min(200)
      .max(600_000)
      .default(2000)
      .describe("a source without a usable sample for so long gives the channel to the next one, in ms"),
    returnAfterMs: z
      .int()
      .min(200)
      .max(3_600_000)
      .default(10_000)
      .describe("a better source gets it back after so long without a bad sample, in ms"),
  })
  .describe("when another source speaks");

export const channelSchema = z
  .strictObject({
    from: z
      .union([
        sourceName,
        z
          .array(sourceName)
          .min(2)
          .max(8)
          .refine((all) => new Set(all).size === all.length, "expected each source once"),
        z.record(z.string(), z.unknown(), "one way to make it of other channels, such as difference: { a: …, b: … }"),
      ])
      .describe(
        "where samples come from: <part name>.<channel of that part>, or a list of them, the best first; or what it is made of (docs/filters.md, made of others)",
      ),
    failOver: failOverSchema
      .optional()
      .describe("for a list of sources: when the next one speaks, and when the better one again"),
    label: z.string().min(1).max(80).optional().describe("words on a screen; default: those of the part"),
    filters: chainSchema.max(16).default([]).describe("filters in the order samples pass them (docs/filters.md)"),
    stats: z
      .array(z.enum(WINDOW_STATS))
      .min(1)
      .refine((s) => new Set(s).size === s.length, "expected each statistic once")
      .default(["mean", "min", "max"])
      .describe("statistics of each row; `last` alone gives a column without a suffix"),
    aboveAt: z
      .number()
      .optional()
      .describe("adds the column `.above`: for how many seconds of each row the value lay above this, in its unit"),
    deadband: z
      .union([z.literal("none"), z.number().positive()])
      .default("none")
      .describe("report only what moved more than this, in the channel's unit: short for a deadband filter at the end"),
  })
  .describe("one channel that is published");

export const profileSchema = z
  .strictObject({
    name: z.string().min(1).max(80).describe("maker and type"),
    role: z.enum(["detonate", "prepare_ground", "vegetation"]).describe("what the machine is for (IMAS 09.50 classes)"),
    tool: z.enum(["tiller", "flail", "rotary_cutter", "brush_cutter"]).describe("the working tool"),
    toolWidthM: z.number().positive().max(20).optional().describe("working width of the tool in m"),
    targetDepthM: z.number().min(0).max(1).optional().describe("depth to be worked in m, positive below ground"),
    rotorRpm: z.number().positive().max(3000).optional().describe("speed of the rotor at work in rpm"),
    workSpeedMps: z.number().positive().max(5).optional().describe("ground speed at work in m/s"),
  })
  .describe("what kind of machine this is");

export const trackSchema = z
  .strictObject({
    from: snake("a part's name").describe("the part whose fixes become the track"),
    columns: z
      .array(z.string())
      .refine((all) => ["lat", "lon"].every((n) => all.includes(n)), "expected lat, lon and what else is wanted")
      .refine((all) => new Set(all).size === all.length, "expected each column once")
      .optional()
      .describe("which of its channels are sent, in snake_case; default: all"),
  })
  .describe("where the machine went");

export const rowsSchema = z
  .strictObject({
    everyMs: z.int().min(100).max(60_000).default(1000).describe("spacing of rows in ms"),
    batch: z.int().min(1).max(600).default(10).describe("rows in one record"),
  })
  .describe("the grid of telemetry rows");

export const ringSchema = z
  .strictObject({ seconds: z.int().min(1).max(600).default(30).describe("seconds kept at full rate in memory") })
  .describe("the last seconds of every channel");

const channelName = snake("a channel's name");
const seconds = (about: string) => z.number().min(0.1).max(300).describe(about);

export const limitSchema = z
  .strictObject({
    channel: channelName.describe("the channel that is watched, behind its filters"),
    above: z.number().optional().describe("too much is more than this, in the channel's unit; or `below`"),
    below: z.number().optional().describe("too little is less than this, in the channel's unit; or `above`"),
    releaseAt: z.number().describe("the limit is left when the value is back at this or further"),
    afterMs: z.int().min(0).max(3_600_000).default(0).describe("how long it must last before it is told, in ms"),
    releaseAfterMs: z.int().min(0).max(3_600_000).default(0).describe("how long it must be good again, in ms"),
    severity: z.enum(SEVERITIES).default("warning").describe("how bad it is"),
    capture: z.boolean().default(false).describe("whether the black box keeps what was around it"),
  })
  .refine((l) => (l.above === undefined) !== (l.below === undefined), "expected above or below, one of the two")
  .describe("a limit with hysteresis and delays");

export const shockSchema = z
  .strictObject({
    channels: z
      .array(channelName)
      .min(1)
      .max(3)
      .refine((all) => new Set(all).size === all.length, "expected each channel once")
      .describe("the axes of one accelerometer; their samples are taken before the filters"),
    floorMps2: z.number().positive().describe("least peak of a detonation candidate in m/s2, by tests on this machine"),
    strikeMps2: z.number().positive().optional().describe("least peak of a counted rock strike; default: a quarter"),
    k: z.number().min(3).max(100).default(12).describe("how many MAD above the noise's median a peak must lie"),
    riseMs: z.number().min(1).max(50).default(5).describe("a detonation rises faster than this, in ms"),
    ringSamples: z.int().min(1).max(100).default(4).describe("samples a detonation rings after its peak, at least"),
    refractoryMs: z.int().min(50).max(10_000).default(250).describe("no second shock is told within this, in ms"),
    rotor: channelName.optional().describe("channel of the rotor's speed: its dip is evidence, its turning is work"),
    rotorWorkingRpm: z.number().positive().default(50).describe("noise is learnt while the rotor is faster than this"),
    load: channelName.optional().describe("channel of a load (pressure, current): its step is evidence"),
    severity: z.enum(SEVERITIES).default("warning").describe("how bad a candidate is"),
    capture: z.boolean().default(true).describe("whether the black box keeps what was around a candidate"),
  })
  .describe("detonation candidates and rock strikes");

export const jamSchema = z
  .strictObject({
    rotor: channelName.describe("channel of the rotor's speed, behind its filters"),
    load: channelName.describe("channel of what drives it (pressure, current, load of the engine)"),
    loadAbove: z.number().describe("above this, in its unit, the rotor is driven"),
    rotorBelowRpm: z.number().positive().describe("a driven rotor slower than this is held back"),
    releaseRpm: z.number().positive().describe("the jam is over when the rotor is this fast again"),
    stoppedRpm: z.number().positive().default(20).describe("below this a driven rotor has stalled"),
    afterMs: z.int().min(0).max(60_000).default(500).describe("how long it must last before it is told, in ms"),
    releaseAfterMs: z.int().min(0).max(60_000).default(1000).describe("how long it must be free again, in ms"),
    severity: z.enum(SEVERITIES).default("alarm").describe("how bad it is"),
    capture: z.boolean().default(false).describe("whether the black box keeps what was around it"),
  })
  .describe("a rotor that is jammed or stalled under load");

export const stateSchema = z
  .strictObject({
    channel: channelName.describe("a channel whose values are codes, such as one made by machine_state"),
    severity: z.enum(SEVERITIES).default("info").describe("how bad a change is"),
    capture: z.boolean().default(false).describe("whether the black box keeps what was around a change"),
  })
  .describe("an event for every change of a state");

export const detectorSchema = z
  .strictObject({
    limit: limitSchema.optional(),
    shock: shockSchema.optional(),
    jam: jamSchema.optional(),
    state: stateSchema.optional(),
  })
  .refine(
    (d) => Object.values(d).filter((v) => v !== undefined).length === 1,
    "expected limit, shock, jam or state, one to a detector",
  )
  .describe("one detector: what it watches for");

const spanSchema = (beforeS: number, afterS: number, about: string) =>
  z
    .strictObject({
      beforeS: seconds("seconds kept before the trigger").default(beforeS),
      afterS: seconds("seconds kept after the trigger").default(afterS),
    })
    .prefault({})
    .describe(about);

export const captureSchema = z
  .strictObject({
    fast: spanSchema(2, 3, "channels of 100 samples a second and more"),
    slow: spanSchema(10, 10, "all other channels"),
  })
  .describe("the black box: what is kept of every channel around a trigger");

export const simulationSchema = z
  .strictObject({
    scene: z.enum(["tilling"]).default("tilling").describe("what the simulated machine does"),
    seed: z.int().min(0).max(0xffff_ffff).default(1).describe("the same seed gives the same work"),
    speed: z.number().min(0.1).max(100).default(1).describe("how many times faster than real time"),
    unplugged: z
      .array(snake("a part's name"))
      .max(64)
      .describe("parts that hang on no wire, to practise finding a fault")
      .optional(),
    keyOffAtS: z
      .number()
      .min(0)
      .max(86_400)
      .optional()
      .describe(
        "the key is turned off so many seconds after it was first read: the channel of power.ignition shows it",
      ),
    keyOnAtS: z.number().min(0).max(86_400).optional().describe("and on again so many seconds after it was first read"),
  })
  .describe("every bus becomes memory and every part its twin; what comes out is marked as simulated");

/** The page in the cab. */
export const cabSchema = z
  .strictObject({
    listen: z
      .union([z.ipv4(), z.ipv6()])
      .default("127.0.0.1")
      .describe("address it is served on: 127.0.0.1 for a screen on the unit itself, or that of the cab's own network"),
    port: z.int().min(0).max(65_535).default(8088).describe("port it is served on; 0 takes a free one"),
    tokenFile: filePath("file whose first line a browser must show; needed on any address but loopback").optional(),
    language: z
      .string()
      .regex(/^[a-z]{2,8}$/, "the code of a language, such as km or en")
      .default("km")
      .describe("language to begin with"),
    languagesDir: filePath("folder with more languages, one <code>.json each").optional(),
    depth: channelName.default("tool_depth").describe("channel of the tool's depth below ground, in m"),
    rotor: channelName.default("rotor_speed").describe("channel of the rotor's speed, in rpm"),
  })
  .refine((c) => c.tokenFile !== undefined || isLoopbackAddress(c.listen), {
    path: ["tokenFile"],
    error: "expected tokenFile: on any address but loopback the page asks for a token",
  })
  .describe("the page for the operator");

const panelPin = (what: string) => z.int().min(2).max(69).optional().describe(what);

export const panelSchema = z
  .strictObject({
    board: snake("a part's name").describe("the sub-board it is wired to: a part firmata-board"),
    lampPin: panelPin("pin of the lamp; on is high"),
    buzzerPin: panelPin("pin of an active buzzer; on is high"),
    keyPin: panelPin("pin of the key, which closes to ground"),
    muted: z.boolean().default(false).describe("the buzzer never sounds"),
    short: z.enum(["mine_found", "detonation"]).default("detonation").describe("what a short press of the key marks"),
    long: z.enum(["breakdown", "standby"]).default("breakdown").describe("what a long press of the key marks"),
  })
  .refine((p) => p.lampPin !== undefined || p.buzzerPin !== undefined || p.keyPin !== undefined, {
    error: "expected lampPin, buzzerPin or keyPin, at least one",
  })
  .describe("the operator's lamp, buzzer and key (docs/operator.md)");

export const displaySchema = z
  .strictObject({
    part: z.string().min(1).max(64).default("ssd1306").describe("which display it is, by its name in docs/devices.md"),
    bus: snake("a bus's name").describe("the I2C bus it is wired to"),
    address: z.int().min(0x03).max(0x77).describe("its I2C address"),
    size: z
      .enum(DISPLAY_SIZES)
      .default("128x64")
      .describe("columns and rows of pixels; the smaller one has two small lines"),
    depth: channelName.optional().describe("channel of the tool's depth in m; default: that of cab, else tool_depth"),
    rotor: channelName
      .optional()
      .describe("channel of the rotor's speed in rpm; default: that of cab, else rotor_speed"),
  })
  .describe("a small display for a glance at the unit's state (docs/operator.md)");

export const harnessSchema = z
  .strictObject({
    channel: channelName.describe("channel of the serial number in a memory that stays with the machine (at24c32)"),
    serial: z.int().min(0).max(4_294_967_295).describe("the serial number of this machine's harness"),
  })
  .describe("which harness this machine has: a unit in another machine says so");

export const powerSchema = z
  .strictObject({
    ignition: z
      .strictObject({
        channel: channelName.describe("channel of the ignition: a switch input, or a voltage behind the key"),
        onAbove: z.number().default(0.5).describe("the ignition is on above this, in the channel's unit"),
        offBelow: z
          .number()
          .optional()
          .describe("and off below this; between the two it is as it was; default: onAbove"),
        offHoldMs: z
          .int()
          .min(500)
          .max(600_000)
          .default(5000)
          .describe("how long it must be off before the unit winds down, in ms; longer than the dip while cranking"),
        holdUpMs: z
          .int()
          .min(5000)
          .max(3_600_000)
          .describe("how long the supply goes on after the ignition is off, in ms: measured on this machine"),
        shutdownMs: z
          .int()
          .min(1000)
          .max(600_000)
          .default(10_000)
          .describe("how long Linux takes from there until the power may go, in ms: measured (docs/maintainer.md)"),
        unless: z
          .strictObject({
            channel: channelName.describe("channel that shows that the machine runs, such as the engine's speed"),
            above: z.number().describe("above this, in its unit, the machine runs"),
          })
          .optional()
          .describe("never while this says that the machine runs: a broken wire reads like a key that is off"),
      })
      .refine((i) => i.offBelow === undefined || i.offBelow <= i.onAbove, {
        path: ["offBelow"],
        error: "expected offBelow not above onAbove",
      })
      .describe("how the ignition is sensed, and how long there is to switch off in order"),
  })
  .describe("power: the unit switches its computer off in order once the ignition is off");

function isLoopbackAddress(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

const names = <T extends z.ZodType>(value: T) => z.record(snake("a name"), value);

/** One unit file, or a unit file merged with the profile it extends. */
export const unitSchema = z
  .strictObject({
    org: topicLevel.describe("the organisation, as in every topic"),
    unit: topicLevel
      .refine((u) => u !== "hq", "expected another name: hq is reserved")
      .describe("this unit; its MQTT client id"),
    machine: topicLevel.describe("the machine it is mounted on; stays when the unit is swapped"),
    profile: profileSchema.optional(),
    site: siteSchema.optional(),
    broker: brokerSchema,
    spool: spoolSchema.prefault({}),
    hq: hqSchema.optional(),
    buses: names(busSchema).describe("buses by name"),
    parts: names(partSchema).describe("parts by name"),
    channels: names(channelSchema).prefault({}).describe("channels by column name"),
    track: trackSchema.optional(),
    rows: rowsSchema.prefault({}),
    live: z
      .strictObject({ everyMs: z.int().min(50).max(60_000).default(1000).describe("spacing of live messages in ms") })
      .prefault({})
      .describe("the newest values, for dashboards"),
    ring: ringSchema.prefault({}),
    detectors: names(detectorSchema).prefault({}).describe("detectors by name; a limit's name is that of its events"),
    capture: captureSchema.prefault({}),
    calibration: calibrationSchema.optional(),
    cab: cabSchema.optional(),
    panel: panelSchema.optional(),
    display: displaySchema.optional(),
    power: powerSchema.optional(),
    harness: harnessSchema.optional(),
    simulation: simulationSchema.optional(),
  })
  .describe("Swath unit file");

export type UnitFile = z.output<typeof unitSchema>;
export type BusConfig = z.output<typeof busSchema>;
export type Profile = z.output<typeof profileSchema>;
export type Capture = z.output<typeof captureSchema>;
export type Panel = z.output<typeof panelSchema>;
export type Harness = z.output<typeof harnessSchema>;
export type Power = z.output<typeof powerSchema>;
export type Cab = z.output<typeof cabSchema>;
export type Simulation = z.output<typeof simulationSchema>;
