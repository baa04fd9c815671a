// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { detect } from "./detect.ts";
import { alerts, flows, params, type Setup } from "./fields.ts";
import { original } from "./original.ts";

export default defineModule({
  name: "sip-bf",
  about: "SIP: passwords are guessed, or users are looked for, at a telephone exchange.",
  details: `
**Finds** clients that a SIP server refuses again and again: one that tries passwords of a user, many that try one user, and one that
tries many users, by REGISTER, INVITE or OPTIONS. IPv4 and IPv6. A login that goes well after that is an event of its own, and
the graver one: the account will be used for calls that its owner pays.

**Counts** answers that refuse (401, 403, 404, 407, 410, 604): of each (server, client, user) up to \`attemptsMin\`, clients of each
(server, user) up to \`clientsMin\`, users of each (server, client) up to \`usersMin\`. At a limit it raises one event, which it
then updates at every doubling, when nobody was refused for \`idleTimeout\`, and at the end of the stream. Who logs in without having come to a
limit was but asked for the password first: nothing is held against them. Once open, a scan counts a user again who is tried again
after \`idleTimeout\`. What many clients do to one user is one event, not one for each of them.

**Evaded** by fewer refusals than the limits before a pause of \`idleTimeout\`, by one request to each of many servers, and over TLS.

**Tune** \`attemptsMin\` up where telephones with an old password ask again by the minute. The meter finds SIP with its plugin
\`sip\`, whose biflow tells its first message and its last response: of UDP each packet of the server counts for an answer like the
last, and a client that tries many users from one port is seen with the first of them only, unless the meter makes each message a flow
(\`--compat ipfixprobe\`). Memory: 29 MB at most as set by default.

**Deviates** from NEMEA's sip_bf_detector, whose behaviour \`compat=nemea\` has: the alert comes at the limit (the original's comes when
nothing has happened for half an hour); 407 counts as 401 does, and so do other refusals; INVITE and OPTIONS are seen; IPv6 servers are
told apart by their address alone (the original takes link and time for a part of it, and so finds nothing); requests with
the status of their answer are taken, as are flows whose direction is that of an earlier message; an attack is not forgotten because its
client logs in more than \`loginsMax\` times; all bits of LINK_BIT_FIELD are kept; memory is bounded. In compat mode a flow is one message, in its own direction.

**When it fires**: did a login follow? Then lock the account, change its password, and look for its calls in the exchange's log. Else
block the clients, and see that the exchange answers unknown users and wrong passwords alike.
`,
  replaces: "sip_bf_detector",
  aliases: ["sip_bf_detector", "sip_bf"],
  rules: {
    guess: {
      id: 9_000_070,
      title: "SIP password guessing",
      category: "Attempt.Login",
      severity: 6,
      confidence: 0.8,
      techniques: ["T1110.001"],
    },
    distributed: {
      id: 9_000_071,
      title: "Distributed SIP password guessing",
      category: "Attempt.Login",
      severity: 6,
      confidence: 0.7,
      techniques: ["T1110.001"],
    },
    scan: {
      id: 9_000_072,
      title: "SIP user scan",
      category: "Recon.Scanning",
      severity: 5,
      confidence: 0.8,
      techniques: ["T1589", "T1110.003"],
    },
    breach: {
      id: 9_000_073,
      title: "SIP login after password guessing",
      category: "Intrusion.UserCompromise",
      severity: 8,
      confidence: 0.7,
      techniques: ["T1078"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    return context.params.compat === "nemea" ? original(context) : detect(context);
  },
});
