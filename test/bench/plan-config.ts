/** J1939 frames a second on the bus of a machine at work; the engine's own are among them. */
export const CAN_FRAMES_HZ = 660;

const VIBRATION =
  "[{ calibrate: { scale: 0.98 } }, { median: 5 }, { low_pass: { cutoffHz: 100 } }, { decimate: 16 }, { deadband: 2 }]";
/** What the scene knows a channel of the plan by: the IMU and the armed sensor are shaken like the shock sensor. */
export const SCENE_NAMES: Readonly<Record<string, string>> = {
  ...{ hull_x: "shock_x", hull_y: "shock_y", hull_z: "shock_z" },
  ...{ accel_x: "shock_x", accel_y: "shock_y", accel_z: "shock_z" },
  ...{ gyro_x: "shock_x", gyro_y: "shock_y", gyro_z: "shock_z" },
  bus_speed: "engine_speed",
};

/** The full plan as a unit file: what a machine with every sensor of the plan asks of the sampler. */
export function planConfig(options: { readonly demoFile: string; readonly capture: boolean }): string {
  return `extends: ${JSON.stringify(options.demoFile)}
broker: { url: mqtt://127.0.0.1:1 }
buses:
  i2c3: { kind: i2c, device: 3, clockHz: 400000 }
  can: { kind: serial, port: /dev/serial/by-id/usb-can, baud: 460800 }
parts:
  # On a bus of its own: streaming 800 scans a second fills the better part of one.
  hull: { part: adxl375, bus: i2c3, address: 0x53, options: { mode: armed } }
  imu: { part: lsm6dsox, bus: i2c3, address: 0x6a, options: { odrHz: 104 } }
  io: { part: mcp23017, bus: i2c3, address: 0x20, options: { everyMs: 20 } }
  engine: { part: j1939-slcan, bus: can, options: { dialect: lawicel } }
channels:
${["shock_x", "shock_y", "shock_z"].map((name) => `  ${name}: { filters: ${VIBRATION} }\n`).join("")}\
${["X", "Y", "Z"].map((a) => `  hull_${a.toLowerCase()}: { from: hull.shock${a}, stats: [min, max] }\n`).join("")}\
${["X", "Y", "Z"].map((a) => `  accel_${a.toLowerCase()}: { from: imu.accel${a}, filters: [{ low_pass: { cutoffHz: 5 } }, { decimate: 8 }], stats: [mean] }\n`).join("")}\
${["X", "Y", "Z"].map((a) => `  gyro_${a.toLowerCase()}: { from: imu.gyro${a}, filters: [{ low_pass: { cutoffHz: 5 } }, { decimate: 8 }], stats: [mean] }\n`).join("")}\
  guard: { from: io.gpa0, stats: [last] }
  bus_speed: { from: engine.engineSpeed, stats: [mean] }
detectors:
  detonation: { shock: { channels: [shock_x, shock_y, shock_z], floorMps2: 600, capture: ${options.capture} } }
  # Crossed again and again by a machine at work, so that captures follow one another.
  shaken: { limit: { channel: gyro_x, above: 0.01, releaseAt: 0, afterMs: 300, capture: ${options.capture} } }
capture: { fast: { beforeS: 2, afterS: 0.5 }, slow: { beforeS: 4, afterS: 0.5 } }
`;
}
