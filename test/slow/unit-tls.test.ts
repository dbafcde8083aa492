import { afterAll, beforeAll, expect, it } from "vitest";
import { listenAt } from "../rigs/broker-ear.ts";
import { type Certificates, makeCertificates } from "../rigs/certificates.ts";
import { freePort, type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { gnssConfig, unitHome } from "../rigs/unit.ts";

let files: Certificates;
let broker: Mosquitto;
let plainPort: number;
let wrongNamePort: number;

beforeAll(async () => {
  files = makeCertificates();
  files.authority("hq-ca");
  files.authority("other-ca");
  files.certificate("right", "localhost", "hq-ca");
  files.certificate("wrong", "broker.elsewhere.example", "hq-ca");
  plainPort = await freePort();
  wrongNamePort = await freePort();
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
    files.texts("right.pem", "right.key", "wrong.pem", "wrong.key"),
  );
});
afterAll(async () => {
  await broker.stop();
  files.remove();
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
  const section = { url: `mqtts://localhost:${broker.port}`, caFile: files.path("hq-ca.pem") };
  await attempt(section, ({ states }) => states > 0);
});

it("a certificate for another name is refused, and the log says that it is the name", async () => {
  const section = { url: `mqtts://localhost:${wrongNamePort}`, caFile: files.path("hq-ca.pem") };
  const output = await attempt(section, (said) => said.output.includes("ERR_TLS_CERT_ALTNAME_INVALID"));
  expect(output).not.toContain('"msg":"connected"');
});

it("a certificate of another authority is refused and said, and nothing is sent in the clear", async () => {
  const section = { url: `mqtts://localhost:${broker.port}`, caFile: files.path("other-ca.pem") };
  const output = await attempt(section, (said) => said.output.includes("link/untrusted"));
  expect(output).toMatch(/certificate|signature|issuer/i);
  expect(output).not.toContain('"msg":"connected"');
});
