// SPDX-License-Identifier: BSD-3-Clause
/** By the prefix a browser takes it over TLS only, for this host and all of its paths (RFC 6265bis section 4.1.3.2). */
export const COOKIE_NAME = "__Host-nemean";
/** No Max-Age: the session ends by the server's clock, and with the browser. */
export const COOKIE_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Strict";

/** The value of Set-Cookie that hands a session's token to the browser. */
export const setCookie = (token: string): string => `${COOKIE_NAME}=${token}; ${COOKIE_ATTRIBUTES}`;

/** The value of Set-Cookie that takes it away again. */
export const CLEAR_COOKIE = `${COOKIE_NAME}=; ${COOKIE_ATTRIBUTES}; Max-Age=0`;

const HEADER_MAX = 8192;

/** The token in a Cookie header; undefined without one, or with two, of which one is somebody else's. */
export function readCookie(header: string | null): string | undefined {
  if (header === null || header.length > HEADER_MAX) return undefined;
  const prefix = `${COOKIE_NAME}=`;
  const found = header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(prefix));
  return found.length === 1 ? found[0]!.slice(prefix.length) : undefined;
}
