// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type End, Sockets } from "./sockets.ts";

const TCP = 6;
const UDP = 17;
// 192.0.2.1 and 192.0.2.2, as a little-endian host has them.
const HERE: End = { word: 0x01_02_00_c0, port: 40_000 };
const THERE: End = { word: 0x02_02_00_c0, port: 443 };
const HEAD =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

const line = (local: string, remote: string, user: number, inode: number): string =>
  `   0: ${local} ${remote} 01 00000000:00000000 00:00000000 00000000  ${user}        0 ${inode} 1 0000 20 4\n`;

let folder = "";
let sockets = new Sockets();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nemean-proc-"));
  for (const id of ["7", "8", "self"]) mkdirSync(join(folder, id, "fd"), { recursive: true });
  mkdirSync(join(folder, "net"));
  const mapped = (word: string) => `0000000000000000FFFF0000${word}`;
  writeFileSync(
    join(folder, "net/tcp"),
    HEAD +
      line("010200C0:9C40", "020200C0:01BB", 1000, 11) +
      line("010200C0:9C41", "020200C0:01BB", 0, 0),
  );
  writeFileSync(
    join(folder, "net/tcp6"),
    HEAD + line(`${mapped("010200C0")}:0050`, `${mapped("020200C0")}:9C40`, 33, 12),
  );
  writeFileSync(join(folder, "net/udp"), HEAD + line("00000000:0035", "00000000:0000", 4, 13));
  writeFileSync(join(folder, "7/comm"), "browser\n");
  symlinkSync("socket:[11]", join(folder, "7/fd/3"));
  symlinkSync("/dev/null", join(folder, "7/fd/4"));
  writeFileSync(join(folder, "8/comm"), "server\n");
  symlinkSync("socket:[12]", join(folder, "8/fd/3"));
  symlinkSync("socket:[13]", join(folder, "8/fd/4"));
  writeFileSync(join(folder, "passwd"), "root:x:0:0::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\n");
  sockets = new Sockets(folder, join(folder, "passwd"));
  sockets.refresh();
});
afterAll(() => rmSync(folder, { recursive: true }));

test("Sockets tells program and user of a connection, from the side that is here", () => {
  expect(sockets.owner(TCP, HERE, THERE)).toEqual({ program: "browser", user: "ann" });
  expect(sockets.owner(TCP, THERE, HERE)).toBeUndefined();
  expect(sockets.owner(UDP, HERE, THERE)).toBeUndefined();
});

test("Sockets does not take a flow of other hosts with the same ports for one of this host", () => {
  expect(sockets.owner(TCP, { ...HERE, word: 1 }, THERE)).toBeUndefined();
  expect(sockets.owner(TCP, HERE, { ...THERE, word: 1 })).toBeUndefined();
});

test("Sockets knows an IPv4 connection of an IPv6 socket, and a user without a name by number", () => {
  const web = { ...HERE, port: 80 };
  const client = { ...THERE, port: 40_000 };
  expect(sockets.owner(TCP, web, client)).toEqual({ program: "server", user: "33" });
});

test("Sockets finds a socket that is not connected by its port", () => {
  expect(sockets.owner(UDP, { ...HERE, port: 53 }, THERE)?.program).toBe("server");
});

test("Sockets forgets closed connections, and all when the system says nothing", () => {
  expect(sockets.owner(TCP, { ...HERE, port: 40_001 }, THERE)).toBeUndefined();
  const none = new Sockets(join(folder, "nowhere"), join(folder, "nowhere"));
  none.refresh();
  expect(none.owner(TCP, HERE, THERE)).toBeUndefined();
});
