// SPDX-License-Identifier: BSD-3-Clause
import { connect } from "node:net";
import type { Alert } from "../../core/alert.ts";
import { messageOf, paramError } from "../../core/errors.ts";
import { defineExporter, type SendResult, type Sink, type SinkPlace } from "../../core/exporter.ts";
import { param } from "../../core/module.ts";
import { FORMATS, type Format } from "../formats/formats.ts";
import { octetCounted, syslogMessage } from "../formats/syslog.ts";
import { DatagramTransport } from "./datagrams.ts";
import { FACILITIES, FACILITY_NAMES } from "./facilities.ts";
import { StreamTransport } from "./stream.ts";
import { checkTls, connectTls, tlsFailure } from "./tls.ts";
import type { Transport } from "./transport.ts";

export default defineExporter({
  name: "syslog",
  about: "Sends alerts to a syslog server over UDP, TCP or TLS.",
  details: `
**For** rsyslog, syslog-ng and every SIEM that takes RFC 5424. Over \`tls\` (RFC 5425) the server's certificate has to
be of \`ca\`, in force, and of the server's name, and the connection of TLS 1.2 or newer; where one of these does not
hold nothing is sent, in plain text least of all. Over \`tcp\` messages are framed by their length (RFC 6587), which
rsyslog's imtcp and imptcp take as they are.

Syslog has no acknowledgement. An alert counts as sent once the system has taken all its bytes: what is under way as a
connection breaks may be lost, and an alert of which the system had taken a part is sent once more. Over \`udp\`
nothing is certain, and an alert longer than 8 kB is refused.

Certificates are read for each connection: a new one needs no restart.
`,
  params: {
    host: param.text({ default: "", about: "name or address of the server" }),
    port: param.count({
      default: 0,
      max: 65_535,
      about: "port of the server; 0 is the usual one: 514 for UDP, 601 for TCP, 6514 for TLS",
    }),
    transport: param.choice({
      options: ["udp", "tcp", "tls"],
      default: "tls",
      about: "how messages travel",
    }),
    format: param.choice({
      options: ["cef", "eve", "json"],
      default: "cef",
      about: "format of a message's body",
    }),
    facility: param.choice({
      options: FACILITY_NAMES,
      default: "local0",
      about: "facility of the messages",
    }),
    ca: param.text({
      default: "",
      about:
        "PEM file of the authorities that may have signed the server's certificate; empty: the system's",
    }),
    key: param.text({
      default: "",
      about: "PEM file of the own key, where the server asks for one",
    }),
    cert: param.text({ default: "", about: "PEM file of the own certificate, with `key`" }),
    serverName: param.text({
      default: "",
      about: "name that the server's certificate has to be of; empty: the host",
    }),
    timeout: param.seconds({
      default: 10,
      min: 1,
      max: 600,
      about: "how long the server may take to be connected, and for each message to leave",
    }),
  },
  open(params, place) {
    const { host, port, transport, ca, key, cert, serverName, timeout, format, facility } = params;
    if (host === "") throw paramError("host: the name or address of the server is missing");
    const timeoutMs = timeout * 1000;
    const at = { host, port: port || USUAL_PORTS[transport] };
    const writer = { format: FORMATS[format], facility: FACILITIES[facility] };
    if (transport === "udp") return new SyslogSink(new DatagramTransport(at), writer, place);
    if (transport === "tcp") {
      const dial = { connect: () => connect(at), event: "connect", explain: messageOf } as const;
      return new SyslogSink(new StreamTransport(dial, timeoutMs), writer, place);
    }
    const target = { ...at, ca, key, cert, name: serverName || host };
    checkTls(target);
    const dial = {
      connect: () => connectTls(target),
      event: "secureConnect",
      explain: tlsFailure,
    } as const;
    return new SyslogSink(new StreamTransport(dial, timeoutMs), writer, place);
  },
});

/** RFC 5426 section 3.3, RFC 6587 section 3.1 (as registered for syslog-conn), RFC 5425 section 4.1. */
const USUAL_PORTS = { udp: 514, tcp: 601, tls: 6514 } as const;

interface Writer {
  readonly format: Format;
  readonly facility: number;
}

class SyslogSink implements Sink {
  readonly #transport: Transport;
  readonly #writer: Writer;
  readonly #place: SinkPlace;

  constructor(transport: Transport, writer: Writer, place: SinkPlace) {
    this.#transport = transport;
    this.#writer = writer;
    this.#place = place;
  }

  async send(alerts: readonly Alert[]): Promise<SendResult> {
    let accepted = 0;
    const unconnected = await this.#transport.ready();
    if (unconnected !== undefined) return { accepted, failure: unconnected };
    for (const alert of alerts) {
      const message = this.#message(alert);
      const { longest } = this.#transport;
      if (message.length > longest)
        return { accepted, refused: `${message.length} bytes, a datagram takes ${longest}` };
      // biome-ignore lint/performance/noAwaitInLoops: what the kernel took is known one by one.
      const failure = await this.#transport.write(message);
      if (failure !== undefined) return { accepted, failure };
      accepted++;
    }
    return { accepted };
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #message(alert: Alert): Uint8Array {
    const { format, facility } = this.#writer;
    const message = syslogMessage(format(alert, this.#place), alert, this.#place, facility);
    return this.#transport.framed ? octetCounted(message) : message;
  }
}
