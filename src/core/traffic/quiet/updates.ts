// SPDX-License-Identifier: BSD-3-Clause
import type { Host } from "../host.ts";
import type { Dialogue } from "../tcp-session.ts";
import type { Lookups } from "./lookups.ts";
import type { Name, Names } from "./names.ts";
import type { Phrases } from "./phrases.ts";
import type { Scene } from "./scene.ts";

const AGENT = "User-Agent: Microsoft-Delivery-Optimization/10.1";
/** Seconds between check-ins of the agents that guard and manage the machines. */
const CHECK_IN = { guard: 240, manager: 900 } as const;
const MEGABYTE = 1 << 20;

/** What is fetched from where. */
interface Fetch {
  readonly name: Name;
  readonly dialogue: Dialogue;
  readonly port: number;
}

/** Software that looks after itself: updates in pieces from content networks, agents that check in. */
export function enterUpdates(
  scene: Scene,
  phrases: Phrases,
  { names, lookups }: { names: Names; lookups: Lookups },
): void {
  const { clients } = scene.network;
  const manifest = names.content("slscr.update.microsoft.com");
  const pieces = names.content("au.download.windowsupdate.com");
  const lists = names.content("ctldl.windowsupdate.com");
  const status = names.direct("ocsp.digicert.com");
  const guard = names.direct("ts01-b.cloudsink.net");
  const manager = names.content("fef.msuc03.manage.microsoft.com");
  const telemetry = names.direct("v10.events.data.microsoft.com");
  const exchanges = phrases.exchanges(3, 4000, 200);
  const asked = phrases.tls("system", manifest.name, exchanges);
  const get = (name: Name, path: string, size: number): Dialogue =>
    phrases.http([`GET ${path} HTTP/1.1`, `Host: ${name.name}`, AGENT], size);
  const downloads = phrases.variants(
    (i) => get(pieces, `/c/msdownload/update/part-${i}.cab`, MEGABYTE / 4 + i * 40_000),
    6,
  );
  const list = get(lists, "/msdownload/trustedr/en/authrootstl.cab", 7000);
  const ocsp = get(status, "/MFEwTzBNMEswSTAJBgUrDgMCGgUABBT", 500);

  const told = phrases.variants(
    () => phrases.tls("system", telemetry.name, phrases.exchanges(1, 400, 80)),
    4,
  );

  const fetch = (now: number, client: Host, { name, dialogue, port }: Fetch): void => {
    lookups.find(now, client, name);
    scene.tcp(now + 30_000, { client, server: name.host, port, dialogue });
  };
  const often = (seconds: number, make: () => Fetch): void =>
    scene.often(seconds, (now) => fetch(now, scene.pick(clients), make()));
  scene.often(6, (now) => {
    const client = scene.pick(clients);
    fetch(now, client, { name: manifest, dialogue: asked, port: 443 });
    const piece = { name: pieces, dialogue: scene.pick(downloads), port: 80 };
    if (scene.chance(0.5)) fetch(now + 900_000, client, piece);
  });
  often(12, () => ({ name: lists, dialogue: list, port: 80 }));
  often(5, () => ({ name: status, dialogue: ocsp, port: 80 }));
  often(2, () => ({ name: telemetry, dialogue: scene.pick(told), port: 443 }));

  const checkIn = (name: Name, seconds: number, jitter: number): void => {
    const said = phrases.variants(
      () => phrases.tls("agent", name.name, phrases.exchanges(1, 600, 40)),
      4,
    );
    for (const client of clients)
      scene.every(
        seconds,
        (now) =>
          scene.tcp(now, { client, server: name.host, port: 443, dialogue: scene.pick(said) }),
        jitter,
      );
  };
  checkIn(guard, CHECK_IN.guard, 0.05);
  checkIn(manager, CHECK_IN.manager, 0.1);
}
