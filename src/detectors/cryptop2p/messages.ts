// SPDX-License-Identifier: BSD-3-Clause
/** Protocols of cryptocurrencies by the first bytes of a direction. @module */

/** Networks of Bitcoin and of coins made of it, by the four bytes that all their messages begin with. */
const COINS: readonly (readonly [number, string])[] = [
  [0xf9beb4d9, "Bitcoin"],
  [0x0b110907, "Bitcoin (testnet 3)"],
  [0x1c163f28, "Bitcoin (testnet 4)"],
  [0x0a03cf40, "Bitcoin (signet)"],
  [0xfabfb5da, "Bitcoin (regtest)"],
  [0xe3e1f3e8, "Bitcoin Cash"],
  [0xfbc0b6db, "Litecoin"],
  [0xc0c0c0c0, "Dogecoin"],
  [0xbf0c6bbd, "Dash"],
  [0x24e92764, "Zcash"],
  [0xf9beb4fe, "Namecoin"],
  [0xe6e8e9e5, "Peercoin"],
  [0xfac3b6da, "DigiByte"],
  [0x5241564e, "Ravencoin"],
];

/** What was found. Coins of {@link COINS} follow {@link KIND.coin}. */
export const KIND = {
  none: 0,
  /** Stratum, from a miner and from a pool. */
  miner: 1,
  pool: 2,
  /** The name of a pool in TLS: not found here. */
  name: 3,
  ethereum: 4,
  cryptonote: 5,
  monero: 6,
  coin: 7,
} as const;

const NAMES = ["", "Stratum", "Stratum", "TLS", "Ethereum", "a CryptoNote coin", "Monero"];
/** Of a kind, in words. */
export const nameOf = (kind: number): string =>
  NAMES[kind] ?? COINS[kind - KIND.coin - 1]?.[1] ?? "a coin of Bitcoin's kind";

/** Ports that the networks' programs listen at unless they are told another, and few others do. */
const PORTS: readonly (readonly [number, string])[] = [
  [8333, "Bitcoin"],
  [18_333, "Bitcoin (testnet 3)"],
  [9333, "Litecoin"],
  [22_556, "Dogecoin"],
  [8233, "Zcash"],
];

/** The network whose programs listen at a port: a {@link KIND}. */
export const KIND_OF_PORT = new Uint8Array(65_536);
KIND_OF_PORT[18_080] = KIND.monero;
KIND_OF_PORT[30_303] = KIND.ethereum;
for (const [port, coin] of PORTS)
  KIND_OF_PORT[port] = KIND.coin + 1 + COINS.findIndex(([, name]) => name === coin);

/** First bytes of {@link COINS}: few other protocols begin so. */
const BEGINS = new Uint8Array(256);
for (const [magic] of COINS) BEGINS[magic >>> 24] = 1;

const BRACE = 0x7b;
/** Bytes of JSON that are looked at; the meter gives 100. */
const TEXT_MAX = 256;
/** Least bytes: those of a message's head that tell it apart. */
const LENGTH_MIN = 16;
/** `vers`, `ion` and zeros: the first message of Bitcoin and of any coin made of it. */
const VERSION = [0x76657273, 0x696f6e00, 0] as const;
const COMMAND = 12;
const LETTERS_MIN = 2;
/** Levin, of CryptoNote peers: 0x0101010101012101, low byte first. */
const LEVIN = [0x01210101, 0x01010101] as const;
/** The network id in the handshake of Monero. */
const MONERO = Buffer.from("1230f171610441611731008216a1a110", "hex");

/** What a TCP direction that begins with `length` bytes at `at` speaks: a {@link KIND}. */
export function kindOf(view: DataView, at: number, length: number): number {
  if (length < LENGTH_MIN) return KIND.none;
  const first = view.getUint32(at);
  const second = view.getUint32(at + 4);
  if (second === VERSION[0] && isVersion(view, at)) return coinOf(first);
  if (first === LEVIN[0] && second === LEVIN[1]) return levinOf(view, at, length);
  if (first >>> 24 === BRACE) return stratumOf(textOf(view, at, Math.min(length, TEXT_MAX)));
  if (BEGINS[first >>> 24] === 0) return KIND.none;
  const coin = coinOf(first);
  return coin !== KIND.coin && isCommand(view, at + 4) ? coin : KIND.none;
}

const isVersion = (view: DataView, at: number): boolean =>
  view.getUint32(at + 8) === VERSION[1] && view.getUint32(at + 12) === VERSION[2];

/** {@link KIND.coin} for an unknown network. */
const coinOf = (magic: number): number =>
  KIND.coin + 1 + COINS.findIndex(([known]) => known === magic);

/** A name of lower case letters and digits, then zeros. */
function isCommand(view: DataView, at: number): boolean {
  let letters = 0;
  while (letters < COMMAND && isLetter(view.getUint8(at + letters))) letters++;
  for (let i = letters; i < COMMAND; i++) if (view.getUint8(at + i) !== 0) return false;
  return letters >= LETTERS_MIN;
}

const isLetter = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39);

const levinOf = (view: DataView, at: number, length: number): number =>
  Buffer.from(view.buffer as ArrayBuffer, view.byteOffset + at, length).includes(MONERO)
    ? KIND.monero
    : KIND.cryptonote;

/** What only pools say, and what only miners do. Each repetition is bounded, so the time is linear. */
const FROM_POOL = /"mining\.(?:notify|set_[a-z_]{1,24})"/;
const JOB = /"(?:method"\s{0,8}:\s{0,8}"job"|job"\s{0,8}:\s{0,8}\{)/;
const FROM_MINER =
  /"method"\s{0,8}:\s{0,8}"(?:mining\.[a-z_.]{4,32}|eth_(?:submit[A-Z][a-z]{3,8}|getWork|login)|keepalived)"/;
const LOGIN = /"method"\s{0,8}:\s{0,8}"(?:login|submit)"/;
const LOGIN_PARAM = /"(?:login|agent|job_id)"\s{0,8}:\s{0,8}"/;
/** An Ethereum proxy's login, whose method comes behind the first bytes. */
const WORKER = /"worker"\s{0,8}:/;
const WALLET = /"params"\s{0,8}:\s{0,8}\[\s{0,8}"0x[0-9a-fA-F]{40}/;

/** What JSON-RPC that may be cut off says. */
function stratumOf(text: string): number {
  if (FROM_POOL.test(text) || (JOB.test(text) && text.includes('"blob"'))) return KIND.pool;
  if (FROM_MINER.test(text) || (LOGIN.test(text) && LOGIN_PARAM.test(text))) return KIND.miner;
  return WORKER.test(text) && WALLET.test(text) ? KIND.miner : KIND.none;
}

const textOf = (view: DataView, at: number, length: number): string =>
  Buffer.from(view.buffer as ArrayBuffer, view.byteOffset + at, length).toString("latin1");

/** Of Ethereum's discovery v4: a hash and a signature, whose last byte is 0 or 1, then type and RLP list. */
const DISCOVERY = { recovery: 96, type: 97, list: 98, types: 6 } as const;

/** Whether a datagram may be Ethereum's discovery v4: one in twenty thousand random ones is, so ask both directions. */
export const mayBeDiscovery = (view: DataView, at: number, length: number): boolean =>
  length > DISCOVERY.list &&
  view.getUint8(at + DISCOVERY.recovery) <= 1 &&
  view.getUint8(at + DISCOVERY.type) - 1 < DISCOVERY.types &&
  view.getUint8(at + DISCOVERY.type) !== 0 &&
  view.getUint8(at + DISCOVERY.list) >= 0xc0;
