// SPDX-License-Identifier: BSD-3-Clause
import type { Host } from "../host.ts";
import type { Dialogue } from "../tcp-session.ts";
import type { StackName } from "./hellos.ts";
import type { Lookups } from "./lookups.ts";
import type { Name, Names, Site } from "./names.ts";
import type { Phrases } from "./phrases.ts";
import { quicTalk } from "./quic.ts";
import type { Datagram, Scene } from "./scene.ts";

/** Seconds between two pages of a person, on average. */
const PAGE_SECONDS = 130;
/** Share of the names that are looked up; others are still known. */
const LOOKUP_CHANCE = 0.55;
const HTTP_CHANCE = 0.03;
const QUIC_CHANCE = 0.08;
const FRAME_CHANCE = 0.02;
const VARIANTS = 3;
const AGENT =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36";

/** People who read pages: a site, what its pages load from elsewhere, most of it over TLS. */
export class Web {
  readonly #scene: Scene;
  readonly #names: Names;
  readonly #lookups: Lookups;
  readonly #phrases: Phrases;
  readonly #said = new Map<string, readonly Dialogue[]>();
  readonly #quic = new Map<string, readonly Datagram[]>();

  constructor(scene: Scene, names: Names, lookups: Lookups, phrases: Phrases) {
    this.#scene = scene;
    this.#names = names;
    this.#lookups = lookups;
    this.#phrases = phrases;
  }

  enter(): void {
    const { clients } = this.#scene.network;
    for (const [i, client] of clients.entries()) {
      const stack = i % 5 === 4 ? "firefox" : "chrome";
      this.#scene.often(PAGE_SECONDS, (now) => this.#page(now, client, stack));
    }
  }

  #page(now: number, client: Host, stack: StackName): void {
    const { random } = this.#scene.stage;
    const site = this.#names.popular();
    let time = now;
    this.#load(time, client, stack, site);
    time += this.#scene.milliseconds(60, 300);
    for (let part = random.between(0, 4); part > 0; part--) {
      this.#load(time, client, stack, random.pick(site.parts));
      time += this.#scene.milliseconds(1, 120);
    }
    if (this.#scene.chance(FRAME_CHANCE)) this.#lookups.find(time, client, this.#names.frame());
  }

  /** Look the name up where it is not known, and connect. */
  #load(now: number, client: Host, stack: StackName, name: Name | Site): void {
    let time = now;
    if (this.#scene.chance(LOOKUP_CHANCE)) {
      this.#lookups.find(now, client, name);
      time += this.#scene.milliseconds(5, 40);
    }
    const server = name.host;
    if (stack === "chrome" && this.#scene.chance(QUIC_CHANCE)) {
      this.#scene.talk(time, { client, server, port: 443 }, this.#datagrams(name.name));
      return;
    }
    const isPlain = this.#scene.chance(HTTP_CHANCE);
    const dialogue = this.#scene.pick(
      isPlain ? this.#plain(name.name) : this.#secure(stack, name.name),
    );
    this.#scene.tcp(time, { client, server, port: isPlain ? 80 : 443, dialogue });
  }

  #secure(stack: StackName, name: string): readonly Dialogue[] {
    const { random } = this.#scene.stage;
    return this.#once(`${stack} ${name}`, () =>
      this.#phrases.tls(stack, name, this.#phrases.exchanges(random.between(1, 3), 9000, 1500)),
    );
  }

  #plain(name: string): readonly Dialogue[] {
    const size = 300 + this.#scene.stage.random.exponential(12_000);
    const request = ["GET / HTTP/1.1", `Host: ${name}`, `User-Agent: ${AGENT}`, "Accept: */*"];
    return this.#once(name, () => this.#phrases.http(request, size));
  }

  #once(key: string, make: () => Dialogue): readonly Dialogue[] {
    let made = this.#said.get(key);
    if (made === undefined) {
      made = this.#phrases.variants(make, VARIANTS);
      this.#said.set(key, made);
    }
    return made;
  }

  #datagrams(name: string): readonly Datagram[] {
    let made = this.#quic.get(name);
    if (made === undefined) {
      made = quicTalk(this.#scene.stage.random, name);
      this.#quic.set(name, made);
    }
    return made;
  }
}
