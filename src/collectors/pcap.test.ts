// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { PcapSource } from "./pcap.ts";

test("PcapSource refuses standard input twice, and standard input in a loop", () => {
  expect(() => new PcapSource(["-", "-"])).toThrow("given twice");
  expect(() => new PcapSource(["-"], { loop: 2 })).toThrow("--loop");
});

test("PcapSource names a file that cannot be read", () => {
  expect(() => new PcapSource(["/nonexistent.pcap"])).toThrow("/nonexistent.pcap");
});
