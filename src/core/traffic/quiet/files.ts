// SPDX-License-Identifier: BSD-3-Clause
import type { Host } from "../host.ts";
import type { Dialogue } from "../tcp-session.ts";
import type { Phrases } from "./phrases.ts";
import type { Scene } from "./scene.ts";

const PORT = {
  smb: 445,
  ldap: 389,
  kerberos: 88,
  postgres: 5432,
  rsync: 873,
  winrm: 5985,
} as const;
/** What a backup moves: one large, a few of what has changed. */
const BACKUP = { whole: 200_000_000, changed: 6_000_000 } as const;
const SMB = [0, 0, 0, 68, 0xfe, 0x53, 0x4d, 0x42, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
const LDAP = [0x30, 0x25, 2, 1, 1, 0x63, 0x20, 4, 0, 10, 1, 0, 10, 1, 0, 2, 1, 0];
const KERBEROS = [0, 0, 0, 120, 0x6a, 0x76, 0x30, 0x74, 0xa1, 3, 2, 1, 5, 0xa2, 3, 2, 1, 10];
const POSTGRES = [0, 0, 0, 41, 0, 3, 0, 0, 0x75, 0x73, 0x65, 0x72, 0];
const MINUTE = 60_000_000;

/** Shares, directory and database of the office, which clients use all day. */
export function enterFiles(scene: Scene, phrases: Phrases): void {
  const { random } = scene.stage;
  const { clients, resolvers, office, off } = scene.network;
  const sessions = (
    first: readonly number[],
    count: readonly [number, number],
    mean: number,
  ): Dialogue[] =>
    phrases.variants(() =>
      phrases.binary(first, phrases.exchanges(random.between(...count), mean, 60)),
    );
  const shares = sessions(SMB, [6, 16], 2500);
  const ldap = sessions(LDAP, [2, 4], 700);
  const kerberos = sessions(KERBEROS, [1, 1], 900);
  const queries = sessions(POSTGRES, [2, 8], 900);
  const anyone = (): Host => scene.pick(clients);
  const use = (
    seconds: number,
    port: number,
    said: readonly Dialogue[],
    server = office.files,
  ): void =>
    scene.often(seconds, (now) =>
      scene.tcp(now, { client: anyone(), server, port, dialogue: scene.pick(said) }),
    );
  use(1.4, PORT.smb, shares);
  use(3, PORT.ldap, ldap, resolvers[0]);
  use(4, PORT.ldap, ldap, resolvers[1]);
  use(2, PORT.kerberos, kerberos, resolvers[0]);
  use(3, PORT.kerberos, kerberos, resolvers[1]);
  use(2, PORT.postgres, queries, office.database);
  // The web server's connections to its database: one for each page.
  scene.often(1.5, (now) =>
    scene.tcp(now, {
      client: office.web,
      server: office.database,
      port: PORT.postgres,
      dialogue: scene.pick(queries),
    }),
  );
  // Drives of colleagues whose machines are off.
  for (const server of off.slice(0, 6)) {
    const client = anyone();
    scene.often(120, (now) =>
      scene.tcp(now, { client, server, port: PORT.smb, outcome: "silent", retries: 3 }),
    );
  }
}

/** One host visits each client in an hour, those too that are off. */
export function enterInventory(scene: Scene, phrases: Phrases): void {
  const { clients, off, inventory } = scene.network;
  const request = ["POST /wsman HTTP/1.1", "Host: client", "Content-Length: 0"];
  const dialogue = phrases.http(request, 6000);
  for (const server of clients)
    scene.every(3600, (now) =>
      scene.tcp(now, { client: inventory, server, port: PORT.winrm, dialogue, version: 4 }),
    );
  for (const server of off) {
    const call = { client: inventory, server, port: PORT.winrm, version: 4 } as const;
    scene.every(3600, (now) => scene.tcp(now, { ...call, outcome: "silent", retries: 2 }));
  }
}

/** What is kept is copied: of each server what has changed, of one all. */
export function enterBackups(scene: Scene, phrases: Phrases): void {
  const { office, servers } = scene.network;
  const greeting = "> @RSYNCD: 31.0 sha512";
  const whole = phrases.upload(greeting, BACKUP.whole);
  const changed = phrases.upload(greeting, BACKUP.changed);
  const begin = (minute: number, client: Host, dialogue: Dialogue): void =>
    scene.at(scene.start + minute * MINUTE, (now) =>
      scene.tcp(now, { client, server: office.backup, port: PORT.rsync, dialogue, version: 4 }),
    );
  begin(12, office.files, whole);
  const others = servers.filter((server) => server !== office.backup && server !== office.files);
  for (const [i, client] of others.entries()) begin(15 + 3 * i, client, changed);
}
