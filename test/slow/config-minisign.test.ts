import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { formatPublicKey, openMinisign, parsePublicKey } from "../../src/codec/minisign.ts";
import { openBundle } from "../../src/config/bundle.ts";
import { bundleOf, keyPair, sealed } from "../config/sealed.ts";

const folder = mkdtempSync(join(tmpdir(), "swath-minisign-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const { secret, known } = keyPair();

describe("the format of a bundle", () => {
  it("is that of the minisign tool: it verifies what is sealed here", () => {
    const file = sealed(secret).toString("latin1").split("\n");
    writeFileSync(at("x.json.minisig"), `${file.slice(0, 4).join("\n")}\n`);
    writeFileSync(at("x.json"), file.slice(4).join("\n"));
    const out = execFileSync("minisign", ["-V", "-P", formatPublicKey(known), "-m", at("x.json")], {
      encoding: "utf8",
    });
    expect(out).toContain("Signature and comment signature verified");
    expect(out).toContain("unit unit-1 on machine-1, serial 2");
    writeFileSync(at("x.json"), `${file.slice(4).join("\n")} `);
    expect(spawnSync("minisign", ["-V", "-P", formatPublicKey(known), "-m", at("x.json")]).status).not.toBe(0);
  });

  it.each([
    ["prehashed", []],
    ["legacy", ["-l"]],
  ])("is that of the minisign tool: what it signs (%s) opens here", (_, flags) => {
    rmSync(at("k.pub"), { force: true });
    rmSync(at("k.key"), { force: true });
    execFileSync("minisign", ["-G", "-W", "-p", at("k.pub"), "-s", at("k.key")]);
    const text = `${JSON.stringify(bundleOf())}\n`;
    writeFileSync(at("y.json"), text);
    execFileSync("minisign", [
      "-S",
      ...flags,
      "-s",
      at("k.key"),
      "-m",
      at("y.json"),
      "-c",
      "swath configuration",
      "-t",
      "by tool",
    ]);
    const pub = parsePublicKey(readFileSync(at("k.pub"), "utf8"))!;
    const signed = Buffer.from(readFileSync(at("y.json.minisig"), "latin1") + text, "latin1");
    expect(openMinisign(signed, "swath configuration", [pub])).toEqual({
      text,
      trustedComment: "by tool",
      keyId: pub.id,
    });
    expect(openBundle(signed, [pub])).toMatchObject({ bundle: bundleOf() });
  });
});
