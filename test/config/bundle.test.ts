import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { signMinisign } from "../../src/codec/minisign.ts";
import { BUNDLE_MAX_BYTES, misfit, openBundle, successorLine } from "../../src/config/bundle.ts";
import { flattenConfig, loadFlat } from "../../src/config/flatten.ts";
import { loadConfig } from "../../src/config/load.ts";
import { bundleOf, keyPair, sealed } from "./sealed.ts";

const { secret, known } = keyPair();

/** Content that a schema must never have seen, under a signature that holds. */
const signedAs = (text: string) => Buffer.from(signMinisign(text, "x", "swath configuration", secret));

describe("a bundle", () => {
  it("opens with the key it was signed with", () => {
    expect(openBundle(sealed(secret), [known])).toMatchObject({ bundle: bundleOf(), keyId: known.id });
  });

  it("is refused after every flip of a single bit and of a single byte, and after every truncation", () => {
    const good = sealed(secret);
    let [bits, bytes, cuts] = [0, 0, 0];
    for (let i = 0; i < good.length; i++) {
      for (let bit = 0; bit < 8; bit++) {
        const bad = Buffer.from(good);
        bad[i] = bad[i]! ^ (1 << bit);
        expect("refused" in openBundle(bad, [known]), `byte ${i}, bit ${bit}`).toBe(true);
        bits++;
      }
      const other = Buffer.from(good);
      other[i] = other[i]! ^ 0xff;
      expect("refused" in openBundle(other, [known]), `byte ${i}`).toBe(true);
      bytes++;
      expect("refused" in openBundle(good.subarray(0, i), [known]), `cut to ${i}`).toBe(true);
      cuts++;
    }
    for (const more of ["\n", " ", "\0", "{}"])
      expect("refused" in openBundle(Buffer.concat([good, Buffer.from(more)]), [known])).toBe(true);
    console.log(`refused: ${bits} flips of a bit, ${bytes} of a byte, ${cuts} truncations, of ${good.length} bytes`);
    // The control: what was changed nowhere opens.
    expect("refused" in openBundle(Buffer.from(good), [known])).toBe(false);
  });

  it("is refused with the reason: unknown key, no signature, too large", () => {
    const reason = (file: Buffer, keys = [known]) => {
      const opened = openBundle(file, keys);
      return "refused" in opened ? opened.refused : "";
    };
    expect(reason(sealed(secret), [keyPair().known])).toBe(
      `it is signed with key ${known.id}, which this unit does not know`,
    );
    expect(reason(Buffer.from("hello"))).toContain("it is not a signed file");
    expect(reason(Buffer.alloc(BUNDLE_MAX_BYTES + 1))).toContain(`at most ${BUNDLE_MAX_BYTES} are read`);
    const stranger = generateKeyPairSync("ed25519").privateKey;
    const forged = sealed(stranger).toString("latin1").split("\n");
    const head = Buffer.from(forged[1]!, "base64");
    Buffer.from(known.id, "hex").copy(head, 2);
    forged[1] = head.toString("base64");
    expect(reason(Buffer.from(forged.join("\n"), "latin1"))).toBe(
      `the signature of key ${known.id} does not hold: the file was changed or is damaged`,
    );
  });

  it.each([
    ["a path that leaves the folder", { files: [{ name: "../unit.yaml", text: "" }] }],
    ["a path from the root", { files: [{ name: "/etc/passwd", text: "" }] }],
    ["a hidden file", { files: [{ name: ".profile.yaml", text: "" }] }],
    ["a file name with a NUL", { files: [{ name: "unit\0.yaml", text: "" }] }],
    [
      "a file twice",
      {
        files: [
          { name: "unit.yaml", text: "" },
          { name: "unit.yaml", text: "" },
        ],
      },
    ],
    ["no file", { files: [] }],
    ["a serial of 0", { serial: 0 }],
    ["a key that nobody knows", { shell: "rm" }],
    ["a successor that is no key", { successor: "RWQ" }],
    ["another kind", { kind: "firmware" }],
  ])("with %s is refused although its signature holds", (_, more) => {
    const opened = openBundle(signedAs(JSON.stringify({ ...bundleOf(), ...more })), [known]);
    expect(opened).toMatchObject({ refused: expect.stringContaining("its content is not that of a bundle") });
  });

  it("with a key __proto__, or with no JSON in it, is refused although its signature holds", () => {
    const proto = JSON.stringify(bundleOf()).replace("{", '{"__proto__":{"serial":9},');
    expect(openBundle(signedAs(proto), [known])).toMatchObject({ refused: expect.stringContaining("__proto__") });
    expect(openBundle(signedAs("]"), [known])).toMatchObject({ refused: expect.stringContaining("not JSON") });
  });

  it.each(["../../etc/passwd", "/etc/passwd", "./profile-1.yaml", "x/../profile-1.yaml"])(
    "names no file but those in it: %s is refused without being read",
    (name) => {
      for (const key of ["extends", "site"]) {
        const files = [
          { name: "unit.yaml", text: `${key}: ${name}\norg: o\n` },
          { name: "profile-1.yaml", text: "" },
        ];
        const words = `unit.yaml:1: ${key}: found "${name}", expected the name of a`;
        expect(() => loadFlat(files, catalogue)).toThrow(words);
      }
    },
  );
});

