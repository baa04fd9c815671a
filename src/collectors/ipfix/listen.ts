// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../../core/errors.ts";
import type { TlsFiles } from "../../core/net/tls.ts";

/** Where flows come from. */
export type ListenSpec = { readonly text: string } & (
  | { readonly kind: "udp" | "tcp"; readonly host: string; readonly port: string }
  | { readonly kind: "tls"; readonly host: string; readonly port: string; readonly tls: TlsFiles }
  | { readonly kind: "file" | "pcap"; readonly path: string }
);

/** RFC 7011 section 10.1: the ports of IPFIX, plain and over TLS. */
const PORT = { udp: "4739", tcp: "4739", tls: "4740" } as const;
const SOCKET =
  /^(udp|tcp|tls):(\[[0-9A-Fa-f:.%]+\]|[^:[\]]+)(?::(\d+))?(?::([^:]+):([^:]+):([^:]+))?$/;
const FILE = /^(file|pcap):(.+)$/;
const FORMS = "udp:HOST:PORT, tcp:HOST:PORT, tls:HOST:PORT:KEY:CERT:CA, file:PATH or pcap:PATH";

/**
 * Sources of flows, with commas between them: sockets to listen on, whose IPv6 addresses are in brackets, and files.
 * @throws {NemeanError} ERR_USAGE
 */
export function parseListen(value: string): readonly ListenSpec[] {
  const texts = value.split(",").map((text) => text.trim());
  return texts.filter((text) => text !== "").map(specOf);
}

function specOf(text: string): ListenSpec {
  if (text.startsWith("sctp:"))
    throw usageError(
      `--listen "${text}": this build has no SCTP; exporters can send by udp or tcp`,
    );
  const [, file, path = ""] = FILE.exec(text) ?? [];
  if (file === "file" || file === "pcap") return { text, kind: file, path };
  const [, kind, bracketed = "", given, key, cert, ca] = SOCKET.exec(text) ?? [];
  if (kind !== "udp" && kind !== "tcp" && kind !== "tls")
    throw usageError(`--listen "${text}": write ${FORMS}`);
  if ((kind === "tls") !== (ca !== undefined))
    throw usageError(`--listen "${text}": tls needs three PEM files, the others none: ${FORMS}`);
  const port = given ?? PORT[kind];
  if (Number(port) > 65_535)
    throw usageError(`--listen "${text}": port ${port}: expected 0 to 65535`);
  const host = bracketed.startsWith("[") ? bracketed.slice(1, -1) : bracketed;
  if (kind !== "tls") return { text, kind, host, port };
  return { text, kind, host, port, tls: { key: key!, cert: cert!, ca: ca! } };
}
