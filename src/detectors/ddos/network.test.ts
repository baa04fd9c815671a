// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Batch } from "../../core/batch.ts";
import { reader } from "../../core/unirec/reader.ts";
import { template } from "../../core/unirec/template.ts";
import { packBatch } from "../../core/unirec/writer.ts";
import { networkOf } from "./network.ts";

/** The network of an address as text. */
function network(address: string, bits4: number, bits6: number): string {
  const layout = template("ipaddr SRC_IP");
  const cursor = reader(layout);
  cursor.reset(packBatch(layout, [{ SRC_IP: address }], new Batch()));
  cursor.next();
  return String(networkOf(bits4, bits6)(cursor.SRC_IP));
}

test.each([
  ["203.0.113.77", 32, 128, "203.0.113.77"],
  ["203.0.113.77", 25, 0, "203.0.113.0"],
  ["203.0.113.200", 25, 0, "203.0.113.128"],
  ["203.0.113.77", 24, 48, "203.0.113.0"],
  ["203.0.113.77", 7, 48, "202.0.0.0"],
  ["203.0.113.77", 0, 48, "0.0.0.0"],
  ["2001:db8:1:2:3:4:5:6", 24, 128, "2001:db8:1:2:3:4:5:6"],
  ["2001:db8:1:2:3:4:5:6", 24, 112, "2001:db8:1:2:3:4:5:0"],
  ["2001:db8:1:2:3:4:5:6", 24, 64, "2001:db8:1:2::"],
  ["2001:db8:1:2:3:4:5:6", 24, 48, "2001:db8:1::"],
  ["2001:db8:1:2:3:4:5:6", 24, 29, "2001:db8::"],
  ["2001:db8:1:2:3:4:5:6", 24, 0, "::"],
])("networkOf cuts %s to %d or %d bits: %s", (address, bits4, bits6, expected) => {
  expect(network(address, bits4, bits6)).toBe(expected);
});
