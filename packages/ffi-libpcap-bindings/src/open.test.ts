// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { CaptureFolder, captureFile, udpFrame } from "../fixtures/capture-file.ts";
import { describeWithLibpcap } from "../fixtures/requirements.ts";
import { type LiveOptions, openDead, openLive, openOffline } from "./open.ts";

describeWithLibpcap("open", () => {
  const folder = new CaptureFolder();
  afterAll(() => folder[Symbol.dispose]());

  test("openOffline names the file and libpcap's reason", () => {
    const open = expect.objectContaining({ name: "PcapError", code: "ERR_PCAP_OPEN" });
    const absent = `${folder.path}/absent.pcap`;
    expect(() => openOffline(absent)).toThrow(open);
    expect(() => openOffline(absent)).toThrow(`${absent}: No such file or directory`);
    expect(() => openOffline(folder.write(new Uint8Array(100)))).toThrow("unknown file format");
    expect(() => openOffline(folder.write(new Uint8Array(0)))).toThrow(open);
    expect(() => openOffline(folder.path)).toThrow(open);
  });

  test("openOffline rejects a path that C would cut short", () => {
    const path = folder.write(captureFile([{ bytes: udpFrame(1, 2) }]));
    expect(() => openOffline(`${path}\0.txt`)).toThrow(
      expect.objectContaining({ code: "ERR_PCAP_ARGUMENT" }),
    );
  });

  test("openLive names the device and libpcap's reason, once", () => {
    expect(() => openLive("absent0")).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^ERR_PCAP_(DEVICE|PERMISSION)$/),
        message: expect.stringMatching(/^absent0: (?!(.+): \1$)/),
      }),
    );
  });

  test("openLive rejects an option out of range before it opens anything", () => {
    const wrong: [LiveOptions, string][] = [
      [{ snaplen: -1 }, "snaplen"],
      [{ bufferBytes: 0 }, "bufferBytes"],
      [{ bufferBytes: 2 ** 31 }, "bufferBytes"],
      // libpcap takes 0 for "wait until the block is full", which may be never.
      [{ timeoutMs: 0 }, "timeoutMs"],
      [{ timeoutMs: Number.NaN }, "timeoutMs"],
    ];
    for (const [options, name] of wrong) {
      expect(() => openLive("absent0", options)).toThrow(`${name}: expected an integer`);
    }
    expect(() => openLive("lo\0")).toThrow("device: contains a NUL");
  });

  test("openDead with snaplen 0 compiles nothing, and says why", () => {
    using pcap = openDead(1, 0);
    expect(() => pcap.compile("tcp")).toThrow("snaplen of 0 rejects all packets");
    expect(() => openDead(1, 1.5)).toThrow("snaplen: expected an integer");
  });
});
