import { describe, it } from "vitest";
import { z } from "zod";
import type { tfmini as Tfmini } from "../../devices/tfmini.ts";
import { rangeProtocol, rangeTwin } from "../../src/device/range-frames.ts";
import * as serialDevice from "../../src/device/serial-device.ts";
import * as quality from "../../src/model/quality.ts";
import { serialRig } from "../device/serial-rig.ts";
import { bytesOf, close, goldenOf, judge } from "../rigs/source-judge.ts";
import { sourceMutants, UNTOLD } from "../rigs/source-mutants.ts";

describe("a mistake in the text of", () => {
  const frameImports = {
    zod: { z },
    "../src/device/range-frames": { rangeProtocol, rangeTwin },
    "../src/device/serial-device": serialDevice,
    "../src/model/quality": quality,
  };
  const cases = goldenOf("range-frames").cases as {
    part: string;
    bytes: string;
    expect: Record<string, number | null>;
    q: number;
  }[];
  const inMm = (device: typeof Tfmini) => {
    const { scans, send } = serialRig(device, { output: "mm" });
    send(bytesOf("59597900e803c808e6"));
    return scans[0]?.x["distance"];
  };
  it.each(["a02yyuw", "tfmini"] as const)("%s is found by frames at the ends of its range", (part) => {
    judge<Record<string, typeof Tfmini>>(
      part,
      sourceMutants(`devices/${part}`, frameImports, UNTOLD),
      (m) =>
        cases
          .filter((c) => c.part === part)
          .some(({ bytes, expect: wanted, q }) => {
            const { scans, send } = serialRig(m[part]!);
            send(bytesOf(bytes));
            return (
              scans.length !== 1 ||
              scans[0]!.q["distance"] !== q ||
              (scans[0]!.q["strength"] ?? 0) !== 0 ||
              (scans[0]!.q["temperature"] ?? 0) !== 0 ||
              Object.entries(wanted).some(([key, x]) => !close(scans[0]!.x[key]!, x))
            );
          }) ||
        (part === "tfmini" && inMm(m[part]!) !== 0.121),
    );
  });
});
