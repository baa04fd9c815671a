// SPDX-License-Identifier: BSD-3-Clause
import { type Address, parseIp } from "../../unirec/ip.ts";

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/i;
const V6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/i;
const GROUP = /.{4}/g;

/** The address that a name for look-ups by address stands for (RFC 1035 section 3.5, RFC 3596 section 2.5). */
export function addressOf(name: string): Address | undefined {
  const v4 = V4.exec(name);
  if (v4) return parseIp(`${v4[4]}.${v4[3]}.${v4[2]}.${v4[1]}`);
  const v6 = V6.exec(name);
  if (!v6) return undefined;
  const digits = v6[1]!.replaceAll(".", "").split("").reverse().join("");
  return parseIp(digits.match(GROUP)!.join(":"));
}
