// SPDX-License-Identifier: BSD-3-Clause

/** Four letters at least one of which is in every name that {@link isPoolName} knows. */
const MARKS = ["pool", "mine", "mini", "stra", "hash", "txmr", "nero", "abtc", "brai", "kryp"];

/** Marks by a hash that is perfect for them, so that a name is searched at a look a byte. */
const MULTIPLIER = 0x9e3779b1;
const slotOf = (word: number): number => Math.imul(word, MULTIPLIER) >>> 22;
const TABLE = new Int32Array(1024);
for (const mark of MARKS) {
  const word = Buffer.from(mark).readInt32BE(0);
  if (TABLE[slotOf(word)] !== 0) throw new Error(`the mark ${mark} has the slot of another`);
  TABLE[slotOf(word)] = word;
}

/** Whether a name may be a pool's: a search without text, for all the names that are none. */
export function mayBePool(view: DataView, at: number, length: number): boolean {
  const end = at + length;
  let word = 0;
  for (let i = at; i < end; i++) {
    word = (word << 8) | view.getUint8(i) | 0x20;
    if (TABLE[slotOf(word)] === word) return true;
  }
  return false;
}

const COINS =
  "btc|bch|ltc|eth|etc|ethw|xmr|zec|rvn|kas|erg|doge|dash|bitcoin|litecoin|ethereum|monero|zcash|ravencoin|kaspa";
const MINING = "mine|miner|miners|mining|pool|pools|stratum";
/** Words that stand alone between dots, dashes and digits. */
const COIN_WORD = new RegExp(`(?:^|[.\\-0-9])(?:${COINS})(?:$|[.\\-0-9])`);
const MINING_WORD = new RegExp(`(?:^|[.\\-0-9])(?:${MINING})(?:$|[.\\-0-9])`);
/** Or together: `xmrpool`, `poolbtc`. */
const TOGETHER = new RegExp(
  `(?:^|[.\\-0-9])(?:(?:${COINS})(?:${MINING})|(?:${MINING})(?:${COINS}))(?:$|[.\\-0-9])`,
);
/** Pools whose names say less, as a whole label with at most two behind it. */
const POOLS =
  /(?:^|\.)(?:nanopool|ethermine|flypool|2miners|f2pool|minexmr|supportxmr|moneroocean|hashvault|nicehash|herominers|unmineable|woolypooly|antpool|viabtc|poolin|braiins|slushpool|c3pool|kryptex|minergate|hiveon|luxor|ckpool)(?:\.[a-z]{2,6}){1,2}$/;

/** Whether a server's name is that of a mining pool: a known one, or a coin's and a word of mining. */
export function isPoolName(name: string): boolean {
  const text = name.toLowerCase();
  return (
    POOLS.test(text) || TOGETHER.test(text) || (COIN_WORD.test(text) && MINING_WORD.test(text))
  );
}
