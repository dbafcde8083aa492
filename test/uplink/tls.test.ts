import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { Aedes } from "aedes";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createUplink } from "../../src/uplink/uplink.ts";
import { mosquittoPath, startMosquitto } from "../rigs/mosquitto.ts";
import { memoryLanes } from "./memory-lanes.ts";
import { openSession, until } from "./session.ts";

/** Under CI it must be there; elsewhere one line says that it is not. */
function mosquittoIsThere(): string[] {
  if (mosquittoPath() !== undefined || process.env["CI"] !== undefined) return ["Mosquitto"];
  console.log("mosquitto is not installed: its refusal of a unit's certificate was not run");
  return [];
}

describe("mqtts", () => {
  const folder = mkdtempSync(join(tmpdir(), "swath-tls-"));
  const pem = (name: string) => readFileSync(join(folder, name), "utf8");
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });

  function authority(name: string): void {
    openssl(
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.crt`,
    );
  }
  function certificate(name: string, ca: string, san: string, days = "2"): void {
    openssl(
      "req",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-subj",
      `/CN=${name}`,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
    );
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${san}\n`);
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      `${ca}.crt`,
      "-CAkey",
      `${ca}.key`,
      "-CAcreateserial",
      "-days",
      days,
      "-extfile",
      `${name}.ext`,
      "-out",
      `${name}.crt`,
    );
  }

  const servers: { close(): void }[] = [];
  async function broker(certName: string): Promise<number> {
    const aedes = await Aedes.createBroker();
    const server: Server = createServer(
      {
        key: pem(`${certName}.key`),
        cert: pem(`${certName}.crt`),
        ca: pem("fleet.crt"),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => aedes.handle(socket),
    );
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push({
      close() {
        server.close();
        aedes.close();
      },
    });
    const address = server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  }

  beforeAll(() => {
    authority("fleet");
    authority("stranger");
    certificate("broker", "fleet", "IP:127.0.0.1,DNS:localhost");
    certificate("elsewhere", "fleet", "DNS:broker.example");
    certificate("impostor", "stranger", "IP:127.0.0.1");
    certificate("unit", "fleet", "DNS:dz-014");
    certificate("intruder", "stranger", "DNS:dz-014");
  });
  afterAll(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function outcome(server: string, client: string) {
    return statusWith(await broker(server), client);
  }

  async function statusWith(port: number, client: string) {
    const { uplink } = openSession(port, {
      url: `mqtts://127.0.0.1:${port}`,
      tls: { ca: pem("fleet.crt"), cert: pem(`${client}.crt`), key: pem(`${client}.key`) },
      protocol: "auto",
      random: () => 0,
    });
    uplink.start();
    await until("an outcome", () => uplink.status().connected || uplink.status().lastError !== undefined);
    const status = uplink.status();
    await uplink.stop({ final: "{}" });
    return status;
  }

  it("connects to a broker signed by the own authority under the right name, with the unit's certificate", async () => {
    expect(await outcome("broker", "unit")).toMatchObject({ connected: true, lastError: undefined });
  });

  it.each([
    ["elsewhere", "its name is another"],
    ["impostor", "its authority is another"],
  ])("does not accept a broker (%s) when %s", async (server) => {
    const status = await outcome(server, "unit");
    expect(status).toMatchObject({ connected: false, connects: 0, lastError: { code: "link/untrusted" } });
  });

  it("is not let in with a certificate of another authority (Node hangs up without an alert)", async () => {
    const status = await outcome("broker", "intruder");
    expect(status).toMatchObject({ connected: false, connects: 0 });
    expect(status.lastError!.code).toMatch(/^link\/(down|refused)$/);
  });

  it.each(mosquittoIsThere())("says that it is refused when %s does not accept the unit's certificate", async () => {
    const mosquitto = await startMosquitto(
      [
        "allow_anonymous true",
        "require_certificate true",
        ...["cafile {folder}/ca", "certfile {folder}/crt", "keyfile {folder}/key"],
      ],
      { ca: pem("fleet.crt"), crt: pem("broker.crt"), key: pem("broker.key") },
    );
    servers.push({ close: () => void mosquitto.stop() });
    expect(await statusWith(mosquitto.port, "unit")).toMatchObject({ connected: true, protocol: "5" });
    const status = await statusWith(mosquitto.port, "intruder");
    expect(status).toMatchObject({ connected: false, connects: 0, lastError: { code: "link/refused" } });
  });

  it.each([
    ["http://h:1", undefined, "config/invalid"],
    ["nonsense", undefined, "config/invalid"],
    ["mqtt://user:secret@h:1883", undefined, "config/invalid"],
    ["mqtts://h:8883", undefined, "config/conflict"],
    ["mqtt://h:1883", { ca: "x" }, "config/conflict"],
    ["mqtts://h:8883", { ca: "x", cert: "y" }, "config/conflict"],
  ])("refuses the address %s with %j at start-up", (url, tls, code) => {
    const make = () =>
      createUplink({
        identity: { org: "cmac", unit: "dz-014" },
        url,
        ...(tls === undefined ? {} : { tls }),
        protocol: "auto",
        lanes: memoryLanes(),
        announce: () => ({ state: "{}", desc: "{}" }),
        will: "{}",
        clock: { monoMs: () => 0 },
        log: { info: () => {}, warn: () => {} },
      });
    expect(make).toThrow(expect.objectContaining({ code }));
    expect(make).not.toThrow(/secret/);
  });
});
