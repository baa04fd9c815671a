// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import type { Alert } from "../../core/alert.ts";
import { messageOf, paramError } from "../../core/errors.ts";
import { defineExporter, type SendResult, type Sink, type SinkPlace } from "../../core/exporter.ts";
import { type Params, param, type ValuesOf } from "../../core/module.ts";
import { authorities } from "../../core/net/authorities.ts";
import { FORMATS } from "../formats/formats.ts";
import { clip, visible } from "../formats/text.ts";
import { isLinkLocal } from "./addresses.ts";
import { type Answer, LINK_LOCAL, post } from "./post.ts";
import { retryAfterMs } from "./retry-after.ts";

const PARAMS = {
  url: param.text({ default: "", about: "http or https address that alerts are posted to" }),
  secret: param.text({
    default: "",
    about: "path of a file with the secret that requests are signed with; empty: not signed",
  }),
  batch: param.count({
    default: 50,
    min: 1,
    max: 500,
    about: "alerts a request at most; 1 posts an object, more an array of objects",
  }),
  timeout: param.seconds({
    default: 10,
    min: 1,
    max: 300,
    about: "how long a request may take, the answer included",
  }),
  ca: param.text({
    default: "",
    about: "PEM file of the authorities that may have signed the certificate; empty: the system's",
  }),
  allowLinkLocal: param.flag({
    default: false,
    about: "post to link-local and metadata addresses as well",
  }),
} satisfies Params;

export default defineExporter({
  name: "webhook",
  about: "Posts alerts as JSON to an HTTP address.",
  details: `
**For** chat bridges, automation (n8n, Node-RED, SOAR) and receivers of one's own.

A request is a JSON array of alerts, or with \`batch\` 1 one object. Its headers:

- \`X-Nemean-Signature\`: \`sha256=\` and the HMAC-SHA256 of the body with the secret as hexadecimal digits, when there is
  a secret. The file is read for each request, without the line break at its end.
- \`Idempotency-Key\`: id and update number of the first alert and, after a plus sign, how many follow it. A request that
  is sent again has the same key as before.

2xx takes the alerts. 408, 425, 429 and 5xx are tried again, after \`Retry-After\` where it is given; so are redirects,
which are not followed. Any other 4xx refuses: of a batch each alert is sent alone then, so that one bad alert takes no
other with it.

Names that resolve to link-local and metadata addresses are not asked.
`,
  params: PARAMS,
  open: (params, place) => new WebhookSink(params, place),
});

class WebhookSink implements Sink {
  readonly #params: ValuesOf<typeof PARAMS>;
  readonly #place: SinkPlace;
  readonly #url: URL;

  constructor(params: ValuesOf<typeof PARAMS>, place: SinkPlace) {
    this.#params = params;
    this.#place = place;
    this.#url = checkedUrl(params.url, params.allowLinkLocal);
    if (params.secret !== "") readSecret(params.secret);
    if (this.#url.protocol === "https:") authorities(params.ca);
  }

  async send(alerts: readonly Alert[]): Promise<SendResult> {
    let accepted = 0;
    let size = this.#params.batch;
    while (accepted < alerts.length) {
      const part = alerts.slice(accepted, accepted + size);
      // biome-ignore lint/performance/noAwaitInLoops: alerts arrive in order.
      const outcome = await this.#post(part);
      if (outcome === "taken") accepted += part.length;
      else if (outcome.refused === undefined || part.length === 1) return { accepted, ...outcome };
      else size = 1; // Which of them is it?
    }
    return { accepted };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #post(alerts: readonly Alert[]): Promise<"taken" | Omit<SendResult, "accepted">> {
    const { timeout, allowLinkLocal, ca } = this.#params;
    try {
      const body = this.#body(alerts);
      const answer = await post({
        url: this.#url,
        body,
        headers: this.#headers(alerts, body),
        ca: this.#url.protocol === "https:" ? authorities(ca) : undefined,
        timeoutMs: timeout * 1000,
        allowLinkLocal,
      });
      return outcomeOf(answer);
    } catch (error) {
      return { failure: messageOf(error) };
    }
  }

  #body(alerts: readonly Alert[]): Uint8Array {
    const lines = alerts.map((alert) => FORMATS.json(alert, this.#place));
    return Buffer.from(this.#params.batch === 1 ? lines[0]! : `[${lines.join(",")}]`);
  }

  #headers(alerts: readonly Alert[], body: Uint8Array): Record<string, string> {
    const { id, update } = alerts[0]!;
    const more = alerts.length > 1 ? `+${alerts.length - 1}` : "";
    const { secret } = this.#params;
    return {
      "Content-Type": "application/json",
      "User-Agent": `nemean/${this.#place.version}`,
      "Idempotency-Key": `${id}-${update}${more}`,
      ...(secret === "" ? {} : { "X-Nemean-Signature": signature(readSecret(secret), body) }),
    };
  }
}

const signature = (secret: string, body: Uint8Array): string =>
  `sha256=${new Bun.CryptoHasher("sha256", secret).update(body).digest("hex")}`;

/** What an answer means for the alerts of its request. */
function outcomeOf(answer: Answer): "taken" | Omit<SendResult, "accepted"> {
  const { status, location, text } = answer;
  if (status >= 200 && status < 300) return "taken";
  const said = visible(clip(text.trim(), TEXT_MAX));
  const what = `HTTP ${status}${said === "" ? "" : `: ${said}`}`;
  if (status >= 300 && status < 400)
    return { failure: `HTTP ${status}: redirects are not followed, to ${visible(location ?? "")}` };
  if (status >= 400 && status < 500 && !PASSING.has(status)) return { refused: what };
  const wait = retryAfterMs(answer.retryAfter, Date.now());
  return { failure: what, ...(wait === undefined ? {} : { retryAfter: wait }) };
}

/** Of the receiver's state, not of the alert: timeout, too early, too many requests. */
const PASSING = new Set([408, 425, 429]);
const TEXT_MAX = 200;

function checkedUrl(text: string, allowLinkLocal: boolean): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw paramError(`url: expected an http or https address, got ${JSON.stringify(text)}`);
  if (url.username !== "" || url.password !== "")
    throw paramError("url: a password has no place in an address; sign requests by a secret");
  if (!allowLinkLocal && isLinkLocal(url.hostname))
    throw paramError(`url: ${url.hostname} is ${LINK_LOCAL}`);
  return url;
}

const LAST_BREAK = /\r?\n$/;

function readSecret(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8").replace(LAST_BREAK, "");
  } catch (error) {
    throw paramError(`secret: ${messageOf(error)}`);
  }
  if (text === "") throw paramError(`secret: ${path}: no secret in it`);
  return text;
}
