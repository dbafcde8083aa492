import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Certificates of a test's own, made with openssl. */
export interface Certificates {
  /** The path of a file of these. */
  path(file: string): string;
  /** The texts of these files, by their names. */
  texts(...files: readonly string[]): Record<string, string>;
  /** An authority: `<name>.pem` and `<name>.key`. */
  authority(name: string): void;
  /** A certificate for `host`, signed by the authority `ca`. */
  certificate(name: string, host: string, ca: string): void;
  remove(): void;
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export function makeCertificates(): Certificates {
  const dir = mkdtempSync(join(tmpdir(), "swath-tls-"));
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  const path = (file: string) => join(dir, file);
  return {
    path,
    texts: (...files) => Object.fromEntries(files.map((name) => [name, readFileSync(path(name), "utf8")])),
    authority(name) {
      const made = ["-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`];
      openssl("req", "-x509", ...NEW_KEY, "-days", "2", ...made);
    },
    certificate(name, host, ca) {
      openssl("req", ...NEW_KEY, "-subj", `/CN=${host}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
      writeFileSync(path(`${name}.ext`), `subjectAltName=DNS:${host}\n`);
      const signer = ["-CA", `${ca}.pem`, "-CAkey", `${ca}.key`, "-CAcreateserial", "-days", "2"];
      openssl("x509", "-req", "-in", `${name}.csr`, ...signer, "-extfile", `${name}.ext`, "-out", `${name}.pem`);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
