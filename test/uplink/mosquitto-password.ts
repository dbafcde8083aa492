import { pbkdf2Sync, randomBytes } from "node:crypto";

const ROUNDS = 101;

/** A password as Mosquitto 2 keeps it: `$7$rounds$salt$PBKDF2-SHA512`, base64. */
export function passwordHash(password: string): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, ROUNDS, 64, "sha512");
  return `$7$${ROUNDS}$${salt.toString("base64")}$${hash.toString("base64")}`;
}
