// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../core/errors.ts";
import { defineModule, param } from "../core/module.ts";
import { template } from "../core/unirec/template.ts";
import { SECOND } from "../core/unirec/time.ts";

const PACKETS_MAX = 0xffff_ffff;

export default defineModule({
  name: "flowcounter",
  about: "Counts flows, packets and bytes, and prints or sends the sums.",
  details: `
**For** a look at how much comes over a link, and whether anything does: it prints the sums at the end and whenever it is
asked (SIGUSR1), a dot each so many flows, and sends the sums on if it is told how often.

**Counts** exactly up to 2^53. Over an output the number of packets has 32 bits, as receivers expect it: it stays at
4,294,967,295 once that is reached. \`sinceLast\` keeps it small, and the other two are of 64 bits.

**Deviates** from NEMEA's flowcounter: the sum of packets does not wrap in what is sent; a sum is sent by the wall clock's
seconds even while no flow comes; dots begin a new line before the sums follow.
`,
  replaces: "flowcounter",
  params: {
    dotEvery: param.count({ default: 0, about: "Flows for each dot; 0 prints none", flag: "p" }),
    dot: param.text({ default: ".", about: "The character printed as a dot", flag: "P" }),
    sendPeriod: param.seconds({
      default: 0,
      max: 999,
      about: "Wall time between two records of the output; 0 sends none",
      flag: "o",
    }),
    sinceLast: param.flag({
      default: false,
      about: "Send what came since the last record instead of all so far",
      flag: "r",
    }),
  },
  inputs: { flows: template("uint32 PACKETS, uint64 BYTES") },
  outputs: { counts: template("uint64 FLOWS, uint32 PACKETS, uint64 BYTES") },
  optionalOutputs: ["counts"],

  setup({ params: { dotEvery, dot, sendPeriod, sinceLast }, out, clock, print }) {
    if ([...dot].length !== 1) throw usageError(`flowcounter: -P "${dot}": give one character`);
    const sums = { flows: 0, packets: 0, bytes: 0 };
    /** The sums as they stood when they were sent last. */
    const sent = { flows: 0, packets: 0, bytes: 0 };
    const period = sendPeriod * SECOND;
    let due = clock.now() + period;
    let dotted = false;

    function dots(before: number): void {
      const count = Math.floor(sums.flows / dotEvery) - Math.floor(before / dotEvery);
      if (count === 0) return;
      print(dot.repeat(count));
      dotted = true;
    }

    function show(heading: string): void {
      const { flows, packets, bytes } = sums;
      const lines = `Flows:   ${right(flows)}\nPackets: ${right(packets)}\nBytes:   ${right(bytes)}\n`;
      print(`${dotted ? "\n" : ""}${heading}${lines}`);
      dotted = false;
    }

    return {
      flows(flow) {
        const before = sums.flows;
        let { flows, packets, bytes } = sums;
        while (flow.next()) {
          flows++;
          packets += flow.PACKETS;
          bytes += flow.BYTES;
        }
        sums.flows = flows;
        sums.packets = packets;
        sums.bytes = bytes;
        if (dotEvery > 0) dots(before);
      },
      tick(now) {
        if (period === 0) return;
        // A clock that was set back begins a period anew, instead of one as long as the jump.
        if (now < due - period) due = now + period;
        if (now < due) return;
        // A machine that was asleep sends once, not for each period that it missed.
        due += period * (1 + Math.floor((now - due) / period));
        out.counts.send({
          FLOWS: sums.flows - sent.flows,
          PACKETS: Math.min(sums.packets - sent.packets, PACKETS_MAX),
          BYTES: sums.bytes - sent.bytes,
        });
        if (sinceLast) Object.assign(sent, sums);
      },
      ask: () => show(`Time: ${Math.floor(clock.now() / SECOND)}\n`),
      end: () => show(""),
    };
  },
});

/** Wide enough for any 64 bits. */
const right = (value: number): string => String(value).padStart(20);
