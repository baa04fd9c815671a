// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import { Attacks } from "./attacks.ts";
import { chosenFamilies } from "./chosen.ts";
import { alerts, type Flow, flows, params, type Setup } from "./fields.ts";
import { IN } from "./indications.ts";
import { METHOD, methodKind } from "./methods.ts";
import { indicationsOf } from "./points.ts";
import { Request } from "./request.ts";
import { rules } from "./rules.ts";

export default defineModule({
  name: "waintrusion",
  about: "Attacks on web applications: what HTTP requests that are not enciphered try.",
  details: `
**Finds** requests that try to break into a web application: ways out of its folder, files of the system and of the application, code of
PHP, commands of Unix and PowerShell, SQL, scripts for browsers, look-ups of Java (Log4Shell) and other expressions, addresses for the
server to fetch, names and marks of scanners, broken protocol, methods of debuggers. It reads target, agent, referer, host and method, which the
meter's plugin \`http\` finds.

**Counts** points: each indication in a request has some, each counts once, and \`scoreMin\` of them make an attack, of the kind that
has most. Text is searched as it is, and after its percent encoding was undone once and twice, in one letter case, with blanks
joined, and with comments taken out as well. All words are searched for in one pass that no text makes slower. Requests of fewer points
add up: when the different indications of a client at a server come to \`probeMin\`, that is an event too. An event is for a client, a
server and a kind; it is updated at every doubling of its requests, after \`idleTimeout\` without any, and at the end of the stream.

**Evaded** by HTTPS (nothing is seen of it), by what is in a request's body, cookies or other headers, by the second and later requests of a connection,
by encodings that are not undone (base64, HTML entities), and behind 8,192 bytes of a field.

**Tune** by mute rules for a scanner you run, and \`without\` for kinds that an application of yours looks like, such as a forum on SQL.
\`scoreMin\` 8 leaves the certain ones. Memory: 4 MB at most as set by default.

**Deviates** from NEMEA's waintrusion_detector: several indications make an alert, not the first match of a pattern, and none is
sent a request but one event for all of them, with the first and last time; the text is decoded; matching takes linear time; names in \`rules\`
are parted by commas or blanks, and those of the original are known (session fixation is not looked for; letter \`-nr\` is \`without\`); patterns and
words are of our own. Port 443 is not passed over: what is readable there is not enciphered.

**When it fires**: look how the server answered, and whether the same client got something afterwards that others do not. A 404 or 403 is a
scanner at work, as every server of the Internet meets; a 200 or 500 on an attack that fits the application is a reason to read its log.
`,
  replaces: "waintrusion_detector",
  aliases: ["waintrusion_detector"],
  rules,
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const { params: settings, count } = context;
    const indications = indicationsOf(chosenFamilies(settings.rules, settings.without));
    const request = new Request(indications);
    const attacks = new Attacks(context, indications.all.length);
    const { debug, unknownMethod } = indications.seen;
    /** Where the descriptors lie in the sender's records. */
    const at = { method: 0, url: 0, agent: 0, referer: 0, host: 0 };

    function look(cursor: AnyReader, bytes: Uint8Array, descriptor: number, field: number): void {
      const from = cursor.span(descriptor);
      if (cursor.spanLength > 0) request.look(bytes, from, cursor.spanLength, field);
    }

    /** Returns whether there is a request. */
    function read(cursor: AnyReader, bytes: Uint8Array): boolean {
      const from = cursor.span(at.method);
      const length = cursor.spanLength;
      if (length === 0) return false;
      request.begin();
      const kind = methodKind(bytes, from, length);
      if (kind !== METHOD.usual) {
        request.turnTo(IN.method);
        request.see(kind === METHOD.debug ? debug : unknownMethod, bytes, from, from + length);
      }
      look(cursor, bytes, at.url, IN.url);
      look(cursor, bytes, at.agent, IN.agent);
      look(cursor, bytes, at.referer, IN.referer);
      look(cursor, bytes, at.host, IN.host);
      return true;
    }

    return {
      announced(layout: Template) {
        const offset = (name: string): number => fieldOf(layout, `HTTP_REQUEST_${name}`)!.offset;
        at.method = offset("METHOD");
        at.url = offset("URL");
        at.agent = offset("AGENT");
        at.referer = offset("REFERER");
        at.host = offset("HOST");
      },
      flows(flow: Flow) {
        const cursor = flow as never as AnyReader;
        const { bytes } = cursor.batch;
        while (flow.next())
          if (read(cursor, bytes) && request.total > 0) attacks.learn(request, flow);
        if (request.cut > 0) {
          count("fields_cut", request.cut);
          request.cut = 0;
        }
      },
      everySecond: (now: number) => attacks.expire(now),
      end: () => attacks.end(),
    };
  },
});
