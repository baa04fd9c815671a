// SPDX-License-Identifier: BSD-3-Clause
/** SMTP as ipfixprobe reads it: one command or reply a packet; what is split or sent ahead is not seen. @module */
import { textOf } from "../message.ts";
import type { Packet } from "../packet.ts";
import type { Session } from "./session.ts";

/** Bytes of a packet that are looked at. */
const LOOKED = 1024;
const REPLY = /^(\d{3})[ -]./s;

/** Count the reply that a packet begins with. */
export function readReply({ dialogue }: Session, { bytes, payload, end }: Packet): void {
  const text = textOf(bytes, payload, end, LOOKED);
  const code = REPLY.exec(text)?.[1];
  if (code !== undefined) dialogue.reply(Number(code), text);
}

/** Count the command that a packet begins with. Packets behind DATA are a mail, until one is a dot alone. */
export function readCommand(session: Session, { bytes, payload, end }: Packet): void {
  const text = textOf(bytes, payload, end, LOOKED);
  if (session.isData) {
    session.isData = text !== ".\r\n";
    return;
  }
  const size = text.indexOf("\r");
  if (size < 0) return;
  const line = text.slice(0, size);
  const blank = line.indexOf(" ");
  const word = blank < 0 ? line : line.slice(0, blank);
  session.dialogue.command(word, blank < 0 ? "" : line.slice(blank + 1));
  session.isData = word === "DATA";
}
