// SPDX-License-Identifier: BSD-3-Clause
/** What FlowTest's authors say travels in their captures, against what the plugins find. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import type { AnyProtocol } from "../protocol.ts";
import http from "../protocols/http.ts";
import tls from "../protocols/tls.ts";
import { protocolRows } from "./protocol-kit.ts";

const FLOWTEST = "corpus/pcap/flowtest";
const absent = !hasShared(FLOWTEST);
const why = absent ? ` (${NO_SHARED})` : "";

type Annotated = Readonly<Record<string, string | number | readonly string[]>>;
type Row = Record<string, unknown>;

interface Annotations {
  readonly def: AnyProtocol;
  /** Captures, by the name of their file. */
  readonly files: RegExp;
  /** How the names of the protocol's annotations begin. */
  readonly prefix: string;
  /** Annotations that are compared: the field's name, or how it is written there. */
  readonly fields: Readonly<Record<string, string | ((row: Row) => unknown)>>;
  /** Annotations without a field of ipfixprobe's, and others that are of another thing: a name, or a file and a name. */
  readonly untold: readonly string[];
  /** Values that are compared. */
  readonly values: number;
}

const ja3 = (row: Row): string => `0x${Buffer.from(row["TLS_JA3"] as Uint8Array).toString("hex")}`;

const PROTOCOLS: readonly Annotations[] = [
  {
    def: http as AnyProtocol,
    files: /^http/,
    prefix: "http_",
    fields: {
      http_host: "HTTP_REQUEST_HOST",
      http_url: "HTTP_REQUEST_URL",
      http_method: "HTTP_REQUEST_METHOD",
      http_status_code: "HTTP_RESPONSE_STATUS_CODE",
      http_agent: "HTTP_REQUEST_AGENT",
      http_referer: "HTTP_REQUEST_REFERER",
      http_content_type: "HTTP_RESPONSE_CONTENT_TYPE",
    },
    untold: [
      // A number for what http_method names.
      "http_method_id",
      // What the request carries, where the field is of the response, which carries nothing.
      "http_delete.yml http_content_type",
      "http_put.yml http_content_type",
      // 200 of HTTP/2, where the response of HTTP/1 is 101: it switches.
      "http2_switch.yml http_status_code",
    ],
    values: 56,
  },
  {
    def: tls as AnyProtocol,
    files: /^tls/,
    prefix: "tls_",
    fields: {
      tls_sni: "TLS_SNI",
      tls_alpn: "TLS_ALPN",
      tls_server_version: "TLS_VERSION",
      tls_ja3: ja3,
    },
    untold: [
      "tls_cipher_suite",
      "tls_client_version",
      "tls_issuer_cn",
      "tls_subject_cn",
      "tls_validity_not_before",
      "tls_validity_not_after",
      "tls_public_key_alg",
    ],
    values: 29,
  },
];

const golden = (files: RegExp): string[] =>
  readdirSync(sharedPath(FLOWTEST, "golden")).filter((file) => files.test(file));

/** Values of a flow that are annotated and those that were found, side by side. */
function compare(file: string, flow: Annotated, row: Row | undefined, protocol: Annotations) {
  const { prefix, untold, fields } = protocol;
  const names = Object.keys(flow).filter(
    (name) =>
      name.startsWith(prefix) && !untold.includes(name) && !untold.includes(`${file} ${name}`),
  );
  return names.map((name) => {
    const field = fields[name];
    const found = typeof field === "function" ? row && field(row) : row?.[field ?? ""];
    // A list has the values that are right.
    const right = [flow[name]!].flat().map((each) => String(each).toLowerCase());
    const isRight = right.includes(String(found).toLowerCase());
    return { isRight, text: `${file} ${name}: ${found}, not ${flow[name]}` };
  });
}

describe("FlowTest's annotations", () => {
  test.skipIf(absent).each(PROTOCOLS.map((protocol) => [protocol.def.name, protocol] as const))(
    `${"%s"} finds what is annotated${why}`,
    (name, protocol) => {
      const compared = golden(protocol.files).flatMap((file) => {
        const text = readFileSync(sharedPath(FLOWTEST, "golden", file), "utf8");
        const { pcap, flows } = Bun.YAML.parse(text) as { pcap: string; flows: Annotated[] };
        const rows = protocolRows(protocol.def, sharedPath(FLOWTEST, pcap));
        return flows.flatMap((flow) => {
          const row = rows.find(({ SRC_PORT }) => SRC_PORT === flow["src_port"]);
          return compare(file, flow, row, protocol);
        });
      });
      const differ = compared.filter(({ isRight }) => !isRight).map(({ text }) => text);
      const equal = compared.length - differ.length;
      process.stdout.write(`FlowTest: ${equal}/${compared.length} of ${name} equal\n`);
      expect(differ).toEqual([]);
      expect(compared.length).toBe(protocol.values);
    },
  );
});
