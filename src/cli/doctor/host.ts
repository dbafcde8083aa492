import { accessSync, closeSync, constants, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { readHost } from "../../unit/host-readings.ts";
import { PACKAGE_ROOT } from "../version.ts";
import { type Finding, finding } from "./finding.ts";

/** A Pi slows down at 80 °C and more at 85 °C. */
const WARM_CEL = 80;
const HOT_CEL = 85;
const DISK_LOW_MB = 500;
const DISK_FULL_MB = 50;

/** Supply and temperature of the computer; `sysRoot` is `/sys` but for tests. */
export function checkPower(spoolDir: string, sysRoot = "/sys"): Finding[] {
  const { undervoltage, cpuTempCel } = readHost(spoolDir, sysRoot);
  const supply =
    undervoltage === undefined
      ? finding("supply", "unknown", "this computer does not tell its supply")
      : undervoltage
        ? finding(
            "supply",
            "wrong",
            "the Pi has less than 4.63 V, now or a moment ago",
            "Check the 24 V converter and its cable; use one of 5 V 3 A or more.",
          )
        : finding("supply", "ok", "the Pi has its 5 V");
  if (cpuTempCel === undefined) return [supply, finding("temperature", "unknown", "this computer tells none")];
  const shown = `${cpuTempCel.toFixed(0)} °C`;
  const hot = "Give the unit air and shade; clean its heat sink.";
  if (cpuTempCel >= HOT_CEL) return [supply, finding("temperature", "wrong", `${shown}: the processor is slowed`, hot)];
  if (cpuTempCel >= WARM_CEL) return [supply, finding("temperature", "look", `${shown}: near slowing`, hot)];
  return [supply, finding("temperature", "ok", shown)];
}

/** Whether records can be kept: the spool's folder takes files and has room. */
export function checkDisk(spoolDir: string): Finding {
  // A folder that is not there yet is made by the unit: what counts is the nearest one that is.
  let dir = spoolDir;
  while (!exists(dir) && dirname(dir) !== dir) dir = dirname(dir);
  try {
    const file = join(dir, `.doctor-${process.pid}`);
    closeSync(openSync(file, "w"));
    rmSync(file);
  } catch (e) {
    const code = e instanceof Error && "code" in e ? String(e.code) : String(e);
    const todo =
      code === "EROFS"
        ? "The card has become read-only: it is worn out or was damaged by a power cut. Change it."
        : code === "ENOSPC"
          ? "The card is full. Remove what is not Swath's, or set spool.maxMb lower."
          : `Make ${spoolDir} a folder that the user of the service may write.`;
    return finding("disk", "wrong", `${dir} takes no files (${code})`, todo);
  }
  const { diskFreeMb } = readHost(dir);
  if (diskFreeMb === undefined) return finding("disk", "unknown", `${spoolDir} does not tell its room`);
  const shown = `${spoolDir}: ${diskFreeMb} MB free`;
  const todo = "Remove what is not Swath's, or set spool.maxMb lower.";
  if (diskFreeMb < DISK_FULL_MB) return finding("disk", "wrong", shown, todo);
  return diskFreeMb < DISK_LOW_MB ? finding("disk", "look", shown, todo) : finding("disk", "ok", shown);
}

/** Whether the clock can be right, and what keeps it over a night without power. */
export function checkClock(nowMs = Date.now(), root = "/"): Finding[] {
  const builtMs = statSync(join(PACKAGE_ROOT, "package.json")).mtimeMs;
  const shown = new Date(nowMs).toISOString().slice(0, 16).replace("T", " ");
  const past = nowMs < builtMs - 86_400_000;
  const clock = past
    ? finding(
        "clock",
        "wrong",
        `${shown} UTC is before this software was made`,
        "Give the unit network or a receiver with a fix, or set it: sudo date -s. Until then TLS refuses the broker.",
      )
    : exists(join(root, "run/systemd/timesync/synchronized"))
      ? finding("clock", "ok", `${shown} UTC, from the network`)
      : finding("clock", "look", `${shown} UTC, not confirmed by the network (a receiver with a fix gives it too)`);
  const rtc = readdirSyncOr(join(root, "dev")).some((name) => /^rtc\d*$/.test(name));
  const kept = rtc
    ? finding("clock battery", "ok", "there is a real-time clock")
    : finding("clock battery", "look", "no real-time clock: the time is unknown after every night", "Fit a DS3231.");
  return [clock, kept];
}

/** Whether this user may use a device file. */
export function checkDeviceFile(what: string, path: string, group: string): Finding {
  if (!exists(path)) return finding(what, "wrong", `${path} does not exist`, missingTodo(path));
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return finding(what, "ok", `${path} may be used`);
  } catch {
    const todo = `Add the user to the group ${group} (sudo usermod -aG ${group} USER) and log in again.`;
    return finding(what, "wrong", `${path} may not be used by this user`, todo);
  }
}

function missingTodo(path: string): string {
  if (path.startsWith("/dev/i2c-"))
    return "Switch I2C on: sudo raspi-config nonint do_i2c 0, or dtparam=i2c_arm=on in /boot/firmware/config.txt.";
  const there = readdirSyncOr("/dev/serial/by-id");
  return there.length === 0
    ? "Plug the adapter in; no USB serial adapter is seen (ls /dev/serial/by-id)."
    : `Use one of the names there are: ${there.map((name) => `/dev/serial/by-id/${name}`).join(", ")}.`;
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}

function readdirSyncOr(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
