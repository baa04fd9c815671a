// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { textOf } from "../message.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type PluginOptions, type Slot, VERDICT } from "../protocol.ts";
import { address, isCommand } from "../smtp/dialogue.ts";
import { readCommand, readReply } from "../smtp/packets.ts";
import { Session } from "../smtp/session.ts";

const PORT = 25;
/** RFC 6409: where mail programs hand mails in. ipfixprobe does not look there. */
const SUBMISSION = 587;
/** Longest command word, and what ends it. */
const WORD_MAX = 9;
const WORD = /^[A-Za-z]+/;
const REPLY = /^[2-5]\d\d[ -]/;
/** First byte of a TLS record with a handshake. */
const HANDSHAKE = 22;

const isServer = ({ sourcePort, targetPort, reverse }: Packet): boolean => {
  const isIt = sourcePort === PORT || sourcePort === SUBMISSION;
  return isIt && (targetPort === PORT || targetPort === SUBMISSION) ? reverse === 1 : isIt;
};

/** Whether the payload begins as one of SMTP does. */
function isSmtp(packet: Packet): boolean {
  const text = textOf(packet.bytes, packet.payload, packet.end, WORD_MAX);
  if (isServer(packet)) return REPLY.test(text);
  return isCommand((WORD.exec(text)?.[0] ?? "").toUpperCase());
}

/** Look at a packet as ipfixprobe does: at one of port 25. */
function onPacketCompat(packet: Packet, slot: Slot<Session>): number {
  if (packet.sourcePort !== PORT && packet.targetPort !== PORT) return VERDICT.done;
  if (!slot.state && !isSmtp(packet)) return VERDICT.more;
  if (packet.targetPort === PORT) readCommand(slot.take(), packet);
  else readReply(slot.take(), packet);
  return VERDICT.more;
}

/** Look at a packet. What is enciphered is not looked at. */
function onPacket(packet: Packet, slot: Slot<Session>): number {
  if (!slot.state && !isSmtp(packet)) return VERDICT.done;
  if (packet.view.getUint8(packet.payload) === HANDSHAKE) return VERDICT.done;
  const session = slot.take();
  if (isServer(packet)) session.replies(packet);
  else session.commands(packet);
  return session.isSealed ? VERDICT.done : VERDICT.more;
}

export default defineProtocol({
  name: "smtp",
  about: "Mail: commands and replies of an SMTP session, its first sender and recipient.",
  fields: template(
    "uint32 SMTP_2XX_STAT_CODE_COUNT, uint32 SMTP_3XX_STAT_CODE_COUNT, uint32 SMTP_4XX_STAT_CODE_COUNT, uint32 SMTP_5XX_STAT_CODE_COUNT, uint32 SMTP_COMMAND_FLAGS, uint32 SMTP_MAIL_CMD_COUNT, uint32 SMTP_RCPT_CMD_COUNT, uint32 SMTP_STAT_CODE_FLAGS, string SMTP_DOMAIN, string SMTP_FIRST_SENDER, string SMTP_FIRST_RECIPIENT",
  ),
  elements: {
    SMTP_2XX_STAT_CODE_COUNT: "e8057id816",
    SMTP_3XX_STAT_CODE_COUNT: "e8057id817",
    SMTP_4XX_STAT_CODE_COUNT: "e8057id818",
    SMTP_5XX_STAT_CODE_COUNT: "e8057id819",
    SMTP_COMMAND_FLAGS: "e8057id810",
    SMTP_MAIL_CMD_COUNT: "e8057id811",
    SMTP_RCPT_CMD_COUNT: "e8057id812",
    SMTP_STAT_CODE_FLAGS: "e8057id815",
    SMTP_DOMAIN: "e8057id820",
    SMTP_FIRST_SENDER: "e8057id813",
    SMTP_FIRST_RECIPIENT: "e8057id814",
  },
  watch: { protocols: [PROTOCOL.tcp], ports: [PORT, SUBMISSION] },
  byDefault: true,
  source: "RFC 5321 sections 4.1 and 4.2, RFC 3030, RFC 3207, RFC 4954",
  setup: ({ compat }: PluginOptions) => ({
    create: () => new Session(),
    onPacket: compat ? onPacketCompat : onPacket,
    write({ dialogue }, record) {
      const { counts } = dialogue;
      record.SMTP_2XX_STAT_CODE_COUNT = counts[2]!;
      record.SMTP_3XX_STAT_CODE_COUNT = counts[3]!;
      record.SMTP_4XX_STAT_CODE_COUNT = counts[4]!;
      record.SMTP_5XX_STAT_CODE_COUNT = counts[5]!;
      record.SMTP_COMMAND_FLAGS = dialogue.commands;
      record.SMTP_MAIL_CMD_COUNT = dialogue.mails;
      record.SMTP_RCPT_CMD_COUNT = dialogue.recipients;
      record.SMTP_STAT_CODE_FLAGS = dialogue.codes >>> 0;
      record.SMTP_DOMAIN = dialogue.domain;
      // ipfixprobe takes all that is behind the colon.
      record.SMTP_FIRST_SENDER = compat ? dialogue.sender : address(dialogue.sender);
      record.SMTP_FIRST_RECIPIENT = compat ? dialogue.recipient : address(dialogue.recipient);
    },
  }),
});
