import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { z } from "zod";
import { jsonOf } from "./json.ts";

/** Tries at the token in a minute, of all clients together. */
const TRIES = 20;
const MINUTE_MS = 60_000;
const COOKIE = "swath_cab";

const entry = z.strictObject({ token: z.string().max(256) });

/**
 * Who may look: anybody on loopback, elsewhere whoever has shown the unit's token. What a browser keeps is made from the
 * token and a secret of this run, so it ends with the run and does not tell the token.
 */
export function createGate(token: string | undefined, nowMs: () => number) {
  const secret = randomBytes(32);
  const ticket = createHash("sha256")
    .update(secret)
    .update(token ?? "")
    .digest("hex");
  let tries: number[] = [];

  return {
    isOpen: (request: IncomingMessage): boolean =>
      token === undefined || (cookieOf(request) !== undefined && same(cookieOf(request)!, ticket)),
    /** The cookie for a body `{ token }` with the right token; undefined for any other, and for all after too many tries. */
    enter(body: string): string | undefined {
      tries = tries.filter((ms) => nowMs() - ms < MINUTE_MS);
      if (tries.length >= TRIES) return undefined;
      tries.push(nowMs());
      const offered = entry.safeParse(jsonOf(body));
      if (token === undefined || !offered.success || !same(offered.data.token, token)) return undefined;
      tries = [];
      return `${COOKIE}=${ticket}; HttpOnly; SameSite=Strict; Path=/`;
    },
  };
}

function cookieOf(request: IncomingMessage): string | undefined {
  const pairs = (request.headers.cookie ?? "").split(";").map((pair) => pair.trim().split("=", 2));
  return pairs.find(([name]) => name === COOKIE)?.[1];
}

/** Compares without telling by its time how much was right. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/**
 * Whether a Host header may name the page: an address, or localhost, with its port. An address cannot be made to point
 * elsewhere as a name can, so no page from elsewhere reads this one through a name it controls.
 */
export function isAddressed(host: string | undefined, port: number): boolean {
  const end = `:${port}`;
  if (host === undefined || !host.endsWith(end)) return false;
  const name = host.slice(0, -end.length);
  return name === "localhost" || isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0;
}
