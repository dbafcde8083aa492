import { createUbxFramer } from "../../src/codec/ubx-framer.ts";
import { decodeNavPvt, fixOfNavPvt, NAV_PVT, type PvtFix } from "../../src/codec/ubx-nav-pvt.ts";

export const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

/** Every frame and every fix of a stream that comes in these chunks. */
export function readUbx(chunks: Uint8Array[], dateFloor = "2014-01-01") {
  const frames: string[] = [];
  const fixes: PvtFix[] = [];
  const framer = createUbxFramer((cls, id, payload, startedMs) => {
    frames.push(`${cls}.${id}.${Buffer.from(payload).toString("hex")}`);
    const pvt = cls === NAV_PVT.cls && id === NAV_PVT.id ? decodeNavPvt(payload) : undefined;
    if (pvt !== undefined) fixes.push(fixOfNavPvt(pvt, startedMs, Date.parse(dateFloor)));
  });
  for (const chunk of chunks) framer.push(chunk, 0);
  return { frames, fixes, counters: { ...framer.counters } };
}
