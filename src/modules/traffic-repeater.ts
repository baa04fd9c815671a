// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, param } from "../core/module.ts";
import type { AnyReader } from "../core/unirec/reader.ts";
import { ANY_MESSAGES } from "../core/unirec/template.ts";
import { SECOND } from "../core/unirec/time.ts";

export default defineModule({
  name: "traffic-repeater",
  about: "Relay: hands on what it receives as it is, from one kind of interface to another.",
  details: `
**For** a bridge between transports: TCP in and a unix socket out, a file in and TLS out. What comes in goes out
byte for byte, whole batches at a time, and a sender's new layout is announced to the receivers before its records.

**Prints** at the end what it received, what it sent and how long it ran. What the output's interface then had to drop,
for a receiver that was too slow, is in that interface's own counters (the service interface shows them).

**Deviates** from NEMEA's traffic_repeater: it relays JSON and raw messages as well as UniRec; what was dropped is
counted exactly for each receiver, not as time-outs of the whole output.
`,
  replaces: "traffic_repeater",
  aliases: ["traffic_repeater"],
  params: {
    noEof: param.flag({
      default: false,
      about: "Keep the end of the stream from the receivers, who then wait for the next sender",
      flag: "n",
    }),
  },
  inputs: { flows: ANY_MESSAGES },
  outputs: { flows: ANY_MESSAGES },

  setup({ out, clock, print }) {
    const began = clock.now();
    let received = 0;
    let sent = 0;
    return {
      flows(flows) {
        const { count } = (flows as never as AnyReader).batch;
        received += count;
        out.flows.forward(flows);
        sent += count;
      },
      end() {
        const elapsed = (clock.now() - began) / SECOND;
        print(
          `Flows received:  ${right(received)}\nFlows sent:      ${right(sent)}\nElapsed seconds: ${right(elapsed.toFixed(3))}\n`,
        );
      },
    };
  },
});

/** Wide enough for any 64 bits. */
const right = (value: number | string): string => String(value).padStart(20);
