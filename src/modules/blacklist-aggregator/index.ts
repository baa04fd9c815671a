// SPDX-License-Identifier: BSD-3-Clause
import { JsonMessages } from "../../core/json-messages.ts";
import { type Context, defineModule, param } from "../../core/module.ts";
import { messages } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { windows } from "../../core/windows.ts";
import { Event, PORTS_MAX, SERVICE_PORT_MAX } from "./event.ts";
import { ipAlerts, ofIp, ofUrl, type Sighting, urlAlerts } from "./sightings.ts";

/** Most targets in one message, and characters of each of its texts: it so always fits into a record. */
const TARGETS_MAX = 1000;
const TEXT_MAX = 1024;

const events = messages("json", "aggregated_blacklist");

const params = {
  minutes: param.count({
    default: 5,
    min: 1,
    max: 1440,
    about: "Minutes of event time that a window lasts",
    flag: "t",
  }),
  targetsMax: param.count({
    default: 16_384,
    min: 16,
    max: 1 << 20,
    about: "Targets of all events in a window; what is beyond is sent before its end",
  }),
};
type Setup = Context<typeof params, { events: typeof events }>;

export default defineModule({
  name: "blacklist-aggregator",
  about: "Makes one event of all alerts about a listed address or URL in a window of time.",
  details: `
**For** those who read one event about a listed entry instead of one for each flow: it takes the alerts of the IP and URL
blacklist detectors and sends JSON called \`aggregated_blacklist\`, which \`blacklist2idea\` and its like take. The alerts on \`ip\`
may come from the detector itself, or from an aggregator between them that counts flows (\`COUNT\`).

**Events** are of one list each: an entry on three lists makes three. Those of type \`ip\` are by address and protocol, those of
type \`url\` by host (in lower case, without \`www.\`), URL, server and protocol. Source is what is listed, targets are who spoke
with it; \`src_sent_*\` and \`tgt_sent_*\` say how much each side sent. More than ${TARGETS_MAX} targets make several events, each with the
sums of its own.

**Windows** end where the alerts' event time passes a multiple of \`minutes\`, when no alert has come for so long, and when both
streams have ended, which is passed on. An alert belongs to the window in which it comes.

**Deviates** from NEMEA's blacklist_aggregator: windows follow event time, not the machine's clock; minutes are whole; \`www.\`
is cut as a whole (the original strips every leading \`w\` and dot, so other hosts fall together); where both ends of a flow are
listed, both are sources of an event; where targets are divided, so are the sums; with \`SRC_PORT\` in the alerts the ports of
a listed sender are told too; ports above ${SERVICE_PORT_MAX} are left out of both types, and beyond ${PORTS_MAX} ports
none is added (\`ports_left_out\`); texts end at ${TEXT_MAX} characters (\`texts_cut\`); the number of targets in a window has a bound, at
which the oldest event goes out early (\`events_early\`).
`,
  replaces: "blacklist_aggregator",
  aliases: ["blacklist_aggregator"],
  params,
  inputs: { ip: ipAlerts, url: urlAlerts },
  outputs: { events },

  setup({ params: { minutes, targetsMax }, out, count }: Setup) {
    const json = new JsonMessages(out.events, events);
    /** Events of the window, oldest first. */
    const open = new Map<string, Event>();
    let targets = 0;

    function send(key: string, event: Event): void {
      open.delete(key);
      targets -= event.targets.size;
      if (!json.send(event.message(minutes))) count("messages_too_long");
    }

    function flush(): void {
      for (const [key, event] of open) send(key, event);
      json.flush();
    }

    function see(sighting: Sighting): void {
      const { key, target } = sighting;
      const full = open.get(key);
      if (full?.targets.size === TARGETS_MAX && !full.targets.has(target)) send(key, full);
      const event = open.get(key) ?? new Event(sighting);
      open.set(key, event);
      const known = event.targets.size;
      if (!event.add(sighting)) count("ports_left_out");
      targets += event.targets.size - known;
      if (targets <= targetsMax) return;
      count("events_early");
      const [oldest, first] = open.entries().next().value!;
      send(oldest, first);
    }

    function text(value: string): string {
      if (value.length <= TEXT_MAX) return value;
      count("texts_cut");
      return value.slice(0, TEXT_MAX).toWellFormed();
    }

    const over = windows(minutes * 60 * SECOND, flush);
    return {
      ip(alert) {
        over.hear();
        while (alert.next()) for (const sighting of ofIp(alert)) see(sighting);
        json.flush();
      },
      url(alert) {
        over.hear();
        while (alert.next()) for (const sighting of ofUrl(alert, text)) see(sighting);
        json.flush();
      },
      everySecond: over.everySecond,
      tick: over.tick,
      end: flush,
    };
  },
});
