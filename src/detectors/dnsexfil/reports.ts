// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { type Columns, DOMAIN_BYTES } from "./columns.ts";
import { DNS, type Setup } from "./fields.ts";
import { signsOf } from "./signs.ts";

export type Closing = Pick<AlertDetail, "closed" | "time">;

/** Of the names below a domain: how many different ones, from how many clients; bytes that one client moved, and how many it takes. */
export interface Moved {
  readonly different: number;
  readonly clients: number;
  readonly moved: number;
  readonly limit: number;
}

/** Bytes of a single name that is told of, with characters that no host has. */
export const ODD_MIN = 40;
/** Share of the queries answered as a list is asked: likely one that nobody has told us of. */
const LISTED_MIN = 0.5;
const LISTED_SEVERITY = 2;
const NOBODY = new Address();
const UNPRINTED = /[^\x21-\x7e]/g;

/** Puts into words what is known of a domain. */
export class Reports {
  readonly #out: Setup["out"];
  readonly #columns: Columns;
  readonly #evidence: Evidence;

  constructor(out: Setup["out"], columns: Columns, evidence: Evidence) {
    this.#out = out;
    this.#columns = columns;
    this.#evidence = evidence;
  }

  /** Many names below the domain. */
  names(row: number, { different, clients, moved, limit }: Moved, closing: Closing): void {
    const { first, last, queries, bytes, bits, listed, heavy, heavyBytes } = this.#columns;
    const domain = this.#domain(row);
    const isOne = heavyBytes[row]! * 2 >= bytes[row]!;
    const client = isOne ? addressAt(heavy, row * 4) : NOBODY;
    const isList = listed[row]! >= queries[row]! * LISTED_MIN;
    const seconds = Math.ceil((last[row]! - first[row]!) / SECOND);
    const cost = (bits[row]! / bytes[row]!).toFixed(1);
    const who = isOne ? String(client) : `${clients} clients`;
    const each = isOne ? "" : " from each";
    const signs = signsOf(this.#columns, row).join(", ") || "no other sign";
    const list = isList ? "; most were answered by 127.0.0.0/8, as reputation lists do" : "";
    this.#send(row, client, {
      record: { EXFIL_NAMES: different, EXFIL_CLIENTS: clients, EXFIL_BYTES: BigInt(moved) },
      detail: {
        rule: "names",
        key: domain,
        reason: `${who} asked for about ${different} different names below ${domain} that look encoded (${cost} bits a character, of names of hosts it is 4.3), with ${moved} bytes${each} in ${seconds} s (limit ${limit} with ${signs})${list}`,
        observed: moved,
        threshold: limit,
        flows: queries[row]!,
        source: isOne ? { ip: who } : { count: clients },
        ...(isList ? { severity: LISTED_SEVERITY } : {}),
        ...closing,
      },
    });
  }

  /** A name that is odd on its own, or some. */
  odd(row: number, closing: Closing = {}): void {
    const { odd, oddSize, oddClient } = this.#columns;
    const client = addressAt(oddClient, row * 4);
    const domain = this.#domain(row);
    const asked = odd[row] === 1 ? "a name" : `the first of ${odd[row]} names`;
    this.#send(row, client, {
      record: { EXFIL_NAMES: odd[row]!, EXFIL_CLIENTS: 1, EXFIL_BYTES: BigInt(oddSize[row]!) },
      detail: {
        rule: "name",
        key: `${domain}:odd`,
        reason: `${client} asked for ${asked} below ${domain} with ${oddSize[row]} bytes that look encoded (limit ${ODD_MIN}), among them some that no host has in its name`,
        observed: oddSize[row]!,
        threshold: ODD_MIN,
        source: { ip: String(client) },
        ...closing,
      },
    });
  }

  #send(row: number, client: Address, { record, detail }: Report): void {
    const { first, last, server, evidenceOf } = this.#columns;
    const target = addressAt(server, row * 4);
    this.#out.alerts.send(
      {
        SRC_IP: client,
        DST_IP: target,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        EXFIL_DOMAIN: this.#domain(row),
        ...record,
      },
      {
        target: { ip: String(target), port: DNS },
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...detail,
      },
    );
  }

  #domain(row: number): string {
    const { domain, domainSize } = this.#columns;
    const at = row * DOMAIN_BYTES;
    return String.fromCharCode(...domain.subarray(at, at + domainSize[row]!))
      .toLowerCase()
      .replaceAll(UNPRINTED, (char) => `\\${String(char.charCodeAt(0)).padStart(3, "0")}`);
  }
}

interface Report {
  readonly record: {
    readonly EXFIL_NAMES: number;
    readonly EXFIL_CLIENTS: number;
    readonly EXFIL_BYTES: bigint;
  };
  readonly detail: AlertDetail;
}

function addressAt(words: Int32Array, at: number): Address {
  const address = new Address();
  address.w0 = words[at]!;
  address.w1 = words[at + 1]!;
  address.w2 = words[at + 2]!;
  address.w3 = words[at + 3]!;
  return address;
}
