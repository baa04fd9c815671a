// SPDX-License-Identifier: BSD-3-Clause
import { isIP } from "node:net";
import { checkServerIdentity, connect, createSecureContext, type TLSSocket } from "node:tls";
import { messageOf, paramError } from "../../core/errors.ts";
import { authorities, pemText } from "../../core/net/authorities.ts";

export interface TlsTarget {
  readonly host: string;
  readonly port: number;
  /** The name that the server's certificate has to be of. */
  readonly name: string;
  /** Paths of PEM files; empty for none. */
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

interface Credentials {
  readonly ca: string | string[];
  readonly key?: string;
  readonly cert?: string;
}

/** @throws {NemeanError} ERR_PARAM that names the file which is missing or wrong */
export function checkTls(target: TlsTarget): void {
  const { key, cert } = target;
  if ((key === "") !== (cert === ""))
    throw paramError(`${key === "" ? "key" : "cert"}: key and cert go together`);
  const found = credentials(target);
  try {
    createSecureContext(found);
  } catch (error) {
    throw paramError(`key, cert: ${key}, ${cert}: ${messageOf(error)}`);
  }
}

const credentials = ({ ca, key, cert }: TlsTarget): Credentials => ({
  ca: authorities(ca),
  ...(key === "" ? {} : { key: pemText("key", key), cert: pemText("cert", cert) }),
});

/**
 * Begin a connection that will not come about unless the server shows a certificate of the right name and authority.
 * @throws {NemeanError} for files that have gone since {@link checkTls}
 */
export function connectTls(target: TlsTarget): TLSSocket {
  const { host, port, name } = target;
  return connect({
    host,
    port,
    ...credentials(target),
    minVersion: "TLSv1.2",
    // Said in full, so that no environment variable says otherwise.
    rejectUnauthorized: true,
    // An address is no server name (RFC 6066 section 3), and is looked for in the certificate all the same.
    servername: isIP(name) === 0 ? name : "",
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
  });
}

/** What an operator can make of the library's codes. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/ALTNAME_INVALID/, "the server's certificate is of another name"],
  [/CERT_HAS_EXPIRED/, "the server's certificate has expired"],
  [/CERT_NOT_YET_VALID/, "the server's certificate is not valid yet"],
  [/SELF_SIGNED_CERT/, "the server's certificate is self-signed, by nobody of ca"],
  [/UNABLE_TO_(GET_ISSUER|VERIFY)/, "the server's certificate is not signed by one of ca"],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, "the server speaks no TLS 1.2 or newer"],
  [/WRONG_VERSION_NUMBER/, "the server speaks no TLS"],
  [
    /HANDSHAKE_FAILURE|CERTIFICATE_REQUIRED|ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_)/,
    "the server refuses: it wants another certificate of ours, or other ciphers",
  ],
];

/** Why a connection did not come about, or broke. */
export function tlsFailure(error: unknown): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  const meaning = MEANINGS.find(([pattern]) => pattern.test(code))?.[1];
  return meaning === undefined ? messageOf(error) : `${meaning} (${messageOf(error)})`;
}
