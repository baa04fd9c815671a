// SPDX-License-Identifier: BSD-3-Clause
/** QUIC's versions: which salt the keys of Initial packets come from, and how packets are numbered. @module */

/** How a version derives keys and numbers its packet types. */
export interface Version {
  /** The salt of Initial keys (RFC 9001 section 5.2). */
  readonly salt: Uint8Array;
  /** Whether labels and packet types are those of version 2 (RFC 9369 sections 3.2 and 3.3). */
  readonly isSecond: boolean;
  /** Whether the salt is a guess: what fails to open then is no fault. */
  readonly isGuess: boolean;
}

const known = (salt: string, isSecond = false): Version => ({
  salt: new Uint8Array(Buffer.from(salt, "hex")),
  isSecond,
  isGuess: false,
});

const V1 = known("38762cf7f55934b34d179ae6a4c80cadccbb7f0a");
const V2 = known("0dede3def700a6db819381be6e269dcbf9bd2ed9", true);
const V2_DRAFT = known("a707c203a59b47184a1d62ca570406ea7ae3e5d3", true);
const DRAFT_22 = known("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a");
const DRAFT_23 = known("c3eef712c72ebb5a11a7d2432bb46365bef9f502");
const DRAFT_29 = known("afbfec289993d24c9e9786f19c6111e04390a899");
const GUESS: Version = { ...V1, isGuess: true };

const VERSIONS: ReadonlyMap<number, Version> = new Map([
  [0x00000001, V1],
  [0x6b3343cf, V2],
  [0x709a50c4, V2_DRAFT],
  [0xff020000, V2_DRAFT],
  // Facebook's mvfst.
  [0xfaceb001, DRAFT_22],
  [0xfaceb002, DRAFT_23],
  [0xfaceb00d, DRAFT_23],
  [0xfaceb00e, DRAFT_23],
  [0xfaceb00f, DRAFT_23],
  [0xfaceb010, DRAFT_23],
  [0xfaceb011, DRAFT_23],
  [0xfaceb012, DRAFT_23],
  [0xfaceb013, DRAFT_23],
  // Google's with TLS inside: T050 and T051.
  [0x54303530, known("7ff579e5acd072915580304c43a2367c60488310")],
  [0x54303531, known("7a4edef4e7ccee5fa4506c19124fc8ccda6e033d")],
]);

/** Drafts of the IETF are numbered 0xff000000 and up; headers before draft 22 were other ones. */
const DRAFTS = 0xff0000;
const FIRST_DRAFT = 22;
const LAST_DRAFT = 34;

/** What is known of a version; undefined when it is none of QUIC's. */
export function versionOf(number: number): Version | undefined {
  if (number >>> 8 === DRAFTS) return draft(number & 255);
  // RFC 9000 section 15: versions that a server answers with those it has.
  if ((number & 0x0f0f0f0f) >>> 0 === 0x0a0a0a0a) return GUESS;
  return VERSIONS.get(number);
}

function draft(number: number): Version | undefined {
  if (number < FIRST_DRAFT || number > LAST_DRAFT) return undefined;
  if (number === FIRST_DRAFT) return DRAFT_22;
  if (number < 29) return DRAFT_23;
  return number < 33 ? DRAFT_29 : V1;
}