describe("who and when a bundle is for", () => {
  const here = { org: "cmac", unit: "unit-1", machine: "machine-1", serial: 1, timeMs: 0, timeTrusted: false };
  it.each([
    ["another unit", { unit: "unit-2" }, {}, "it is for unit unit-2 of cmac, but this is unit-1 of cmac"],
    ["another organisation", { org: "moi" }, {}, "it is for unit unit-1 of moi"],
    ["another machine", { machine: "machine-9" }, {}, "it is for machine machine-9, but this unit is on machine-1"],
    ["an older one", { serial: 1 }, {}, "its serial is 1, expected more than 1"],
    ["an expired one", {}, { timeMs: Date.parse("2028-01-01"), timeTrusted: true }, "and it is 2028-01-01"],
    [
      "one that expired before a time that is surely past",
      {},
      { timeMs: Date.parse("2028-01-01") },
      "it is at least 2028",
    ],
    ["one that expired before it was made", { expires: "2026-10-01T00:00:00.000Z" }, {}, "before it was made"],
  ])("refuses %s with the reason", (_, bundle, binding, words) => {
    expect(misfit(bundleOf(bundle), { ...here, ...binding })).toContain(words);
  });

  it("takes a newer one for this unit on this machine", () => {
    expect(misfit(bundleOf(), here)).toBeUndefined();
  });
});

describe("a configuration in a bundle", () => {
  it("means the same as the files it was made from: unit, profiles and site lie flat", () => {
    const loaded = loadConfig(join(import.meta.dirname, "../../config/example-pi.yaml"), { catalogue });
    const files = flattenConfig(loaded, catalogue);
    expect(files.map((f) => f.name)).toEqual(["unit.yaml", "profile-1.yaml", "site.yaml"]);
    expect(loadFlat(files, catalogue).hash).toBe(loaded.hash);
    expect(files[0]?.text).toContain("# ADXL375 on the tool carrier");
    const file = sealed(secret, { files, successor: successorLine(secret) });
    expect(openBundle(file, [known])).toMatchObject({ bundle: { files } });
  });

  it("with a path that would mean something else on a unit is not made", () => {
    const loaded = loadConfig(join(import.meta.dirname, "../../config/demo.yaml"), { catalogue });
    expect(() => flattenConfig(loaded, catalogue)).toThrow(
      /demo.yaml:\d+: spool.dir: found "..\/var\/demo-spool", expected a full path/,
    );
  });

  it("is refused with file, line and key of every path that starts at its folder, also in a list, a profile, an alias", () => {
    const dir = mkdtempSync(join(tmpdir(), "swath-flatten-"));
    try {
      const [file, profile] = [join(dir, "unit.yaml"), join(dir, "type.yaml")];
      const make = (keys: string, languages: string) => {
        writeFileSync(profile, `# A type of machine\ncab:\n  languagesDir: ${languages}\n`);
        writeFileSync(
          file,
          `extends: type.yaml\norg: cmac\nunit: u-1\nmachine: m-1\nbuses: {}\nparts: {}\nbroker: { url: "mqtt://h" }\n${keys}`,
        );
        const loaded = loadConfig(file, { catalogue });
        return () => flattenConfig(loaded, catalogue);
      };
      const bad = make(
        "hq:\n  keyFiles:\n    - /etc/swath/hq.pub\n    - &name next.pub\ncab:\n  tokenFile: *name\nspool:\n  dir: ./spool\n",
        "languages",
      );
      const why = (name: string) => `found "${name}", expected a full path, because a bundle is unpacked elsewhere`;
      expect(bad).toThrow(
        [
          `${file}:11: hq.keyFiles[1]: ${why("next.pub")}`,
          `${file}:13: cab.tokenFile: ${why("next.pub")}`,
          `${file}:15: spool.dir: ${why("./spool")}`,
          `${profile}:3: cab.languagesDir: ${why("languages")}`,
        ].join("\n"),
      );
      // The control: with full paths it is made.
      const good = make("hq:\n  keyFiles: [/etc/swath/hq.pub]\ncab:\n  tokenFile: /etc/swath/token\n", "/etc/swath/l");
      expect(good().map((f) => f.name)).toEqual(["unit.yaml", "profile-1.yaml"]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
