// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { alerts, flows, params, type Setup } from "./fields.ts";
import { guessing } from "./guessing.ts";
import { original } from "./original.ts";

export default defineModule({
  name: "brute-force",
  about: "Password guessing: one client fails to log in to SSH, RDP or TELNET again and again.",
  details: `
**Finds** a client whose connections to SSH, RDP or TELNET servers look like failed logins: data went both ways, and in packets
and bytes it was as much as a refused password takes. IPv4 and IPv6. A service is known by its port (22, 3389, 23) and, where the
meter says what it saw (\`APP_PROTO\`, plugin \`appproto\`), on any port; what is known to be another protocol is left alone
on these ports too.

**Counts** such connections of each (client, service) within \`window\`, whatever servers they go to. At \`attemptsMin\` of them, if
they are \`shareMin\` of all its connections to that service, it raises one event, which it then updates at every
doubling, when no attempt has come for \`idleTimeout\`, and at the end of the stream. It names the 16 first servers with their
attempts; beyond, their number is an estimate (standard error 13 %). Of biflows the client's direction counts, and the server must not have said
more than when it refuses; of records of one direction the two are counted apart, and the greater number stands.
A TELNET server's direction, where it is all there is, is held against what that server usually answers: the median of its
last 15 answers.

**Evaded** by fewer attempts than \`attemptsMin\` in \`window\`, by guessing from many addresses, by several passwords in a
connection that is then longer than the limits, and by tools that send more than a login needs.

**Tune** the limits of packets and bytes by a file (\`config\`, keys as \`SSH_BRUTEFORCE_INC_MAX_BYTES\`; SIGUSR1 has it read again, with the
whitelist). Scripts that log in by the minute, monitoring and deployment, look alike: put their servers or themselves into
\`whitelist\`, or raise \`attemptsMin\`. Memory: 32 MB at most as set by default.

**Deviates** from NEMEA's brute_force_detector, whose behaviour \`compat=nemea\` has: the event's scale is the number of attempts (the original
says 30 at first); a connection is one attempt, not one in each of two lists; a share of \`shareMin\` is asked for from the
first connection on (the original asks for none up to 50, then for 90 %, so refused connections among the guesses hide an attack); updates come at
doublings and not each 300 s; the end is found in both directions alike, and without waiting for another flow; the
whitelist holds for TELNET's answers, with its last line and overlapping ports, and a line that is no rule is told of (for the original
\`10.0.0.0/x\` covers all addresses); each TELNET server has its own count of answers; NOTE has no comma at its end and
names 16 servers; memory is bounded. Without \`-S\`, \`-R\` or \`-T\` all services are watched, in both modes. Of \`config\` the limits of packets
and bytes hold in default mode, the other keys in compat mode; \`attemptsMin\`, \`shareMin\`, \`window\` and \`idleTimeout\` only in default mode.

**When it fires**: look for a login of that client that went well (a longer connection at the end, then the server's log); if there is one,
take the server off the net. If not, block the client, and let the service be reached from known addresses or by keys only.
`,
  replaces: "brute_force_detector",
  aliases: ["brute_force_detector", "brute_force"],
  rules: {
    ssh: {
      id: 9_000_030,
      title: "SSH password guessing",
      category: "Attempt.Login",
      severity: 6,
      confidence: 0.8,
      techniques: ["T1110"],
    },
    rdp: {
      id: 9_000_031,
      title: "RDP password guessing",
      category: "Attempt.Login",
      severity: 6,
      confidence: 0.7,
      techniques: ["T1110"],
    },
    telnet: {
      id: 9_000_032,
      title: "TELNET password guessing",
      category: "Attempt.Login",
      severity: 6,
      confidence: 0.7,
      techniques: ["T1110"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    return context.params.compat === "nemea" ? original(context) : guessing(context);
  },
});
