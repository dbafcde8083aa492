import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** What the Linux host tells about itself; a reading it does not have is absent. */
export interface HostReadings {
  cpuTempCel?: number;
  undervoltage?: boolean;
  diskFreeMb?: number;
}

function readNumber(path: string): number | undefined {
  try {
    const n = Number(readFileSync(path, "utf8"));
    return Number.isFinite(n) ? n : undefined;
  } catch {
    return undefined;
  }
}

/** The alarm of the `rpi_volt` hwmon device: 1 while the supply of the Pi is, or was a moment ago, below 4.63 V. */
function undervoltage(sysRoot: string): boolean | undefined {
  const base = join(sysRoot, "class/hwmon");
  try {
    for (const name of readdirSync(base)) {
      if (readFileSync(join(base, name, "name"), "utf8").trim() !== "rpi_volt") continue;
      const alarm = readNumber(join(base, name, "in0_lcrit_alarm"));
      return alarm === undefined ? undefined : alarm !== 0;
    }
  } catch {
    // No hwmon on this host.
  }
  return undefined;
}

/** Reads temperature, undervoltage and free disk; `sysRoot` is `/sys` but for tests. */
export function readHost(dir: string, sysRoot = "/sys"): HostReadings {
  const out: HostReadings = {};
  const milliCel = readNumber(join(sysRoot, "class/thermal/thermal_zone0/temp"));
  if (milliCel !== undefined) out.cpuTempCel = milliCel / 1000;
  const low = undervoltage(sysRoot);
  if (low !== undefined) out.undervoltage = low;
  try {
    const fs = statfsSync(dir);
    out.diskFreeMb = Math.round((fs.bavail * fs.bsize) / 1e6);
  } catch {
    // The folder is gone; the spool tells.
  }
  return out;
}

/** The id the kernel made at this boot, or a made-up one where there is none. */
export function readBootId(fallback: () => string): string {
  // In a service that sees no more of /proc than processes, systemd says it.
  const told = process.env["SWATH_BOOT"];
  if (told !== undefined && /^[0-9a-f]{32}$/.test(told)) return told;
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return fallback();
  }
}
