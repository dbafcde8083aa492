import { readFileSync } from "node:fs";
import type { ConnectionOptions, TlsFiles } from "../hq/ingest/connection.ts";
import { topicLevel } from "../model/topics.ts";

/** A command line that cannot be carried out; its message says what to do. */
export class Usage extends Error {}

/** The options of `parseArgs` that name a broker and how to get in. */
export const BROKER_OPTIONS = {
  broker: { type: "string" },
  user: { type: "string" },
  "password-file": { type: "string" },
  ca: { type: "string" },
  cert: { type: "string" },
  "tls-key": { type: "string" },
} as const;

/** The text of a file named by an option. Throws `Usage`. */
export function fileOf(path: string, option: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (e) {
    throw new Usage(`${option}: ${path} cannot be read: ${e instanceof Error ? e.message : String(e)}`);
  }
}

/** A name as topics allow it. Throws `Usage`. */
export function levelOf(text: string | undefined, option: string): string {
  const parsed = topicLevel.safeParse(text);
  if (!parsed.success) throw new Usage(`${option}: got ${text ?? "nothing"}, expected 1 to 32 of a-z, 0-9 and -`);
  return parsed.data;
}

/** Address, credentials and certificates of a broker. There is no way from `mqtts://` back to plain text. Throws `Usage`. */
export function brokerOf(
  values: Readonly<Partial<Record<keyof typeof BROKER_OPTIONS, string>>>,
): Pick<ConnectionOptions, "url" | "username" | "password" | "tls"> {
  const { broker, ca, cert, user } = values;
  if (broker === undefined) throw new Usage("--broker is missing");
  if (!URL.canParse(broker)) throw new Usage(`--broker: ${broker} is not an address`);
  const url = new URL(broker);
  if (url.protocol !== "mqtt:" && url.protocol !== "mqtts:")
    throw new Usage(`--broker: got ${url.protocol}//, expected mqtt:// or mqtts://`);
  if (url.username !== "" || url.password !== "") throw new Usage("--broker: use --user and --password-file");
  const secure = url.protocol === "mqtts:";
  if (secure && ca === undefined) throw new Usage("--broker: mqtts:// needs --ca");
  if (!secure && ca !== undefined) throw new Usage("--ca needs an mqtts:// address");
  const key = values["tls-key"];
  if ((cert === undefined) !== (key === undefined)) throw new Usage("--cert and --tls-key belong together");
  const password = values["password-file"];
  const own =
    cert === undefined || key === undefined ? {} : { cert: fileOf(cert, "--cert"), key: fileOf(key, "--tls-key") };
  const tls: TlsFiles | undefined = ca === undefined ? undefined : { ca: fileOf(ca, "--ca"), ...own };
  return {
    url,
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password: fileOf(password, "--password-file").split(/\r?\n/, 1)[0] ?? "" }),
    ...(tls === undefined ? {} : { tls }),
  };
}
