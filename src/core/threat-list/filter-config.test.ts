// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { FilterConfig } from "./filter-config.ts";
import { ListFolder } from "./testing/list-folder.ts";

const folder = new ListFolder();
afterAll(() => folder.remove());

test("FilterConfig reads the elements of an original's configuration", () => {
  folder.write("ip4.blist", "203.0.113.7,1");
  const path = folder.write(
    "conf.xml",
    '<?xml version="1.0"?><configuration><struct name="main struct">',
    "<!-- <element name='ipv4_blacklist_file'>no</element> -->",
    '<element name="ipv4_blacklist_file">',
    "  ip4.blist",
    '</element><element name="ipv6_blacklist_file">/var/a&amp;b.blist</element>',
    "</struct></configuration>",
  );
  const config = new FilterConfig(path, "ipblacklist");
  expect(config.file("ipv4_blacklist_file")).toBe(`${folder.path}/ip4.blist`);
  expect(config.file("ipv6_blacklist_file")).toBe("/var/a&b.blist");
  expect(config.file("blacklist_file")).toBe("");
});

test("FilterConfig says which file it cannot read", () => {
  expect(() => new FilterConfig(`${folder.path}/none.xml`, "ipblacklist")).toThrow(
    `ipblacklist: -c ${folder.path}/none.xml: ENOENT`,
  );
});
