import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createRecordFile, type FiledMessage, openRecordFile, type UnitSigner } from "../../src/codec/record-file.ts";
import { createSealer, openSealed, readSealedHead } from "../../src/codec/sealed-stream.ts";

const hq = generateKeyPairSync("x25519");
const dir = mkdtempSync(join(tmpdir(), "swath-record-file-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const x25519 = () => generateKeyPairSync("x25519").privateKey;

const messages: FiledMessage[] = [
  { cls: "desc", payload: Buffer.from('{"v":1}') },
  { cls: "event", payload: Buffer.from([0x83, 1, 2, 3]) },
  { cls: "log", payload: Buffer.alloc(70_000, 7) },
];
const ending = { records: 8, left: 2, ranges: [{ spool: "spool-aaaa", lane: "log" as const, from: 3, to: 9 }] };
const whose = { org: "cmac", unit: "u1", machine: "m1", made: "2026-11-25T06:00:00.000Z" };

function written(signer?: UnitSigner): Buffer {
  const file = createRecordFile({ ...whose, reader: hq.publicKey, ephemeral: x25519(), signer });
  return Buffer.concat([file.begin(), ...messages.map((message) => file.message(message)), file.end(ending)]);
}

function signer(): UnitSigner {
  const [key, cert] = [join(dir, "unit.key"), join(dir, "unit.crt")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=u1"],
      ...["-keyout", key, "-out", cert, "-days", "2"],
    ],
    { stdio: "ignore" },
  );
  return { cert: readFileSync(cert, "utf8"), key: createPrivateKey(readFileSync(key)) };
}

describe("a file of records", () => {
  it("gives back its messages in order, whose they are, and what it could not hold", () => {
    const opened = openRecordFile(written(), hq.privateKey);
    expect(opened).toMatchObject({ header: { org: "cmac", unit: "u1" }, machine: "m1", made: whose.made });
    expect(opened).toMatchObject({ ending, damaged: [], strange: 0, cert: undefined });
    expect("messages" in opened && opened.messages).toEqual(messages);
  });

  it("says nothing readable but its organisation, its unit and the key", () => {
    const file = written();
    const head = file.toString("latin1", 0, file.indexOf('"}') + 2);
    expect(head).toMatch(/"org":"cmac","unit":"u1","key":"[0-9a-f]{16}"\}/);
    for (const secret of ["m1", "2026-11-25", "spool-aaaa"]) expect(head).not.toContain(secret);
  });

  it("tells for which key it is when another is tried", () => {
    expect(openRecordFile(written(), x25519())).toEqual({
      refused: expect.stringMatching(/sealed for key [0-9a-f]{16}/),
    });
  });

  it("carries the certificate under which its head is signed, also when its beginning or its end is lost", () => {
    const unit = signer();
    const file = written(unit);
    expect(openRecordFile(file, hq.privateKey)).toMatchObject({ cert: { subject: "CN=u1" } });
    const begins = file.indexOf('"}') + 2 + 32;
    const scratched = Buffer.from(file);
    scratched[begins + 5]! ^= 1;
    const behind = openRecordFile(scratched, hq.privateKey);
    expect(behind).toMatchObject({ cert: { subject: "CN=u1" }, ending, damaged: [[begins, begins + 65_552]] });
    const cut = openRecordFile(file.subarray(0, begins + 65_552), hq.privateKey);
    expect(cut).toMatchObject({ cert: { subject: "CN=u1" }, ending: undefined, messages: messages.slice(0, 2) });
  });

  it("is refused when the key of the certificate has not signed it, or has signed another file", () => {
    const unit = signer();
    const forged = written({ cert: unit.cert, key: generateKeyPairSync("ed25519").privateKey });
    expect(openRecordFile(forged, hq.privateKey)).toEqual({ refused: "its signature does not hold" });
    // The signature of one file in another, as who has seen the inside of one could try it.
    const opened = written(unit);
    const begin = openSealed(opened, hq.privateKey);
    const head = readSealedHead(opened);
    if ("refused" in begin || "refused" in head) throw new Error("it does not open");
    const other = createSealer(head.header, hq.publicKey, x25519());
    const mixed = Buffer.concat([other.head, other.push(begin.frames[0]!), other.end()]);
    expect(openRecordFile(mixed, hq.privateKey)).toEqual({ refused: "its signature does not hold" });
  });

  it("counts frames that it does not know and takes the others", () => {
    const known = readSealedHead(written());
    if ("refused" in known) throw new Error(known.refused);
    const sealer = createSealer(known.header, hq.publicKey, x25519());
    const frames = [
      Buffer.of(9, 1),
      Buffer.alloc(0),
      Buffer.of(2, 42),
      Buffer.concat([Buffer.of(5), Buffer.from("{}")]),
    ];
    const file = Buffer.concat([sealer.head, ...frames.map((one) => sealer.push(one)), sealer.end()]);
    const opened = openRecordFile(file, hq.privateKey);
    expect(opened).toMatchObject({ strange: 2, ending: undefined, messages: [{ cls: "log", payload: Buffer.of(42) }] });
  });
});
