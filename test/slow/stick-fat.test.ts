import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { runInGuest } from "../rigs/uml/guest.ts";

const script = resolve(import.meta.dirname, "../../scripts/install/usb-inbox");
/** Long enough for a machine ten times slower than an idle one. */
const LIMIT_MS = 110_000;
const NOBODY = 65_534;

it("a stick as they are sold, with FAT: found, read, answered and written by the one-shot, its file system whole afterwards", async () => {
  const run = await runInGuest(
    `set -e
for module in loop vfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8; do modprobe $module || true; done
cd /run
truncate -s 8M stick.img
mkfs.vfat stick.img >/dev/null
stick=$(losetup -f --show stick.img)
mkdir at in out
mount "$stick" at
printf signed >"at/Unit 7 (new).swath"
: >at/swath-records.request
echo "an old report" >at/swath-report-u-7.txt
echo "holiday" >at/photo.jpg
umount at
chown ${NOBODY}:${NOBODY} in out
chmod 711 /run
# The unit's part of it.
(
  until [ -f in/swath-records.request ] && [ -f in/usb-Unit7new.swath ]; do sleep 0.2; done
  findmnt -no FSTYPE,OPTIONS "$stick" >/rig/reading
  cat in/usb-Unit7new.swath >/rig/delivered
  printf u-7 >out/unit
  echo "a new report" >out/report.txt
  head -c 3000000 /rig/run.sh /dev/zero >out/records.sealed
  chown ${NOBODY}:${NOBODY} out/*
  sha256sum <out/records.sealed >/rig/sent
  echo "ACCEPTED: trial" >in/usb-Unit7new.swath.txt
  echo "DONE: records written" >in/swath-records.request.txt
) &
code=0
SWATH_INBOX=/run/in SWATH_OUTBOX=/run/out SWATH_OWNER=${NOBODY} sh ${script} "$stick" >/rig/said || code=$?
wait
echo $code >/rig/one-shot
findmnt -n "$stick" >/rig/left || true
ls out >/rig/outbox
fsck.vfat -n stick.img >/rig/fsck && echo clean >/rig/verdict
mount -o ro "$stick" at
(cd at; ls -A) >/rig/names
sha256sum <at/swath-records-u-7-1.sealed >/rig/got
cat at/swath-report-u-7.txt at/swath-answer.txt >/rig/read
`,
    {},
    LIMIT_MS,
  );
  try {
    expect({ code: run.code, output: run.output }).toEqual({ code: 0, output: "" });
    expect(run.file("one-shot").trim(), run.file("said")).toBe("0");
    const [kind, options = ""] = run.file("reading").trim().split(/\s+/);
    expect(kind).toBe("vfat");
    expect(options.split(",")).toEqual(expect.arrayContaining(["ro", "nosuid", "nodev", "noexec"]));
    expect(run.file("delivered")).toBe("signed");
    expect(run.file("names").trim().split("\n").sort()).toEqual([
      "Unit 7 (new).swath",
      "photo.jpg",
      "swath-answer.txt",
      "swath-records-u-7-1.sealed",
      "swath-records.request",
      "swath-report-u-7.txt",
    ]);
    expect(run.file("got")).toBe(run.file("sent"));
    expect(run.file("got")).not.toContain(createHash("sha256").digest("hex"));
    expect(run.file("read")).toMatch(/^a new report\n(.*\n)*ACCEPTED: trial\n/);
    expect(run.file("read")).toContain("DONE: records written");
    expect(run.file("left")).toBe("");
    expect(run.file("outbox")).toBe("");
    expect(run.file("verdict")).toBe("clean\n");
  } finally {
    run.close();
  }
});
