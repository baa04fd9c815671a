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

const hex = (value: unknown): string => Buffer.from(value as Uint8Array).toString("hex");

/** What an annotation is called in the flow, and how it is written there. */
const FIELDS: Readonly<Record<string, (row: Row) => unknown>> = {
  http_host: (row) => row["HTTP_REQUEST_HOST"],
  http_url: (row) => row["HTTP_REQUEST_URL"],
  http_method: (row) => row["HTTP_REQUEST_METHOD"],
  http_status_code: (row) => row["HTTP_RESPONSE_STATUS_CODE"],
  http_agent: (row) => row["HTTP_REQUEST_AGENT"],
  http_referer: (row) => row["HTTP_REQUEST_REFERER"],
  http_content_type: (row) => row["HTTP_RESPONSE_CONTENT_TYPE"],
  tls_sni: (row) => row["TLS_SNI"],
  tls_alpn: (row) => row["TLS_ALPN"],
  tls_server_version: (row) => row["TLS_VERSION"],
  tls_ja3: (row) => `0x${hex(row["TLS_JA3"])}`,
};

/** Annotations of the request, where the field is of the response. */
const OF_REQUESTS = new Set(
  ["http_delete.yml", "http_put.yml"].map((file) => `${file} http_content_type`),
);

const golden = (prefix: string): string[] =>
  absent
    ? []
    : readdirSync(sharedPath(FLOWTEST, "golden")).filter((file) => file.startsWith(prefix));

/** What of a flow's annotations differs from what was found in it; `compared` counts all. */
function differences(
  file: string,
  flow: Annotated,
  row: Row,
  tally: { compared: number },
): string[] {
  return Object.entries(flow).flatMap(([name, value]) => {
    const read = FIELDS[name];
    if (!read || OF_REQUESTS.has(`${file} ${name}`)) return [];
    tally.compared++;
    // A list has the values that are right.
    const right = [value].flat().map((each) => String(each).toLowerCase());
    const found = String(read(row));
    return right.includes(found.toLowerCase()) ? [] : [`${file} ${name}: ${found}, not ${value}`];
  });
}

describe.each([
  ["http_", http],
  ["tls", tls],
])("FlowTest's annotations of %s", (prefix, def) => {
  test.skipIf(absent)(`${def.name} finds what is annotated${why}`, () => {
    const differ: string[] = [];
    const tally = { compared: 0 };
    for (const file of golden(prefix)) {
      const text = readFileSync(sharedPath(FLOWTEST, "golden", file), "utf8");
      const { pcap, flows } = Bun.YAML.parse(text) as { pcap: string; flows: Annotated[] };
      const rows = protocolRows(def as AnyProtocol, sharedPath(FLOWTEST, pcap));
      for (const flow of flows) {
        const row = rows.find(({ SRC_PORT }) => SRC_PORT === flow["src_port"])!;
        differ.push(...differences(file, flow, row, tally));
      }
    }
    const equal = tally.compared - differ.length;
    process.stdout.write(`FlowTest: ${equal}/${tally.compared} of ${def.name} equal\n`);
    expect(differ).toEqual([]);
    expect(tally.compared).toBeGreaterThan(20);
  });
});
