// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "../errors.ts";
import { placeOf } from "./elements.ts";
import { Tokens } from "./filter-tokens.ts";
import { addressTest, type FlowTest, isComparison, numberOf, numberTest } from "./filter-values.ts";

export type { FlowTest } from "./filter-values.ts";

/** Parentheses and `not` within one another. */
const DEPTH_MAX = 100;

const PROTOCOL = placeOf("protocol").at;
const FLAGS = placeOf("tcpFlags").at;
const TCP = 6;
const ICMP = 1;
const ICMP6 = 58;
const TARGET_PORT = placeOf("targetPort").at;

const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: ICMP,
  igmp: 2,
  ipip: 4,
  tcp: TCP,
  udp: 17,
  ipv6: 41,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  icmp6: ICMP6,
  eigrp: 88,
  ospf: 89,
  vrrp: 112,
  sctp: 132,
};
/** Letters of TCP flags, the lowest bit first; X is all of them. */
const FLAG_LETTERS = "FSRPAUEC";
const ALL_FLAGS = 0x3f;

type Direction = "src" | "dst" | "both" | "either";

/** Fields that have a source and a destination. */
const SIDES = {
  port: ["sourcePort", "targetPort"],
  as: ["sourceAs", "targetAs"],
  vlan: ["vlan", "postVlan"],
  mask: ["sourceMask", "targetMask"],
  tos: ["tos", "postTos"],
} as const;
const ADDRESSES = { src: ["source4", "source6"], dst: ["target4", "target6"] } as const;

/**
 * A filter in nfdump's language: what a flow ({@link FlowRecord.view}) has to be.
 * @throws {NemeanError} ERR_PARAM with the word that is wrong and what may stand there
 */
export function compileFilter(text: string): FlowTest {
  const tokens = new Tokens(text);
  const test = anyOf(tokens, 0);
  if (tokens.word !== "") tokens.expected("`and`, `or` or the end");
  return test;
}

function anyOf(tokens: Tokens, depth: number): FlowTest {
  let test = allOf(tokens, depth);
  while (tokens.takes("or", "||")) {
    const [one, other] = [test, allOf(tokens, depth)];
    test = (view) => one(view) || other(view);
  }
  return test;
}

function allOf(tokens: Tokens, depth: number): FlowTest {
  let test = single(tokens, depth);
  while (tokens.takes("and", "&&")) {
    const [one, other] = [test, single(tokens, depth)];
    test = (view) => one(view) && other(view);
  }
  return test;
}

function single(tokens: Tokens, depth: number): FlowTest {
  if (depth > DEPTH_MAX)
    throw new NemeanError(
      "ERR_PARAM",
      EXIT.config,
      `filter: more than ${DEPTH_MAX} parentheses within one another`,
    );
  if (tokens.takes("not", "!")) {
    const test = single(tokens, depth + 1);
    return (view) => !test(view);
  }
  if (!tokens.takes("(")) return primitive(tokens);
  const test = anyOf(tokens, depth + 1);
  if (!tokens.takes(")")) tokens.expected("`)`");
  return test;
}

function primitive(tokens: Tokens): FlowTest {
  const { word } = tokens;
  switch (word) {
    case "src":
    case "dst":
      return sided(tokens, directionOf(tokens));
    case "in":
    case "out":
      return ofInterface(tokens);
  }
  const simple = Object.hasOwn(SIMPLE, word) ? SIMPLE[word] : undefined;
  if (!simple) return sided(tokens, "either");
  tokens.step();
  return simple(tokens);
}

/** Primitives by their first word, which has been taken. */
const SIMPLE: Readonly<Record<string, (tokens: Tokens) => FlowTest>> = {
  any: () => () => true,
  inet: () => isVersion(4),
  ipv4: () => isVersion(4),
  inet6: () => isVersion(6),
  ipv6: () => isVersion(6),
  proto: protocol,
  flags,
  packets: (tokens) => numberTest(tokens, ["packets"]),
  bytes: (tokens) => numberTest(tokens, ["bytes"]),
  flows: (tokens) => numberTest(tokens, ["flows"]),
  tos: (tokens) => numberTest(tokens, ["tos"]),
  duration: (tokens) => compared(tokens, millis),
  pps: (tokens) => compared(tokens, (view) => perSecond(number(view, "packets"), view)),
  bps: (tokens) => compared(tokens, (view) => perSecond(8 * number(view, "bytes"), view)),
  bpp: (tokens) => compared(tokens, bytesPerPacket),
  "icmp-type": (tokens) => icmp(tokens, TARGET_PORT),
  "icmp-code": (tokens) => icmp(tokens, TARGET_PORT + 1),
  if: (tokens) => numberTest(tokens, ["input", "output"]),
  next: (tokens) => ofAddress(tokens, ["nextHop4", "nextHop6"]),
  bgpnext: (tokens) => ofAddress(tokens, ["bgpNextHop4", "bgpNextHop6"]),
  router: (tokens) => ofAddress(tokens, ["exporter4", "exporter6"]),
};

