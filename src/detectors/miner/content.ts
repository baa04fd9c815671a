// SPDX-License-Identifier: BSD-3-Clause

/** What the first bytes of a direction show. */
export const CONTENT = { nothing: 0, miner: 1, pool: 2, node: 3 } as const;

/** Bytes that are looked at; the meter gives 100. */
const CONTENT_MAX = 256;
const BRACE = 0x7b;

/** Requests that only miners make. Each repetition is bounded, so the time is linear. */
const REQUEST =
  /"method"\s{0,8}:\s{0,8}"(?:mining\.(?:subscribe|authorize|configure|submit|extranonce\.subscribe|suggest_[a-z]{1,16})|eth_(?:submitLogin|submitWork|submitHashrate|getWork|login)|keepalived)"/;
/** The login of CryptoNote pools: the word alone is anybody's. */
const LOGIN = /"method"\s{0,8}:\s{0,8}"login"/;
const LOGIN_PARAM = /"(?:login|agent)"\s{0,8}:\s{0,8}"/;
const SUBMIT = /"method"\s{0,8}:\s{0,8}"submit"/;
/** An Ethereum proxy's login, whose method comes behind the first bytes. */
const WORKER = /"worker"\s{0,8}:/;
const WALLET = /"params"\s{0,8}:\s{0,8}\[\s{0,8}"0x[0-9a-fA-F]{40}/;
/** What only pools say. */
const NOTICE = /"mining\.(?:notify|set_difficulty|set_target|set_extranonce|set_version_mask)"/;
const JOB = /"(?:method"\s{0,8}:\s{0,8}"job"|job"\s{0,8}:\s{0,8}\{)/;

/** The Levin protocol of CryptoNote peers begins with 0x0101010101012101, low byte first. */
const LEVIN = [0x01210101, 0x01010101] as const;
/** `version` of Bitcoin and what was made of it, behind four bytes that name the network. */
const VERSION = [0x76657273, 0x696f6e00] as const;

/** What `length` bytes at `at` show: a {@link CONTENT}. */
export function contentOf(view: DataView, at: number, length: number): number {
  if (length < 12) return CONTENT.nothing;
  const first = view.getUint32(at);
  if (first >>> 24 === BRACE) return jsonOf(textOf(view, at, Math.min(length, CONTENT_MAX)));
  const second = view.getUint32(at + 4);
  if (first === LEVIN[0] && second === LEVIN[1]) return CONTENT.node;
  return second === VERSION[0] && view.getUint32(at + 8) === VERSION[1]
    ? CONTENT.node
    : CONTENT.nothing;
}

/** What JSON-RPC that may be cut off shows. */
function jsonOf(text: string): number {
  if (NOTICE.test(text)) return CONTENT.pool;
  if (JOB.test(text) && text.includes('"blob"')) return CONTENT.pool;
  if (REQUEST.test(text)) return CONTENT.miner;
  if (LOGIN.test(text) && LOGIN_PARAM.test(text)) return CONTENT.miner;
  if (SUBMIT.test(text) && text.includes('"job_id"')) return CONTENT.miner;
  return WORKER.test(text) && WALLET.test(text) ? CONTENT.miner : CONTENT.nothing;
}

const textOf = (view: DataView, at: number, length: number): string =>
  Buffer.from(view.buffer as ArrayBuffer, view.byteOffset + at, length).toString("latin1");
