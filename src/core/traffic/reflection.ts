// SPDX-License-Identifier: BSD-3-Clause
import { type Field, limits, moments, type Plan, Series, V6_CHANCE } from "./attack-plan.ts";
import { UdpExchange } from "./datagrams.ts";
import { DNS_TXT, dnsReply, type Message } from "./dns-message.ts";
import { octets, text } from "./messages.ts";
import type { Random } from "./rng.ts";
import type { Stage } from "./stage.ts";
import type { Reflection } from "./truth.ts";

/** What servers send to whom a forged question names: their port, and an answer that is large. */
interface Vector {
  readonly name: Reflection["vector"];
  readonly port: number;
  readonly answer: (random: Random) => Message;
}

/** Answers of one monlist message: six hosts of 72 bytes. */
const MONLIST_SIZE = 440;

const VECTORS: readonly Vector[] = [
  {
    name: "DNS",
    port: 53,
    answer: (random) => {
      const question = { id: random.below(65_536), name: "big.example", type: DNS_TXT };
      const record = { type: DNS_TXT, text: "x".repeat(250) };
      return dnsReply(
        question,
        Array.from({ length: 5 }, () => record),
      );
    },
  },
  {
    name: "NTP",
    port: 123,
    answer: (random) =>
      octets([0xd7, 0, 3, 0x2a, 0, 6, 0, 0x48, ...random.bytes(MONLIST_SIZE - 8)]),
  },
  {
    name: "SSDP",
    port: 1900,
    answer: () =>
      text(
        `HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST: upnp:rootdevice\r\nUSN: uuid:${"5f9ec1b3-".repeat(4)}::upnp:rootdevice\r\nLOCATION: http://192.0.2.9:49152/rootDesc.xml\r\nSERVER: Linux UPnP/1.0\r\n\r\n`,
      ),
  },
];

/** Answers of many servers of the Internet to a host that asked none of them. */
export function planReflection({ office, random, span }: Field): Plan<Reflection> {
  const version = random.chance(V6_CHANCE) ? 6 : 4;
  const victim = random.pick([office.web, office.mail, office.database, ...office.clients]);
  const vector = random.pick(VECTORS);
  const first = random.between(90_000, 110_000);
  const reflectors = Array.from({ length: random.between(40, 150) }, (_, i) =>
    office.remote(first + i * 101),
  );
  const answers = Array.from({ length: 8 }, () => vector.answer(random));
  const count = random.between(2500, 5000);
  const times = moments(random, span, { count, seconds: random.between(6, 12) });
  const port = random.between(1024, 65_000);
  const truth: Reflection = {
    kind: "reflection",
    victim: victim.text(version),
    vector: vector.name,
    reflectors: reflectors.length,
    packets: count,
    ...limits(times),
  };
  const enter = (stage: Stage): void => {
    const begin = (now: number, i: number): void => {
      const route = office.route(reflectors[i % reflectors.length]!, victim, version);
      const request = answers[i % answers.length]!;
      const datagram = { route, sourcePort: vector.port, targetPort: port, request };
      stage.calendar.enter(now, new UdpExchange(stage, datagram));
    };
    stage.calendar.enter(times[0]!, new Series(times, begin));
  };
  return { truth, enter };
}
