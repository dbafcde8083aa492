import { createHash, type KeyObject, type X509Certificate } from "node:crypto";
import { type OpenedRecordFile, openRecordFile, type RecordFileEnding } from "../../codec/record-file.ts";
import { topicOf } from "../../model/topics.ts";
import type { Database } from "./database.ts";
import { noteImport } from "./imports.ts";
import { migrate } from "./migrations.ts";
import type { Arrived, Prepared } from "./prepare.ts";
import { createReading } from "./reading.ts";
import { createSettler } from "./settle.ts";

/** Messages of one transaction. */
const BATCH_MESSAGES = 200;
/** OID of the extended key usage of a client's certificate. */
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** What came of a file of records. */
export interface Imported {
  readonly unit: string;
  readonly machine: string | undefined;
  /** UTC as ISO 8601, where the unit knew it. */
  readonly made: string | undefined;
  /** The end of the certificate that it is signed under; undefined for an unsigned one. */
  readonly signedUntil: string | undefined;
  /** Of these the database had none before. */
  readonly records: number;
  readonly duplicates: number;
  /** In quarantine, with their reason. */
  readonly aside: number;
  /** What the unit wrote into it; undefined when the end of the file is lost. */
  readonly ending: RecordFileEnding | undefined;
  /** Parts that do not verify, as bytes of the file from and up to: the records in them are still on the unit. */
  readonly damaged: OpenedRecordFile["damaged"];
  /** Parts that verify and that only newer software knows. */
  readonly strange: number;
}

/**
 * Takes the records of a file that a unit wrote into the database: the same checks, the same quarantine, the same key as
 * over MQTT, so that twice is once. Of a damaged file all is taken that verifies. Refused before anything is written is one for
 * another key or organisation, one of which nothing verifies, and one that is not signed by its unit under the fleet's
 * authority (`authority`; undefined takes unsigned ones, for whose origin the person who imports vouches). Rejects when the
 * database cannot be reached: what was committed until then stays.
 */
export async function importFile(options: {
  readonly database: Database;
  readonly file: Uint8Array;
  /** X25519, private. */
  readonly key: KeyObject;
  readonly org: string;
  readonly authority: X509Certificate | undefined;
}): Promise<Imported | { readonly refused: string }> {
  const { database, file, org } = options;
  const opened = openRecordFile(file, options.key);
  if ("refused" in opened) return opened;
  const { header, machine, made, cert, ending, damaged, strange } = opened;
  if (header.org !== org) return { refused: `it is of organisation ${header.org}, not ${org}` };
  const stranger = options.authority && whyNotOf(opened, options.authority);
  if (stranger !== undefined) return { refused: stranger };

  await migrate(database);
  const counts = { records: 0, duplicates: 0, aside: 0 };
  const spools = new Set<string>();
  let failure = "";
  const { ids, settle } = createSettler({
    database,
    goesOn: () => false,
    done(_, written) {
      counts.records += written.records;
      counts.duplicates += written.duplicates;
      counts.aside += written.aside;
      for (const spool of written.spools) spools.add(spool);
    },
    failed(reason) {
      failure = reason;
    },
  });
  const commit = async (messages: readonly Prepared[]) => {
    if (messages.length > 0 && !(await settle(messages))) throw new Error(failure);
  };
  const reading = createReading();
  const nowMs = Date.now();
  const arrived = opened.messages.map(
    ({ cls, payload }): Arrived => ({
      unit: `${org}/${header.unit}`,
      topic: topicOf({ org, unit: header.unit }, cls),
      payload,
      bytes: payload.length,
      atMs: nowMs,
      ack: () => undefined,
    }),
  );
  for (let at = 0; at < arrived.length; at += BATCH_MESSAGES)
    await commit(await reading.read(database.query, arrived.slice(at, at + BATCH_MESSAGES), nowMs));
  // What still waits for a descriptor: nothing more comes, so it is put aside as over MQTT after its time.
  if (reading.waiting > 0) await commit(await reading.read(database.query, [], Number.POSITIVE_INFINITY));

  const unit = ids.units.get(`${org}/${header.unit}`);
  const sha256 = createHash("sha256").update(file).digest("hex");
  if (unit !== undefined)
    await noteImport(database, { unit, sha256, made, signed: cert !== undefined, ...counts, spools });
  const signedUntil = cert === undefined ? undefined : new Date(cert.validTo).toISOString();
  return { unit: header.unit, machine, made, signedUntil, ...counts, ending, damaged, strange };
}

/**
 * Why a file is not believed to be of the unit it names; undefined when it is. A certificate that has ended is no reason: the
 * unit may have been out of reach for long, and its records are not younger.
 */
function whyNotOf({ header, cert }: OpenedRecordFile, authority: X509Certificate): string | undefined {
  if (cert === undefined) return "it is not signed, or its signature is lost (--unsigned takes it)";
  if (!cert.checkIssued(authority) || !cert.verify(authority.publicKey))
    return "it is signed under a certificate that another authority issued";
  const name = /^CN=(.*)$/m.exec(cert.subject)?.[1];
  if (name !== header.unit || !(cert.keyUsage ?? []).includes(CLIENT_AUTH))
    return `it says that it is of unit ${header.unit}, but ${name ?? "nobody"} signed it`;
  return undefined;
}
