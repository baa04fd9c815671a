// SPDX-License-Identifier: BSD-3-Clause
/** Alerts as they come, for pages and programs that stay: server-sent events (WHATWG HTML section 9.2). @module */
import type { Alert } from "../../core/alert.ts";
import { problem, STREAM_HEADERS } from "./problem.ts";

/** Alerts that a client who was away may get again. */
const KEPT_MAX = 1000;
export const CLIENTS_MAX = 64;
/** Alerts that wait for one client; it is let go beyond, comes back, and is told what it missed. */
const WAITING_MAX = 1000;
/** Milliseconds after which a comment keeps the connection from being taken for dead. */
const PING_MS = 15_000;
const WHOLE = /^\d{1,15}$/;

const encoder = new TextEncoder();

/** What a client reads. */
interface Client {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

/** Hands each alert on to all who listen. An event's id is its number since the start, so that who was away goes on there. */
export class AlertStream {
  readonly #kept: { readonly number: number; readonly text: string }[] = [];
  readonly #clients = new Set<Client>();
  /** Tells numbers of this start from those of the one before. */
  readonly #start = Date.now();
  #number = 0;

  /** Take an alert; `view` is what clients are shown. */
  put(alert: Alert, view: (alert: Alert) => unknown): void {
    const number = ++this.#number;
    const text = `id: ${this.#start}-${number}\nevent: alert\ndata: ${JSON.stringify(view(alert))}\n\n`;
    this.#kept.push({ number, text });
    if (this.#kept.length > KEPT_MAX) this.#kept.shift();
    const bytes = encoder.encode(text);
    for (const client of this.#clients) this.#send(client, bytes);
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** The answer to one who wants to listen; `last` is the id of the last event they had, if any. */
  open(last: string | null): Response {
    if (this.#clients.size >= CLIENTS_MAX)
      return problem(503, { title: "Too many listeners", detail: `At most ${CLIENTS_MAX}.` });
    let client: Client | undefined;
    let ping: ReturnType<typeof setInterval> | undefined;
    const gone = (): void => {
      clearInterval(ping);
      if (client) this.#clients.delete(client);
    };
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          client = { controller };
          controller.enqueue(encoder.encode(`retry: 2000\n\n${this.#missed(last)}`));
          this.#clients.add(client);
          ping = setInterval(() => this.#send(client!, encoder.encode(":\n\n")), PING_MS);
          ping.unref();
        },
        cancel: gone,
      },
      { highWaterMark: WAITING_MAX },
    );
    return new Response(body, { headers: STREAM_HEADERS });
  }

  /** What one has missed; `reset` says that there was more, and that the list is to be read anew. */
  #missed(last: string | null): string {
    if (last === null) return "";
    const [start, number = ""] = last.split("-");
    const from = Number(number);
    const oldest = this.#kept[0]?.number ?? this.#number + 1;
    const known = start === String(this.#start) && WHOLE.test(number) && from <= this.#number;
    if (!known || from + 1 < oldest) return "event: reset\ndata: {}\n\n";
    return this.#kept
      .filter((each) => each.number > from)
      .map(({ text }) => text)
      .join("");
  }

  #send(client: Client, bytes: Uint8Array): void {
    const { controller } = client;
    try {
      if ((controller.desiredSize ?? 0) > 0) {
        controller.enqueue(bytes);
        return;
      }
      controller.close();
    } catch {
      // It has gone already.
    }
    this.#clients.delete(client);
  }

  /** Let all go. */
  close(): void {
    for (const { controller } of this.#clients) {
      try {
        controller.close();
      } catch {
        // It has gone already.
      }
    }
    this.#clients.clear();
  }
}
