import { readFileSync } from "node:fs";
import type { LoadedConfig } from "../config/loaded.ts";
import { SwathError } from "../model/errors.ts";

/** Credentials and certificates, read at the start: a file that cannot be read is a configuration error. */
export function brokerOf(config: LoadedConfig) {
  const { url, protocol, username, passwordFile, caFile, certFile, keyFile } = config.broker;
  const text = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch (cause) {
      throw new SwathError("config/unreadable", `broker: ${path} cannot be read`, cause);
    }
  };
  return {
    url,
    protocol,
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { password: text(passwordFile).split(/\r?\n/, 1)[0] ?? "" }),
    ...(caFile === undefined
      ? {}
      : {
          tls: {
            ca: text(caFile),
            ...(certFile === undefined ? {} : { cert: text(certFile) }),
            ...(keyFile === undefined ? {} : { key: text(keyFile) }),
          },
        }),
  };
}
