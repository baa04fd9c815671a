// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromDeb822, fromList, hostSources, sourceLine } from "./sources.ts";

const KEY = "/usr/share/keyrings/debian-archive-keyring.gpg";

test("fromList takes Debian's suites with main, and no source package or other archive", () => {
  const text = [
    "# deb http://mirror.example/debian bookworm main",
    "deb http://mirror.example/debian bookworm main contrib",
    `deb [arch=amd64 signed-by=${KEY}] http://mirror.example/debian-security bookworm-security main`,
    "deb-src http://mirror.example/debian bookworm main",
    "deb http://mirror.example/debian bookworm contrib",
    "deb http://other.example/apt cloud-bookworm main",
    "deb http://mirror.example/debian trixie main",
  ].join("\n");
  expect(fromList(text)).toEqual([
    { uri: "http://mirror.example/debian", suite: "bookworm", signedBy: undefined },
    { uri: "http://mirror.example/debian-security", suite: "bookworm-security", signedBy: KEY },
  ]);
});

test("fromDeb822 takes each suite of each stanza that is enabled", () => {
  const text = `Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main
Signed-By: ${KEY}

Types: deb
Enabled: no
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://other.example/apt
Suites: nodistro
Components: main
`;
  expect(fromDeb822(text).map(sourceLine)).toEqual([
    `deb [signed-by=${KEY}] http://mirror.example/debian bookworm main`,
    `deb [signed-by=${KEY}] http://mirror.example/debian bookworm-updates main`,
  ]);
});

test("hostSources reads both kinds of file, and says when there is nothing for it", () => {
  const etc = mkdtempSync(join(tmpdir(), "apt-"));
  try {
    expect(() => hostSources(etc)).toThrow("no source of Debian bookworm");
    mkdirSync(join(etc, "sources.list.d"));
    writeFileSync(join(etc, "sources.list"), "deb http://a.example/debian bookworm main\n");
    writeFileSync(
      join(etc, "sources.list.d/b.sources"),
      "Types: deb\nURIs: http://b.example/debian\nSuites: bookworm-security\nComponents: main\n",
    );
    writeFileSync(join(etc, "sources.list.d/c.list.off"), "deb http://c.example/ bookworm main\n");
    expect(hostSources(etc).map(({ uri }) => uri)).toEqual([
      "http://a.example/debian",
      "http://b.example/debian",
    ]);
  } finally {
    rmSync(etc, { recursive: true });
  }
});
