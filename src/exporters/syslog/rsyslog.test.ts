// SPDX-License-Identifier: BSD-3-Clause
/** What Debian's rsyslog reads out of the messages. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Alert } from "../../core/alert.ts";
import { TlsAuthority, tlsMissing } from "../../core/net/testing/tls-authority.ts";
import { numberedAlert, numberedAlerts } from "../../core/testing/alerts.ts";
import { rfc3339 } from "../../core/unirec/time.ts";
import { FORMATS } from "../formats/formats.ts";
import syslog from "./index.ts";
import { PARAMS, PLACE } from "./testing/params.ts";
import { Rsyslog, rsyslogMissing, rsyslogTlsMissing, type Understood } from "./testing/rsyslog.ts";

const noTls = rsyslogTlsMissing || tlsMissing;
let authority: TlsAuthority | undefined;
let server: Rsyslog;

beforeAll(async () => {
  if (rsyslogMissing) return;
  authority = noTls ? undefined : new TlsAuthority();
  server = await Rsyslog.start(authority?.issueFor("rsyslog", ["DNS:logs.example"]));
});
afterAll(async () => {
  if (rsyslogMissing) return;
  await server[Symbol.asyncDispose]();
  authority?.[Symbol.dispose]();
});

const HOSTILE = 'a]b"c\\d |e=f\n<13>1 - - - - - - g\u0000\u001b[31m ž\u2028';
const BOM = "\ufeff";

/** What a server has to read of an alert. */
const read = (alert: Alert, body: string): Omit<Understood, "data"> => ({
  pri: "131",
  time: rfc3339(alert.detectTime),
  host: "nemean-01",
  app: "nemean",
  procid: "-",
  msgid: "ALERT",
  msg: body,
});

/** Of the messages of all tests, those with this word in their body. */
async function understood(word: string, count: number, others: number): Promise<Understood[]> {
  const messages = await server.messages(count + others);
  return messages.filter(({ msg }) => msg.includes(word));
}

let sent = 0;

describe.each([
  ["udp", rsyslogMissing],
  ["tcp", rsyslogMissing],
  ["tls", noTls],
] as const)("syslog over %s%s", (transport, missing) => {
  test.skipIf(missing !== "").each(["json", "cef", "eve"] as const)(
    "is read by rsyslog with the fields that were sent, as %s",
    async (format) => {
      const word = `${transport}-${format}`;
      const alerts = [
        ...numberedAlerts(5).map((alert) => ({ ...alert, reason: `${word} ${alert.reason}` })),
        numberedAlert(6, { reason: `${word} ${HOSTILE}`, key: HOSTILE, detector: 'x"]\\y' }),
      ].map((alert) => ({ ...alert, severity: 7 }));
      const port = server.ports[transport];
      const ca = authority?.ca ?? "";
      const fields = { transport, format, port, ca, serverName: "logs.example" } as const;
      const sink = syslog.open({ ...PARAMS, ...fields }, PLACE);
      expect(await sink.send(alerts)).toEqual({ accepted: alerts.length });
      await sink.close();
      const messages = await understood(word, alerts.length, sent);
      sent += alerts.length;
      const wanted = alerts.map((alert) => read(alert, FORMATS[format](alert, PLACE)));
      expect(
        messages.map(({ data: _, ...rest }) => ({ ...rest, msg: rest.msg.replace(BOM, "") })),
      ).toEqual(wanted);
      expect(messages[5]!.msg.startsWith(BOM)).toBe(true);
      expect(messages[0]!.data).toContain(`id="${alerts[0]!.id}"`);
      expect(messages[5]!.data).toContain(String.raw`detector="x\"\]\\y"`);
    },
  );
});
