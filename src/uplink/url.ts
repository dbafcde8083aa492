import { SwathError } from "../model/errors.ts";
import type { TlsFiles } from "./pipe.ts";

/** Checks the broker's address at start-up. There is no way from `mqtts://` back to plain text. Throws `config/*`. */
export function brokerUrl(text: string, tls: TlsFiles | undefined): URL {
  if (!URL.canParse(text)) throw new SwathError("config/invalid", `broker: ${text} is not an address`);
  const url = new URL(text);
  if (url.protocol !== "mqtt:" && url.protocol !== "mqtts:")
    throw new SwathError("config/invalid", `broker: got ${url.protocol}//, expected mqtt:// or mqtts://`);
  if (url.hostname === "") throw new SwathError("config/invalid", "broker: the address names no host");
  if (url.username !== "" || url.password !== "")
    throw new SwathError("config/invalid", "broker: user and password have keys of their own, the address is logged");
  const secure = url.protocol === "mqtts:";
  if (secure && tls === undefined) throw new SwathError("config/conflict", "broker: mqtts:// needs a tls.ca");
  if (!secure && tls !== undefined) throw new SwathError("config/conflict", "broker: tls needs an mqtts:// address");
  if ((tls?.cert === undefined) !== (tls?.key === undefined))
    throw new SwathError("config/conflict", "broker: tls.cert and tls.key belong together");
  return url;
}
