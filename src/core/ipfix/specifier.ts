// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../errors.ts";
import type { TlsFiles } from "../net/tls.ts";

/** Where flows are exported to. */
export interface IpfixSpec {
  /** As the operator wrote it. */
  readonly text: string;
  readonly transport: "tcp" | "udp" | "tls";
  readonly host: string;
  readonly port: string;
  readonly tls: TlsFiles | undefined;
}

/** RFC 7011 section 10.1: the ports of IPFIX, plain and over TLS or DTLS. */
const PORT = { tcp: "4739", udp: "4739", tls: "4740" } as const;
const FORM =
  /^(tcp|udp|tls):(\[[0-9A-Fa-f:.%]+\]|[^:[\]]+)(?::(\d+))?(?::([^:]+):([^:]+):([^:]+))?$/;

/**
 * `tcp:HOST[:PORT]`, `udp:HOST[:PORT]`, `tls:HOST[:PORT]:KEY:CERT:CA`; an IPv6 address in brackets.
 * @throws {NemeanError} ERR_USAGE
 */
export function parseIpfix(text: string): IpfixSpec {
  const [, transport, host = "", port, key, cert, ca] = FORM.exec(text) ?? [];
  if (transport !== "tcp" && transport !== "udp" && transport !== "tls")
    throw usageError(
      `--ipfix "${text}": write tcp:HOST:PORT, udp:HOST:PORT or tls:HOST:PORT:KEY:CERT:CA`,
    );
  if ((transport === "tls") !== (ca !== undefined))
    throw usageError(
      `--ipfix "${text}": tls needs three PEM files, tls:HOST:PORT:KEY:CERT:CA, and the others none`,
    );
  if (Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535)
    throw usageError(`--ipfix "${text}": port ${port}: expected 1 to 65535`);
  return {
    text,
    transport,
    host: host.startsWith("[") ? host.slice(1, -1) : host,
    port: port ?? PORT[transport],
    tls: ca === undefined ? undefined : { key: key!, cert: cert!, ca },
  };
}
