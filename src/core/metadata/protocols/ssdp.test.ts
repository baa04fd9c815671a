// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { datagrams, message } from "../testing/text-frames.ts";
import ssdp from "./ssdp.ts";

testProtocol(ssdp, { capture: "ssdp.pcap" });

const notify = (...lines: string[]) => message("NOTIFY * HTTP/1.1", ...lines);
const search = (...lines: string[]) => message("M-SEARCH * HTTP/1.1", ...lines);
const found = (texts: readonly string[], compat = false) =>
  protocolRows(
    ssdp,
    datagrams(
      texts.map((text) => [0, text]),
      1900,
    ),
    { compat },
  );

test("ssdp lists the types and products of a flow's notifications, each once", () => {
  const type = (name: string) =>
    notify(`NT: urn:example-org:device:${name}`, "Server: OS/1 UPnP/2.0");
  const [row] = found([type("A"), type("AB"), type("A"), notify("nt: uuid:1", "SERVER: Other")]);
  expect(row).toMatchObject({
    SSDP_NT: "example-org:device:A;example-org:device:AB;",
    SSDP_SERVER: "OS/1 UPnP/2.0;Other;",
    SSDP_ST: "",
  });
});

test("ssdp lists what is searched for and by whom", () => {
  const [row] = found([
    search("ST: urn:example:service:x:1", "USER-AGENT: Browser/1"),
    search("ST: ssdp:all"),
  ]);
  expect(row).toMatchObject({ SSDP_ST: "example:service:x:1;", SSDP_USER_AGENT: "Browser/1;" });
});

test("ssdp takes the port from a device's location", () => {
  const port = (url: string) => found([notify(`Location: ${url}`)])[0]!["SSDP_LOCATION_PORT"];
  expect(port("http://192.0.2.7:2869/a.xml")).toBe(2869);
  expect(port("http://[2001:db8::1]:8080/a.xml")).toBe(8080);
  expect(port("http://device.example:49152")).toBe(49152);
  for (const url of [
    "http://192.0.2.7/a:80",
    "http://[2001:db8::1]/",
    "192.0.2.7:80",
    "http://a:70000/",
    "http://a:123456/",
  ])
    expect(port(url)).toBe(0);
});

test("ssdp reads the answer that comes back from the port, unless in compat mode", () => {
  const answer = message(
    "HTTP/1.1 200 OK",
    "ST: urn:example:device:x",
    "Server: Box",
    "Location: http://192.0.2.2:80/",
  );
  const frames = datagrams(
    [
      [0, search("ST: urn:example:device:x")],
      [1, answer],
    ],
    1900,
  );
  expect(protocolRows(ssdp, frames)).toMatchObject([
    { SSDP_ST: "example:device:x;", SSDP_SERVER: "Box;", SSDP_LOCATION_PORT: 80 },
  ]);
  expect(protocolRows(ssdp, frames, { compat: true })).toMatchObject([
    { SSDP_ST: "example:device:x;", SSDP_SERVER: "", SSDP_LOCATION_PORT: 0 },
  ]);
});

test("ssdp leaves out values for which its lists have no room", () => {
  const texts = Array.from({ length: 99 }, (_, i) =>
    notify(`NT: urn:example:device:number-${i}`, `Server: s${"x".repeat(50)}${i}`),
  );
  const [row] = found(texts);
  expect((row!["SSDP_NT"] as string).length).toBeLessThanOrEqual(511);
  expect((row!["SSDP_NT"] as string).length).toBeGreaterThan(480);
  expect((row!["SSDP_SERVER"] as string).length).toBeLessThanOrEqual(255);
});

test("ssdp says nothing of other datagrams to its port; in compat mode it has empty fields for them", () => {
  const [row, ...others] = found(["hello", search("ST: urn:x:y")]);
  expect(row).toMatchObject({ SSDP_ST: "" });
  expect(others).toEqual([]);
  expect(found(["hello"], true)).toMatchObject([{ SSDP_ST: "", PACKETS: 1 }]);
});
