import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listenAt } from "../rigs/broker-ear.ts";
import { freePort, type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { gnssConfig, unitHome } from "../rigs/unit.ts";

let dir: string;
let broker: Mosquitto;
let plainPort: number;
let wrongNamePort: number;

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
}

/** An authority of the test's own: `<name>.pem` and its key. */
function authority(name: string): void {
  const what = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl("req", ...what, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`);
}

/** A server certificate for `host`, signed by `ca`. */
function certificate(name: string, host: string, ca: string): void {
  const what = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", ...what, "-subj", `/CN=${host}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
  writeFileSync(join(dir, `${name}.ext`), `subjectAltName=DNS:${host}\n`);
  const sign = ["-CA", `${ca}.pem`, "-CAkey", `${ca}.key`, "-CAcreateserial", "-days", "2", "-extfile", `${name}.ext`];
  openssl("x509", "-req", "-in", `${name}.csr`, ...sign, "-out", `${name}.pem`);
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "swath-tls-"));
  authority("hq-ca");
  authority("other-ca");
  certificate("right", "localhost", "hq-ca");
  certificate("wrong", "broker.elsewhere.example", "hq-ca");
  plainPort = await freePort();
  wrongNamePort = await freePort();
  const files = ["right.pem", "right.key", "wrong.pem", "wrong.key"];
  broker = await startMosquitto(
    [
      "certfile {folder}/right.pem",
      "keyfile {folder}/right.key",
      "allow_anonymous true",
      `listener ${wrongNamePort} 127.0.0.1`,
      "certfile {folder}/wrong.pem",
      "keyfile {folder}/wrong.key",
      `listener ${plainPort} 127.0.0.1`,
    ],
    Object.fromEntries(files.map((name) => [name, readFileSync(join(dir, name), "utf8")])),
  );
});
afterAll(async () => {
  await broker.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Runs a unit with this broker section until `judge` is content. */
async function attempt(section: object, judge: (said: { states: number; output: string }) => boolean): Promise<string> {
  const home = unitHome();
  const ear = await listenAt(plainPort);
  try {
    const config = gnssConfig({ brokerPort: 1, spoolDir: home.spoolDir, pty: "/dev/serial/by-id/none" });
    const unit = await home.start({ ...config, broker: section });
    const fresh = () => ear.states.filter((s) => !s.retained).length;
    await unit.until("the verdict on the broker", () => judge({ states: fresh(), output: unit.output }));
    expect((await unit.stop()).code).toBe(0);
    return unit.output;
  } finally {
    await home.close();
    await ear.close();
  }
}

it("mqtts:// works where the certificate has the broker's name and is signed by the authority named", async () => {
  const section = { url: `mqtts://localhost:${broker.port}`, caFile: join(dir, "hq-ca.pem") };
  await attempt(section, ({ states }) => states > 0);
});

it("a certificate for another name is refused, and the log says that it is the name", async () => {
  const section = { url: `mqtts://localhost:${wrongNamePort}`, caFile: join(dir, "hq-ca.pem") };
  const output = await attempt(section, (said) => said.output.includes("ERR_TLS_CERT_ALTNAME_INVALID"));
  expect(output).not.toContain('"msg":"connected"');
});

it("a certificate of another authority is refused and said, and nothing is sent in the clear", async () => {
  const section = { url: `mqtts://localhost:${broker.port}`, caFile: join(dir, "other-ca.pem") };
  const output = await attempt(section, (said) => said.output.includes("link/untrusted"));
  expect(output).toMatch(/certificate|signature|issuer/i);
  expect(output).not.toContain('"msg":"connected"');
});
