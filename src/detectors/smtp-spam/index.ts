// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { hashWord } from "../../core/state/hyper-log-log.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import { alerts, type Flow, flows, params, type Setup } from "./fields.ts";
import { Prefixes } from "./prefixes.ts";
import { Senders } from "./senders.ts";
import { isMailPort, pointsOf } from "./session.ts";

export default defineModule({
  name: "smtp-spam",
  about: "Outbound spam: a host that is no mail server sends mail to many servers.",
  details: `
**Finds** hosts that send spam: machines of users that contact mail servers all over the Internet, as bots do. IPv4 and IPv6. It reads
what the meter's plugin \`smtp\` finds, on ports 25, 465, 587 and 2525. A program that hands its mail to one server, or to a
few, is no such host.

**Counts** for each host its sessions, the different servers and senders (estimates, standard errors 6.5 % and 13 %, less of few), and
points of each session: 5 when the server spoke of spam in its replies, 1 for each of the refusals 421, 450, 451, 550, 551,
553 and 554, 1 for mail without a sender and without a recipient. It weighs the mean of the points, plus the logarithm of the sessions, plus
1 for \`serversMin\` servers (else less 1), for more than 5 senders, and for refusals in more than 30 % of the sessions; confidence is
1 / (1 + e^(-weight / 2)). A host that took mail within a day is a mail server: its sessions and senders do not weigh. At
\`confidenceMin\` and \`serversMin\` it raises one event, which it updates at every doubling of the sessions, when the host has been
idle for \`idleTimeout\`, and at the end of the stream. Servers that speak of spam in \`spamMin\` sessions are an event of their own.

**Evaded** by spam that goes through your own relay or a provider's, by few sessions a \`window\`, and by a host that takes mail too. After
STARTTLS neither addresses nor refusals are seen, but servers and sessions are.

**Tune** \`relays\`: put in each server of yours that sends mail and takes none, and mailing lists' and monitoring hosts. Those that take
mail are known after their first mail that came in. Memory: 6 MB at most as set by default.

**Deviates** from NEMEA's smtp_spam_detector, which does not start as it is shipped: time is the flows' and not the machine's, memory is bounded,
IPv6 is seen; a flow's TCP flags give no points (it takes off one for any flow that was answered); a null sender counts only where a
mail was begun, so that what is enciphered is not suspect; sessions that came in are told by who took mail, not by ports (POP3
is at 143 there); the ratio of traffic, whose sign it has the wrong way round, is left out; the alert is a record and not IDEA alone. Letter -t is
\`window\`; -c and -L are not offered.

**When it fires**: is the host a mail server you forgot to name? If not, close port 25 for it, as for all but your relays, and look for the malware
that sends: your addresses get onto block lists within hours.
`,
  replaces: "smtp_spam_detector",
  aliases: ["smtp_spam_detector", "smtp_spam"],
  rules: {
    spam: {
      id: 9_000_130,
      title: "Outbound spam",
      category: "Abusive.Spam",
      severity: 6,
      confidence: 0.9,
      techniques: ["T1071.003", "T1566"],
    },
    refused: {
      id: 9_000_131,
      title: "Mail refused as spam",
      category: "Abusive.Spam",
      severity: 4,
      confidence: 0.6,
      techniques: ["T1071.003", "T1566"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const senders = new Senders(context);
    const relays = new Prefixes(context.params.relays, "smtp-spam: relays");
    /** Where the descriptors lie in the sender's records. */
    let senderAt = 0;
    let recipientAt = 0;
    const session = { points: 0, sender: 0 };
    const ends = { sender: 0, recipient: 0 };

    function read(flow: Flow, cursor: AnyReader): void {
      ends.recipient = cursor.span(recipientAt) < 0 ? 0 : cursor.spanLength;
      const from = cursor.span(senderAt);
      ends.sender = cursor.spanLength;
      session.sender = addressHash(cursor.batch.bytes, from, from + ends.sender);
      session.points = pointsOf(flow.SMTP_STAT_CODE_FLAGS, flow.SMTP_MAIL_CMD_COUNT, ends);
    }

    function look(flow: Flow, cursor: AnyReader): void {
      const isTurned = !isMailPort(flow.DST_PORT);
      if (isTurned && !isMailPort(flow.SRC_PORT)) return;
      const client = isTurned ? flow.DST_IP : flow.SRC_IP;
      const server = isTurned ? flow.SRC_IP : flow.DST_IP;
      if (takesMail(flow)) senders.received(server, flow.TIME_LAST);
      if (!relays.isEmpty && (relays.has(client) || relays.has(server))) return;
      read(flow, cursor);
      senders.sent(client, server, flow, session);
    }

    return {
      announced(layout: Template) {
        senderAt = fieldOf(layout, "SMTP_FIRST_SENDER")!.offset;
        recipientAt = fieldOf(layout, "SMTP_FIRST_RECIPIENT")!.offset;
      },
      flows(flow: Flow) {
        const cursor = flow as never as AnyReader;
        while (flow.next()) look(flow, cursor);
      },
      everySecond: (now: number) => senders.expire(now),
      end: () => senders.end(),
    };
  },
});

/** Greeting, EHLO and STARTTLS were answered with yes: what comes then is enciphered. */
const REPLIES_BEFORE_TLS = 3;

/** Whether the server took mail, as far as one sees. */
const takesMail = ({ SMTP_2XX_STAT_CODE_COUNT: yes, SMTP_MAIL_CMD_COUNT: mails }: Flow): boolean =>
  mails > 0 ? yes > 0 : yes >= REPLIES_BEFORE_TLS;

/** 32 good bits of an address of mail in any case, never 0; 0 when there is none. */
function addressHash(bytes: Uint8Array, from: number, to: number): number {
  if (to === from) return 0;
  let hash = 0;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at]! | 0x20), 0x01000193);
  return hashWord(hash, to - from) || 1;
}
