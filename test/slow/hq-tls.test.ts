import { readFileSync } from "node:fs";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { EXIT_USAGE } from "../../src/cli/exit-codes.ts";
import { telemetry } from "../hq/records.ts";
import { type Certificates, makeCertificates } from "../rigs/certificates.ts";
import { ORG, openPeer } from "../rigs/hq.ts";
import { freePort, type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { type Postgres, startPostgres } from "../rigs/postgres.ts";
import { launch, runSwath, type UnitRig } from "../rigs/unit.ts";

let files: Certificates;
let server: Postgres;
let broker: Mosquitto;
let plainPort: number;
let wrongNamePort: number;
let database: string;
let hq: UnitRig | undefined;

beforeAll(async () => {
  files = makeCertificates();
  for (const ca of ["hq-ca", "other-ca"]) files.authority(ca);
  files.certificate("right", "localhost", "hq-ca");
  files.certificate("wrong", "broker.elsewhere.example", "hq-ca");
  files.certificate("hq", "hq", "hq-ca");
  files.certificate("stranger", "hq", "other-ca");
  plainPort = await freePort();
  wrongNamePort = await freePort();
  const tls = (name: string) => [`certfile {folder}/${name}.pem`, `keyfile {folder}/${name}.key`];
  // Who comes in with TLS shows a certificate and is called by the name in it, as with the shipped configuration.
  const own = ["cafile {folder}/hq-ca.pem", "require_certificate true", "use_identity_as_username true"];
  [server, broker] = await Promise.all([
    startPostgres(),
    startMosquitto(
      [
        "per_listener_settings true",
        ...[...tls("right"), ...own],
        ...[`listener ${wrongNamePort} 127.0.0.1`, ...tls("wrong"), "allow_anonymous true"],
        ...[`listener ${plainPort} 127.0.0.1`, "allow_anonymous true"],
      ],
      files.texts("right.pem", "right.key", "wrong.pem", "wrong.key", "hq-ca.pem"),
    ),
  ]);
  database = server.createDatabase("tls");
}, 120_000);
afterEach(async () => {
  await hq?.stop();
});
afterAll(async () => {
  await broker?.stop();
  server?.stop();
  files?.remove();
});

/** Starts the ingester at a port of the broker; files are named without their endings. */
function startHq(port: number, ca: string, certificate?: string, env: NodeJS.ProcessEnv = {}): UnitRig {
  const own = certificate === undefined ? [] : ["--cert", files.path(`${certificate}.pem`)];
  const key = certificate === undefined ? [] : ["--tls-key", files.path(`${certificate}.key`)];
  const broker = ["--broker", `mqtts://localhost:${port}`, "--ca", files.path(`${ca}.pem`), ...own, ...key];
  hq = launch(["hq", ...broker, "--org", ORG, "--database", database, "--name", "tls"], env);
  return hq;
}

/** Waits until the ingester was refused twice, and holds that it never got in, by this door or another. */
async function refused(rig: UnitRig): Promise<string> {
  const tries = () => rig.lines.filter((line) => line["msg"] === "no connection to the broker; it is tried again");
  await rig.until("two refusals", () => tries().length >= 2);
  expect(rig.output).not.toContain("connected to the broker");
  expect(broker.log).not.toMatch(/as hq-tls /);
  expect(rig.ended).toBeUndefined();
  return tries()
    .map((line) => String(line["reason"]))
    .join("\n");
}

it("a broker of another authority is refused and said, and nothing is sent in the clear", async () => {
  expect(await refused(startHq(broker.port, "other-ca", "hq"))).toMatch(/certificate|signature|issuer/i);
});

it("a certificate for another name is refused, and the log says that it is the name", async () => {
  expect(await refused(startHq(wrongNamePort, "hq-ca"))).toMatch(/Hostname|altnames/i);
});

it("negative control: who checks nothing gets in where HQ refuses, and HQ refuses also when its surroundings say to check nothing", async () => {
  /** CONNECT of MQTT 3.1.1 with the client id `r`, clean session. */
  const connect = Buffer.from([0x10, 13, 0, 4, ...Buffer.from("MQTT"), 4, 2, 0, 30, 0, 1, 0x72]);
  const [cert, key] = ["hq.pem", "hq.key"].map((name) => readFileSync(files.path(name)));
  for (const port of [broker.port, wrongNamePort]) {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const socket = connectTls({ port, host: "localhost", cert, key, rejectUnauthorized: false }, () =>
        socket.write(connect),
      );
      socket.once("data", (bytes: Buffer) => {
        resolve(bytes);
        socket.destroy();
      });
      socket.once("error", reject);
    });
    expect(answer.toString("hex")).toBe("20020000");
  }
  const careless = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };
  expect(await refused(startHq(wrongNamePort, "hq-ca", undefined, careless))).toMatch(/Hostname|altnames/i);
});

it("the broker refuses HQ without a certificate, or with one of another authority", async () => {
  await refused(startHq(broker.port, "hq-ca"));
  await hq?.stop();
  await refused(startHq(broker.port, "hq-ca", "stranger"));
});

it("mqtts:// is never opened without TLS, and a plain listener at the address gets no CONNECT", async () => {
  await refused(startHq(plainPort, "hq-ca", "hq"));
});

it("a command line that leaves the authority or the key out, or asks for both kinds, is refused", async () => {
  const args = (url: string, ...more: string[]) =>
    runSwath(["hq", "--broker", url, "--org", ORG, "--database", database, ...more]);
  const url = `mqtts://localhost:${broker.port}`;
  const ca = ["--ca", files.path("hq-ca.pem")];
  for (const [run, says] of [
    [args(url), "mqtts:// needs --ca"],
    [args(`mqtt://localhost:${plainPort}`, ...ca), "--ca needs an mqtts:// address"],
    [args(url, ...ca, "--cert", files.path("hq.pem")), "--cert and --tls-key belong together"],
    [args(url, "--ca", files.path("none.pem")), "none.pem cannot be read"],
  ] as const) {
    const { code, output } = await run;
    expect([code, output]).toEqual([EXIT_USAGE, expect.stringContaining(says)]);
  }
});

it("records arrive where authority, name and HQ's own certificate are right", async () => {
  const rig = startHq(broker.port, "hq-ca", "hq");
  await rig.until("the broker", () => rig.output.includes("connected to the broker"));
  // The broker calls HQ by the name in its certificate: by no other door could it have that name.
  expect(broker.log).toMatch(/as hq-tls \(.*u'hq'\)/);
  const peer = await openPeer(plainPort, "u1", [], () => undefined);
  await peer.publish(`swath/1/${ORG}/u1/log`, JSON.stringify(telemetry({ seq: 1 })));
  await rig.until("the record in the database", async () => {
    const { code, output } = await runSwath(["hq", "gaps", "u1", "--org", ORG, "--database", database, "--json"]);
    return code !== EXIT_USAGE && output.includes("spool-aaaa");
  });
  peer.end();
  expect((await rig.stop()).code).toBe(0);
});
