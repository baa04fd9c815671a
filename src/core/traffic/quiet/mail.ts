// SPDX-License-Identifier: BSD-3-Clause

import { DNS_A, DNS_TXT } from "../dns-message.ts";
import type { Host } from "../host.ts";
import type { Dialogue } from "../tcp-session.ts";
import type { Lookups } from "./lookups.ts";
import { DOMAIN, domainOf } from "./names.ts";
import type { Phrases } from "./phrases.ts";
import type { Scene } from "./scene.ts";

const PORT = { smtp: 25, imaps: 993, submission: 587 } as const;
/** Seconds between polls of a mailbox. */
const POLL_SECONDS = 300;

/** Mail in and out by the mail server, mailboxes polled by everybody. */
export function enterMail(scene: Scene, phrases: Phrases, lookups: Lookups): void {
  const { random } = scene.stage;
  const { clients, mailPeers, office } = scene.network;
  const server = office.mail;
  const host = `mail.${DOMAIN}`;
  const peers = mailPeers.map((peer) => ({ peer, domain: domainOf(random) }));
  const letters = peers.slice(0, 40).map(({ domain }) => letter(phrases, host, `mx.${domain}`));
  const replies = peers.slice(0, 40).map(({ domain }) => letter(phrases, `mx.${domain}`, host));
  scene.often(4, (now) => {
    const { peer, domain } = scene.pick(peers);
    lookups.ask(now, server, {
      name: `mx.${domain}`,
      type: DNS_A,
      records: [{ type: DNS_A, words: [peer.ipv4] }],
    });
    send(now + 40_000, server, peer, letters);
  });
  scene.often(3, (now) => {
    const { peer, domain } = scene.pick(peers);
    send(now, peer, server, replies);
    lookups.sender(now + 80_000, server, peer, domain);
  });
  // Lists of policies that mail servers read about each other.
  scene.often(30, (now) =>
    lookups.ask(now, server, {
      name: `_mta-sts.${scene.pick(peers).domain}`,
      type: DNS_TXT,
      records: [{ type: DNS_TXT, text: "v=STSv1; id=20260105T000000;" }],
    }),
  );
  const mailbox = phrases.variants(() =>
    phrases.tls("agent", host, phrases.exchanges(random.between(3, 7), 900, 40)),
  );
  for (const client of clients)
    scene.every(
      POLL_SECONDS,
      (now) => scene.tcp(now, { client, server, port: PORT.imaps, dialogue: scene.pick(mailbox) }),
      0.01,
    );
  const posts = phrases.variants(() => {
    const ask = 3000 + random.exponential(30_000);
    return phrases.tls("agent", host, [
      ...phrases.exchanges(3, 200, 30),
      { ask, answer: 90, wait: 900 },
    ]);
  });
  scene.often(6, (now) =>
    scene.tcp(now, {
      client: scene.pick(clients),
      server,
      port: PORT.submission,
      dialogue: scene.pick(posts),
    }),
  );

  function send(now: number, client: Host, to: Host, said: readonly Dialogue[]): void {
    scene.tcp(now, { client, server: to, port: PORT.smtp, dialogue: scene.pick(said) });
  }
}

/** From one mail server to another, in the clear up to STARTTLS and noise behind it (RFC 5321, RFC 3207). */
function letter(phrases: Phrases, from: string, to: string): Dialogue {
  const { turns, end } = phrases.lines(
    `< 220 ${to} ESMTP`,
    `> EHLO ${from}`,
    `< 250-${to}\r\n250-SIZE 52428800\r\n250-STARTTLS\r\n250 8BITMIME`,
    "> STARTTLS",
    "< 220 2.0.0 Ready to start TLS",
  );
  const secure = phrases.tls("agent", to, [
    ...phrases.exchanges(3, 100, 20),
    { ask: 9000, answer: 70, wait: 5000 },
  ]);
  return { turns: [...turns, ...secure.turns], end };
}
