// SPDX-License-Identifier: BSD-3-Clause
import { mdnsQuery } from "../dns-message.ts";
import { text } from "../messages.ts";
import type { Names } from "./names.ts";
import type { Phrases } from "./phrases.ts";
import type { Scene } from "./scene.ts";

const PORT = { ssh: 22, https: 443, ipp: 631, raw: 9100, mdns: 5353, ssdp: 1900 } as const;
const MINUTE = 60_000_000;
const SERVICES = ["_ipp._tcp.local", "_airplay._tcp.local", "_googlecast._tcp.local"];
const SEARCH =
  'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: urn:dial-multiscreen-org:service:dial:1\r\n\r\n';

/** Admins in shells: short looks, and sessions of the whole hour that are kept alive. */
export function enterShells(scene: Scene, phrases: Phrases): void {
  const { random } = scene.stage;
  const { clients, servers } = scene.network;
  const admins = clients.slice(0, 5);
  const typed = phrases.variants(() =>
    phrases.ssh(
      Array.from({ length: random.between(30, 120) }, () => {
        return { ask: 36, answer: random.between(36, 600), wait: random.between(40_000, 2e6) };
      }),
    ),
  );
  const kept = phrases.ssh(phrases.kept(55, { ask: 52, answer: 52, wait: MINUTE }));
  scene.often(70, (now) =>
    scene.tcp(now, {
      client: scene.pick(admins),
      server: scene.pick(servers),
      port: PORT.ssh,
      dialogue: scene.pick(typed),
    }),
  );
  for (const client of admins)
    scene.at(scene.start + random.below(MINUTE), (now) =>
      scene.tcp(now, { client, server: scene.pick(servers), port: PORT.ssh, dialogue: kept }),
    );
}

/** Pages to the queue, and from there to the printers, of which one is off. */
export function enterPrinting(scene: Scene, phrases: Phrases): void {
  const { clients, printers, printQueue, off } = scene.network;
  const job = phrases.variants((i) =>
    phrases.upload("> POST /ipp/print HTTP/1.1", 40_000 * (i + 1)),
  );
  scene.often(20, (now) => {
    const dialogue = scene.pick(job);
    scene.tcp(now, { client: scene.pick(clients), server: printQueue, port: PORT.ipp, dialogue });
    scene.tcp(now + 2e6, {
      client: printQueue,
      server: scene.pick(printers),
      port: PORT.raw,
      dialogue,
    });
  });
  const server = off.at(-1)!;
  scene.every(30, (now) =>
    scene.tcp(now, { client: printQueue, server, port: PORT.raw, outcome: "silent", retries: 2 }),
  );
}

/** Multicast by which hosts look for printers, screens and loudspeakers. */
export function enterDiscovery(scene: Scene): void {
  const { clients, office, ssdpGroup } = scene.network;
  for (const client of clients) {
    scene.often(420, (now) =>
      scene.udp(now, {
        client,
        server: office.mdnsGroup,
        sourcePort: PORT.mdns,
        port: PORT.mdns,
        request: mdnsQuery(scene.pick(SERVICES)),
      }),
    );
  }
  // A browser looks for screens every two minutes, four times in a row.
  for (const client of clients.filter((_, i) => i % 4 === 0))
    scene.every(120, (now) => {
      const sourcePort = client.nextPort();
      for (let i = 0; i < 4; i++)
        scene.udp(now + i * 1_000_000, {
          client,
          server: ssdpGroup,
          sourcePort,
          port: PORT.ssdp,
          request: text(SEARCH),
          version: 4,
        });
    });
}

/** Connections that last: messages, meetings, films. */
export function enterLasting(scene: Scene, phrases: Phrases, names: Names): void {
  const { random } = scene.stage;
  const { clients } = scene.network;
  const chat = names.direct("wss-primary.slack.com");
  const push = names.direct("client.wns.windows.com");
  const film = names.content("rr4---sn-h0jeln7e.googlevideo.com");
  const keep = (seconds: number): ReturnType<Phrases["kept"]> =>
    phrases.kept(Math.floor(3500 / seconds), { ask: 60, answer: 90, wait: seconds * 1_000_000 });
  const chats = phrases.variants((i) => phrases.tls("chrome", chat.name, keep(28 + i)), 8);
  const pushes = phrases.tls("system", push.name, keep(240));
  for (const [i, client] of clients.entries()) {
    const begin = scene.start + random.below(3 * MINUTE);
    if (i % 3 !== 0)
      scene.tcp(begin, {
        client,
        server: chat.host,
        port: PORT.https,
        dialogue: scene.pick(chats),
      });
    scene.tcp(begin, { client, server: push.host, port: PORT.https, dialogue: pushes });
  }
  // Ten seconds of film at a time, for some minutes.
  const films = phrases.variants(() => {
    const pieces = random.between(15, 50);
    const exchanges = Array.from({ length: pieces }, () => {
      return { ask: 700, answer: random.between(90_000, 160_000), wait: 10_000_000 };
    });
    return phrases.tls("chrome", film.name, exchanges);
  }, 8);
  for (let i = 0; i < 12; i++)
    scene.at(scene.start + random.below(45 * MINUTE), (now) =>
      scene.tcp(now, {
        client: scene.pick(clients),
        server: film.host,
        port: PORT.https,
        dialogue: scene.pick(films),
      }),
    );
}
