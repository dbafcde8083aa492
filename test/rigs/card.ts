import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const run = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: "utf8" });

/** Whether this user may make a card: root, with loop devices and mkfs.ext4. */
export const canMakeCard =
  process.getuid?.() === 0 && ["/dev/loop-control", "/usr/sbin/mkfs.ext4"].every((path) => existsSync(path));

/** A card: an ext4 of its own on a loop device, which can stall. */
export interface Card {
  readonly dir: string;
  /** From now on nothing that writes or syncs returns. */
  stall(): void;
  recover(): void;
  remove(): void;
}

/** Makes a card of 48 MB. */
export function makeCard(): Card {
  const folder = mkdtempSync(join(tmpdir(), "swath-card-"));
  const [image, dir] = [join(folder, "card.img"), join(folder, "card")];
  mkdirSync(dir);
  run("truncate", "-s", "48M", image);
  run("mkfs.ext4", "-q", "-F", image);
  run("mount", "-o", "loop", "-t", "ext4", image, dir);
  let stalled = false;
  const recover = (): void => {
    if (stalled) run("fsfreeze", "-u", dir);
    stalled = false;
  };
  return {
    dir,
    stall() {
      run("fsfreeze", "-f", dir);
      stalled = true;
    },
    recover,
    remove() {
      recover();
      run("umount", "-l", dir);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
