// SPDX-License-Identifier: BSD-3-Clause
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const SECRET_BYTES = 32;
const SECRET = /^[\w-]{43}$/;

/** 256 random bits as 43 characters of base64url. */
export const newSecret = (): string => randomBytes(SECRET_BYTES).toString("base64url");

/** Whether a text has the form of {@link newSecret}: what has not is not worth a look into the database. */
export const isSecretForm = (text: string): boolean => SECRET.test(text);

/**
 * What is kept of a secret. Looking a hash up takes a time that tells of the hash at most, and nobody finds a
 * secret for the beginning of a hash.
 */
export const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** Compare texts in a time that does not tell where they differ. */
export function sameSecret(one: string, other: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}