/** `src`, `dst`, `src or dst`, `src and dst`, which have not been taken. */
function directionOf(tokens: Tokens): Direction {
  const first = tokens.step() as "src" | "dst";
  const other = first === "src" ? "dst" : "src";
  const isJoined = tokens.next === other;
  if (isJoined && tokens.takes("or")) {
    tokens.step();
    return "either";
  }
  if (isJoined && tokens.takes("and")) {
    tokens.step();
    return "both";
  }
  return first;
}

function sided(tokens: Tokens, direction: Direction): FlowTest {
  const { word } = tokens;
  if (word === "ip" || word === "host" || word === "net") {
    tokens.step();
    const ends =
      direction === "src" || direction === "dst" ? [direction] : (["src", "dst"] as const);
    const wanted = addressTest(tokens, word === "net");
    const tests = ends.map((end) => wanted(ADDRESSES[end]));
    return joined(tests, direction);
  }
  if (!Object.hasOwn(SIDES, word))
    tokens.expected(
      "ip, host, net, port, proto, inet, inet6, if, as, vlan, mask, tos, flags, packets, bytes, flows, duration, pps, bps, bpp, icmp-type, icmp-code, next ip, bgpnext ip, router ip or any",
    );
  tokens.step();
  const [source, target] = SIDES[word as keyof typeof SIDES];
  if (direction === "both") return numberTest(tokens, [source], [target]);
  return numberTest(
    tokens,
    direction === "src" ? [source] : direction === "dst" ? [target] : [source, target],
  );
}

const joined = ([one, other]: readonly FlowTest[], direction: Direction): FlowTest => {
  if (!other) return one!;
  return direction === "both"
    ? (view) => one!(view) && other(view)
    : (view) => one!(view) || other(view);
};

/** `in if 3`, `out packets > 5`. */
function ofInterface(tokens: Tokens): FlowTest {
  const isIn = tokens.step() === "in";
  const what = tokens.step();
  if (what === "if") return numberTest(tokens, [isIn ? "input" : "output"]);
  if (what === "packets") return numberTest(tokens, [isIn ? "packets" : "packetsReverse"]);
  if (what === "bytes") return numberTest(tokens, [isIn ? "bytes" : "bytesReverse"]);
  return tokens.expected("if, packets or bytes");
}

function ofAddress(
  tokens: Tokens,
  places: readonly [
    "nextHop4" | "bgpNextHop4" | "exporter4",
    "nextHop6" | "bgpNextHop6" | "exporter6",
  ],
): FlowTest {
  if (!tokens.takes("ip")) tokens.expected("`ip`");
  return addressTest(tokens, false)(places);
}

function protocol(tokens: Tokens): FlowTest {
  const word = tokens.step();
  const number = Object.hasOwn(PROTOCOLS, word) ? PROTOCOLS[word] : numberOf(word);
  if (number === undefined || number > 255)
    return tokens.expected(`a protocol's number, or one of ${Object.keys(PROTOCOLS).join(", ")}`);
  return (view) => view.getUint8(PROTOCOL) === number;
}

/** All of these flags, of TCP. */
function flags(tokens: Tokens): FlowTest {
  const word = tokens.step().toUpperCase();
  const mask = word === "X" ? ALL_FLAGS : (numberOf(word) ?? letters(word));
  if (mask === undefined || mask > 255)
    return tokens.expected(`letters of ${FLAG_LETTERS}, X or a number`);
  return (view) => view.getUint8(PROTOCOL) === TCP && (view.getUint8(FLAGS) & mask) === mask;
}

function letters(word: string): number | undefined {
  let mask = 0;
  for (const letter of word) {
    const bit = FLAG_LETTERS.indexOf(letter);
    if (bit < 0) return undefined;
    mask |= 1 << bit;
  }
  return word === "" ? undefined : mask;
}

function icmp(tokens: Tokens, at: number): FlowTest {
  const test = compared(tokens, (view) => view.getUint8(at));
  return (view) => {
    const protocol = view.getUint8(PROTOCOL);
    return (protocol === ICMP || protocol === ICMP6) && test(view);
  };
}

function compared(tokens: Tokens, value: (view: DataView) => number): FlowTest {
  const compare = isComparison(tokens);
  return (view) => compare(value(view));
}

const number = (view: DataView, name: "packets" | "bytes" | "first" | "last"): number => {
  const { at } = placeOf(name);
  return view.getUint32(at) * 4_294_967_296 + view.getUint32(at + 4);
};

const bytesPerPacket = (view: DataView): number =>
  number(view, "bytes") / Math.max(1, number(view, "packets"));
const millis = (view: DataView): number =>
  Math.max(0, number(view, "last") - number(view, "first"));
/** Nothing a second for a flow that took no time, as nfdump has it. */
const perSecond = (count: number, view: DataView): number => {
  const took = millis(view);
  return took === 0 ? 0 : Math.floor((count * 1000) / took);
};

const isVersion = (version: 4 | 6): FlowTest => {
  const { at } = placeOf("source6");
  const isV6: FlowTest = (view) =>
    (view.getInt32(at) | view.getInt32(at + 4) | view.getInt32(at + 8) | view.getInt32(at + 12)) !==
    0;
  return version === 6 ? isV6 : (view) => !isV6(view);
};
