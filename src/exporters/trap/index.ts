// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import { RECORD_MAX } from "../../core/batch.ts";
import { messageOf, paramError } from "../../core/errors.ts";
import { defineExporter, type SendResult, type Sink } from "../../core/exporter.ts";
import { param } from "../../core/module.ts";
import { Poller } from "../../core/net/poller.ts";
import { OutputPort } from "../../core/port.ts";
import { SOCKET_HEADER } from "../../core/trap/container.ts";
import { socketFolder } from "../../core/trap/index.ts";
import { SocketOutput } from "../../core/trap/socket-output.ts";
import { parseOutput, type SocketOutputSpec } from "../../core/trap/specifier.ts";
import type { Template } from "../../core/unirec/template.ts";
import { FORMATS } from "../formats/formats.ts";

/** Messages are JSON of this name, as NEMEA's reporters send it. */
const IDEA: Template = { format: "json", fields: [], fixedSize: 0, spec: "IDEA" };
/** Milliseconds between two looks at the receivers while a batch goes out, and while there is none. */
const BUSY_MS = 2;
const IDLE_MS = 100;
/** Bytes of a container's header and a message's length. */
const MESSAGE_FRAME = SOCKET_HEADER + 2;

export default defineExporter({
  name: "trap",
  about: "Sends alerts as IDEA to modules over a TRAP interface.",
  details: `
**For** NEMEA modules and Python scripts that take JSON of the name \`IDEA\`, as its reporters send it: \`-i u:alerts\`.

TRAP has no acknowledgements: an alert counts as sent when the system has taken it for all receivers that are connected. While
there is none, alerts wait. A receiver that takes nothing for \`timeout\` is sent away with the others, who come back; what it did not
take is sent again, so others may get an alert twice, with the same \`ID\`.

The interface opens with the first alert. \`timeout=\` in the specifier has no effect.
`,
  params: {
    interface: param.text({
      default: "u:alerts",
      about: "u:NAME, t:PORT or T:PORT with its parameters, as in docs/trap.md",
    }),
    timeout: param.seconds({
      default: 5,
      min: 0.1,
      max: 60,
      about: "how long a receiver may take nothing",
    }),
  },
  open({ interface: text, timeout }, place) {
    const spec = parseOutput(text);
    if (spec.type === "f" || spec.type === "b")
      throw paramError(`interface: expected a socket (u:, t: or T:), got ${text}`);
    return new TrapSink(spec, timeout * 1000, (alert) => Buffer.from(FORMATS.idea(alert, place)));
  },
});

/** What exists while the interface is open. */
interface Opened {
  readonly poller: Poller;
  readonly output: SocketOutput;
  readonly port: OutputPort;
  readonly timer: ReturnType<typeof setInterval>;
}

class TrapSink implements Sink {
  readonly #spec: SocketOutputSpec;
  readonly #timeout: number;
  readonly #bytes: (alert: Alert) => Uint8Array;
  #opened: Opened | undefined;

  constructor(spec: SocketOutputSpec, timeout: number, bytes: (alert: Alert) => Uint8Array) {
    // Waiting is done here, between turns of the event loop: the output itself must never wait.
    this.#spec = { ...spec, timeout: "NO_WAIT" };
    this.#timeout = timeout;
    this.#bytes = bytes;
  }

  async send(alerts: readonly Alert[]): Promise<SendResult> {
    let opened: Opened;
    try {
      opened = this.#opened ??= this.#open();
    } catch (error) {
      return { accepted: 0, failure: messageOf(error) };
    }
    opened.poller.turn(0);
    for (const [accepted, alert] of alerts.entries()) {
      const bytes = this.#bytes(alert);
      const most = Math.min(RECORD_MAX, this.#spec.bufferSize - MESSAGE_FRAME);
      if (bytes.length > most)
        return { accepted, refused: `${bytes.length} bytes, and a message holds ${most}` };
      // biome-ignore lint/performance/noAwaitInLoops: alerts go out in order.
      const failure = await this.#give(bytes, opened);
      if (failure !== undefined) return { accepted, failure };
    }
    return { accepted: alerts.length };
  }

  close(): Promise<void> {
    this.#letGo();
    return Promise.resolve();
  }

  #letGo(): void {
    if (!this.#opened) return;
    clearInterval(this.#opened.timer);
    this.#opened.output.close();
    this.#opened = undefined;
  }

  #open(): Opened {
    const poller = new Poller();
    const environment = { poller, log: () => {}, socketFolder: socketFolder() };
    const output = new SocketOutput(this.#spec, "NO_WAIT", environment);
    const port = new OutputPort("alerts", IDEA);
    output.attach(port);
    // Receivers come while there is no alert.
    const timer = setInterval(() => poller.turn(0), IDLE_MS);
    timer.unref();
    return { poller, output, port, timer };
  }

  /** Send one message to all receivers; why it has to be sent again, or undefined. */
  async #give(bytes: Uint8Array, { poller, output, port }: Opened): Promise<string | undefined> {
    const { text } = this.#spec;
    if (output.stats.clientCount === 0) return `${text}: nobody is connected`;
    const batch = port.room(bytes.length);
    const at = batch.push(bytes.length);
    batch.bytes.set(bytes, at);
    port.flush();
    const until = performance.now() + this.#timeout;
    for (poller.turn(0); !output.drained; poller.turn(0)) {
      if (performance.now() > until) {
        this.#letGo();
        return `${text}: a receiver took nothing for ${this.#timeout} ms`;
      }
      // biome-ignore lint/performance/noAwaitInLoops: waiting is the point.
      await Bun.sleep(BUSY_MS);
    }
    return output.stats.clientCount === 0 ? `${text}: the receiver has gone` : undefined;
  }
}
