// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { describeWithLibpcap } from "../fixtures/requirements.ts";
import { libpcapAvailable, libraryVersion, loadLibrary } from "./library.ts";
import { linkTypeName } from "./link-types.ts";

test("loadLibrary names every library it tried, and the cure", () => {
  const load = () => loadLibrary(["libnone.so.1", "libnone.so.0.8"]);
  expect(load).toThrow(expect.objectContaining({ name: "PcapError", code: "ERR_PCAP_LIBRARY" }));
  expect(load).toThrow("libnone.so.1");
  expect(load).toThrow("libnone.so.0.8");
  expect(load).toThrow("apt-get install libpcap0.8");
});

test("loadLibrary names the function that a library lacks", () => {
  const libc = process.platform === "darwin" ? "libSystem.dylib" : "libc.so.6";
  expect(() => loadLibrary([libc])).toThrow("pcap_lib_version");
});

test("index loads no library until a function needs it", () => {
  const index = fileURLToPath(new URL("./index.ts", import.meta.url));
  const script = `
    const { libpcapAvailable } = await import(${JSON.stringify(index)});
    const loaded = async () => (await Bun.file("/proc/self/maps").text()).includes("libpcap.so");
    const before = await loaded();
    console.log(JSON.stringify([before, libpcapAvailable(), await loaded()]));`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", script]);
  const available = libpcapAvailable();
  expect(JSON.parse(stdout.toString())).toEqual([false, available, available]);
});

describeWithLibpcap("libpcap", () => {
  test("libraryVersion gives libpcap's own words", () => {
    expect(libraryVersion()).toMatch(/^libpcap version \d+\.\d+/);
  });

  test("linkTypeName gives the DLT name, or undefined where there is none", () => {
    expect([linkTypeName(1), linkTypeName(113)]).toEqual(["EN10MB", "LINUX_SLL"]);
    expect(linkTypeName(60_000)).toBeUndefined();
    expect(() => linkTypeName(1.5)).toThrow("linkType: expected an integer");
  });
});
