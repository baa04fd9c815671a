// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { calls } from "./calls.ts";
import { alerts, flows, type Setup } from "./fields.ts";
import { original } from "./original.ts";
import { params } from "./params.ts";

export default defineModule({
  name: "voip-fraud",
  about: "VoIP fraud: one caller tries many dial prefixes before the same number.",
  details: `
**Finds** who looks for a way through a telephone exchange to the public network: calls to one number with one prefix after
the other before it (\`0\`, \`00\`, \`9011\`, …) until one is let through, after which the exchange's owner pays for calls to
expensive numbers. IPv4 and IPv6. With \`countries\` it also tells of calls to numbers of other countries than those.

**Counts** distinct prefixes of each (caller's address, last \`numberDigits\` digits of the called number), whatever
exchange is asked. Above \`prefixesMax\` it raises one event, which it then updates at every doubling, at the first call that
is answered, when the number is forgotten and at the end of the stream; an answered call makes it the graver rule. The usual
ways to write one number (\`+44…\`, \`0044…\`, \`01144…\`, \`44…\`) are one prefix. Prefixes are counted exactly up to 1,024;
beyond, the number is an estimate (HyperLogLog, standard error 1.6 %), and the reason says so. A country is that of the
E.164 code behind \`+\` or \`00\`; a number without either is of no known country.

**Evaded** by calling from many addresses, by guessing before numbers that differ in their last digits, by fewer prefixes
than the limit before \`idleTimeout\`, and over TLS.

**Tune** \`prefixesMax\` down where callers do not dial by hand. The meter finds SIP with its plugin \`sip\`, of which one flow
tells the first message: a scanner that sends all its calls from one port to one exchange is one flow, unless the meter makes
each message a flow (\`--compat ipfixprobe\`). Memory: 15 MB at most as set by default, and 1 MB for \`countries\`.

**Deviates** from NEMEA's voip_fraud_detection, whose behaviour \`compat=nemea\` has: it fires at the call that crosses the
limit, where the original looks every 10 seconds and before it takes the call in, so never at the end of the stream, and
pauses for 30 s after an attack and forgets what it counted; ten different short numbers of one exchange are no guessing; the
exchange's address is no part of the number, nor is how the number was written; a prefix of any length counts; an answered
guess counts and is told, where the original takes it off; the least length of a number is looked at, which the original reads
and forgets; calls to another country are found by the called number (in the original dead code, by the address of the
called); memory is bounded for all callers together. In compat mode alerts come on one output: the original's second one,
statistics by the wall clock, is left out, as are its files of logs, statistics and countries (\`-l\`, \`-n\`, \`-c\`, \`-o\`, \`-a\`,
\`-w\`); the number of the last event is kept only in a file that \`-e\` names.

**When it fires**: was a call answered (the event says how many)? Then find it in the exchange's log, block the prefix and the
caller, and ask the operator of your trunk to stop calls to that number. If none was, block the caller and see that
unregistered callers cannot reach the trunk at all.
`,
  replaces: "voip_fraud_detection",
  aliases: ["voip_fraud_detection", "voip_fraud"],
  rules: {
    guess: {
      id: 9_000_090,
      title: "VoIP dial prefix guessing",
      category: "Fraud.UnauthorizedUsage",
      severity: 6,
      confidence: 0.9,
      techniques: ["T1595"],
    },
    breach: {
      id: 9_000_091,
      title: "VoIP dial prefix guessed, a call was answered",
      category: "Fraud.UnauthorizedUsage",
      severity: 9,
      confidence: 0.8,
      techniques: ["T1595", "T1496"],
    },
    country: {
      id: 9_000_092,
      title: "VoIP call to an unusual country",
      category: "Fraud.UnauthorizedUsage",
      severity: 3,
      confidence: 0.5,
      techniques: ["T1496"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    return context.params.compat === "nemea" ? original(context) : calls(context);
  },
});
