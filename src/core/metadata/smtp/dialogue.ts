// SPDX-License-Identifier: BSD-3-Clause
/** What an SMTP dialogue adds up to: commands, replies, the first addresses. @module */

/** Bytes kept of a domain or address: RFC 5321 section 4.5.3.1 has 255 for a domain and 256 for a path. */
const TEXT_MAX = 255;
const UNKNOWN_COMMAND = 0x8000;
const SPAM = 0x4000_0000;
const UNKNOWN_REPLY = 0x8000_0000;

/** Bits of commands, as ipfixprobe has them. */
const COMMANDS = new Map([
  ["EHLO", 0x0001],
  ["HELO", 0x0002],
  ["MAIL", 0x0004],
  ["RCPT", 0x0008],
  ["DATA", 0x0010],
  ["RSET", 0x0020],
  ["VRFY", 0x0040],
  ["EXPN", 0x0080],
  ["HELP", 0x0100],
  ["NOOP", 0x0200],
  ["QUIT", 0x0400],
]);
/** Commands of extensions, which have no bit. */
const EXTENSIONS = new Set(["STARTTLS", "AUTH", "BDAT", "ETRN", "TURN", "LHLO", "XCLIENT"]);

/** Reply codes in the order of their bits, from bit 0 on. */
const CODES = [
  211, 214, 220, 221, 250, 251, 252, 354, 421, 450, 451, 452, 455, 500, 501, 502, 503, 504, 550,
  551, 552, 553, 554, 555,
];
const REPLIES = new Map(CODES.map((code, bit) => [code, 1 << bit]));
const LETTERS = /^[A-Z]+$/;
/** An address is in angle brackets, if not, it ends at a blank. */
const PATH = /^\s*(?:<([^>]*)|([^\s<]*))/;

/** Whether a word is a command that is known, in upper case. */
export const isCommand = (word: string): boolean => COMMANDS.has(word) || EXTENSIONS.has(word);

/** What is known of a flow of SMTP. */
export class Dialogue {
  /** Replies by the first digit of their code. */
  readonly counts = new Uint32Array(10);
  commands = 0;
  codes = 0;
  mails = 0;
  recipients = 0;
  domain = "";
  sender = "";
  recipient = "";

  reset(): void {
    this.counts.fill(0);
    this.commands = 0;
    this.codes = 0;
    this.mails = 0;
    this.recipients = 0;
    this.domain = "";
    this.sender = "";
    this.recipient = "";
  }

  /** Count a reply; `text` is what it says. */
  reply(code: number, text: string): void {
    this.codes |= REPLIES.get(code) ?? UNKNOWN_REPLY;
    if (text.toUpperCase().includes("SPAM")) this.codes |= SPAM;
    const digit = Math.floor(code / 100);
    this.counts[digit] = this.counts[digit]! + 1;
  }

  /** Count a command. A word of capital letters is one of an extension, not an unknown one. */
  command(word: string, rest: string): void {
    this.commands |= COMMANDS.get(word) ?? (LETTERS.test(word) ? 0 : UNKNOWN_COMMAND);
    if (word === "EHLO" || word === "HELO") this.domain ||= rest.slice(0, TEXT_MAX);
    else if (word === "MAIL" && this.mails++ === 0) this.sender = afterColon(rest);
    else if (word === "RCPT" && this.recipients++ === 0) this.recipient = afterColon(rest);
  }
}

const afterColon = (text: string): string => {
  const colon = text.indexOf(":");
  return colon < 0 ? "" : text.slice(colon + 1, colon + 1 + TEXT_MAX);
};

/** The address in what stands behind the colon of MAIL and RCPT: without brackets and parameters. */
export function address(text: string): string {
  const match = PATH.exec(text);
  return match?.[1] ?? match?.[2] ?? "";
}
