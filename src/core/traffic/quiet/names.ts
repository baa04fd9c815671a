// SPDX-License-Identifier: BSD-3-Clause
import type { Host } from "../host.ts";
import type { Random } from "../rng.ts";
import type { Network } from "./network.ts";

/** A name of the Internet, the name that it is an alias of, and where both lead. */
export interface Name {
  readonly name: string;
  readonly alias?: string;
  readonly host: Host;
}

/** A site that people visit, and what its pages load from elsewhere. */
export interface Site extends Name {
  readonly parts: readonly Name[];
}

/** The domain of the office itself. */
export const DOMAIN = "corp.northwind-mills.example";

const SITES = 300;
const PARTS = 110;
const WORDS =
  "amber anchor apple atlas autumn bakery barn basket beacon birch bridge brook cabin canyon cedar chapel cherry clever clover coast copper corner cotton crane daily delta dragon eagle early ember field forest fresh garden glass golden grand green harbour harvest hazel hill honey island ivory lake lantern leaf little lunar maple market meadow mill modern morning mountain north oak ocean olive orange orchard paper pearl pine planet prairie quiet rapid raven red ridge river robin rose royal silver sky smart snow south spring star stone summer sun swift table tiger timber tulip urban valley velvet village violet water west white willow wind winter wood yellow".split(
    " ",
  );
const ENDS = ["com", "com", "com", "com", "org", "net", "de", "eu", "io", "co.uk", "fr", "app"];
const HEX = "0123456789abcdef";
const BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz";

export const letters = (random: Random, alphabet: string, count: number): string =>
  Array.from({ length: count }, () => alphabet[random.below(alphabet.length)]).join("");
export const hex = (random: Random, count: number): string => letters(random, HEX, count);
export const domainOf = (random: Random): string =>
  `${random.pick(WORDS)}${random.chance(0.3) ? "-" : ""}${random.pick(WORDS)}.${random.pick(ENDS)}`;

/** How content networks name what belongs to a customer. */
const CONTENT: readonly ((random: Random, site: string) => string)[] = [
  (random) => `d${letters(random, BASE36, 13)}.cloudfront.net`,
  (random) =>
    `e${random.between(1000, 99_999)}.dsc${random.pick(["a", "b", "d", "g"])}.akamaiedge.net`,
  (random) => `a${random.between(100, 1999)}.dscd.akamai.net`,
  (_, site) => `${site.replaceAll(".", "-")}.map.fastly.net`,
  (_, site) => `${site}.cdn.cloudflare.net`,
  (random, site) => `${site.split(".")[1]}-${letters(random, BASE36, 6)}.azureedge.net`,
  (random) => `${random.between(1, 9)}.global-${hex(random, 8)}.b-cdn.net`,
];
/** Names that pages load from, as they are. */
const SHARED = [
  ...["fonts.googleapis.com", "fonts.gstatic.com", "www.google-analytics.com", "www.gstatic.com"],
  ...["www.googletagmanager.com", "ajax.googleapis.com", "cdn.jsdelivr.net", "unpkg.com"],
  ...["cdnjs.cloudflare.com", "static.cloudflareinsights.com", "connect.facebook.net"],
  ...["securepubads.g.doubleclick.net", "pagead2.googlesyndication.com", "s.w.org", "i.ytimg.com"],
  ...["scontent-fra3-1.xx.fbcdn.net", "lh3.googleusercontent.com", "o33249.ingest.sentry.io"],
  ...["js-agent.newrelic.com", "bam.nr-data.net", "px.ads.linkedin.com", "consent.cookiebot.com"],
];

/** All names that are looked up, with their addresses. */
export class Names {
  readonly sites: readonly Site[];
  readonly #network: Network;
  readonly #random: Random;
  #servers = 0;

  constructor(random: Random, network: Network) {
    this.#random = random;
    this.#network = network;
    const parts = [...SHARED.map((name) => this.direct(name)), ...this.#parts()];
    this.sites = Array.from({ length: SITES }, () => this.#site(parts));
  }

  /** A name with a server of its own. */
  direct(name: string): Name {
    return { name, host: this.#network.site(this.#servers++) };
  }

  /** A name that is an alias of a content network's. */
  content(name: string): Name {
    const alias = this.#random.pick(CONTENT)(this.#random, name);
    return { name, alias, host: this.#random.pick(this.#network.edges) };
  }

  /** A few sites are visited often, many seldom. */
  popular(): Site {
    const rank = Math.exp(this.#random.unit() * Math.log(this.sites.length)) | 0;
    return this.sites[rank - 1]!;
  }

  /** A label that a page makes anew for a frame of its own, as advertisers do. */
  frame(): Name {
    const name = `${hex(this.#random, 32)}.safeframe.googlesyndication.com`;
    return { name, host: this.#network.edges[0]! };
  }

  /** A name as somebody types it who meant another: a letter left out, doubled or changed. */
  typo(): string {
    const random = this.#random;
    const name = this.popular().name.split(".");
    const label = name[1]!;
    const at = random.below(label.length);
    const letter = random.pick(["", label[at]! + label[at]!, letters(random, HEX, 1)]);
    name[1] = label.slice(0, at) + letter + label.slice(at + 1);
    return name.join(".");
  }

  #site(parts: readonly Name[]): Site {
    const random = this.#random;
    const name = `www.${domainOf(random)}`;
    const base = random.chance(0.55) ? this.content(name) : this.direct(name);
    const own = [this.content(`static.${name.slice(4)}`), this.content(`img.${name.slice(4)}`)];
    const others = Array.from({ length: random.between(2, 8) }, () => random.pick(parts));
    return { ...base, parts: [...own.slice(random.below(3)), ...others] };
  }

  /** Names of content networks that pages use as they are. */
  #parts(): Name[] {
    const { edges } = this.#network;
    return Array.from({ length: PARTS }, () => {
      const random = this.#random;
      const name = random.pick(CONTENT)(random, `cdn.${domainOf(random)}`);
      return { name, host: random.pick(edges) };
    });
  }
}
