import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type PublicKey, publicKeyOf } from "../../src/codec/minisign.ts";
import { type Bundle, sealBundle } from "../../src/config/bundle.ts";

/** A key pair as HQ has it, and its public half as a unit has it. */
export function keyPair(): { readonly secret: KeyObject; readonly known: PublicKey } {
  const { privateKey } = generateKeyPairSync("ed25519");
  return { secret: privateKey, known: publicKeyOf(privateKey) };
}

/** A small bundle for unit-1 on machine-1; `more` is laid over it. */
export function bundleOf(more: Partial<Bundle> = {}): Bundle {
  return {
    v: 1,
    kind: "swath-config",
    org: "cmac",
    unit: "unit-1",
    machine: "machine-1",
    serial: 2,
    made: "2026-11-01T00:00:00.000Z",
    expires: "2027-11-01T00:00:00.000Z",
    config: "0123456789abcdef",
    files: [{ name: "unit.yaml", text: "org: cmac\nunit: unit-1\nmachine: machine-1\n" }],
    ...more,
  };
}

export function sealed(secret: KeyObject, more: Partial<Bundle> = {}): Buffer {
  return sealBundle(bundleOf(more), secret);
}
