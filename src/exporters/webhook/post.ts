// SPDX-License-Identifier: BSD-3-Clause
import { type LookupAddress, type LookupAllOptions, lookup } from "node:dns";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { isLinkLocal } from "./addresses.ts";

export interface Post {
  readonly url: URL;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** For https: of which authorities the server's certificate has to be. */
  readonly ca: string | string[] | undefined;
  readonly timeoutMs: number;
  readonly allowLinkLocal: boolean;
}

/** As `lookup` of node:dns, for all addresses of a name. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  /** The beginning of what the receiver has to say. */
  readonly text: string;
}

/** Characters of an answer that are kept. */
const TEXT_MAX = 300;
/** An answer longer than this is not read to its end. */
const BODY_MAX = 65_536;

/**
 * Send one request and read the answer; redirects are answers.
 * @throws Error when there is none: no connection, a certificate that is wrong, the time is up
 */
export function post(
  { url, body, headers, ca, timeoutMs, allowLinkLocal }: Post,
  resolveName: Resolve = lookup,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, {
      method: "POST",
      headers: { ...headers, "Content-Length": String(body.length) },
      // The addresses that are looked at are those that are connected to: a name may change between two questions.
      ...(allowLinkLocal ? {} : { lookup: guarded(resolveName) }),
      ...(ca === undefined ? {} : { ca, rejectUnauthorized: true, minVersion: "TLSv1.2" as const }),
    });
    const late = new Error(`no answer in ${timeoutMs / 1000} s`);
    const timer = setTimeout(() => {
      request.destroy(late);
      reject(late);
    }, timeoutMs);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    request.on("error", (error) => settle(() => reject(error)));
    request.on("response", (response) => {
      readText(response).then(
        (text) => settle(() => resolve(answerOf(response, text))),
        (error) => settle(() => reject(error)),
      );
    });
    request.end(body);
  });
}

const answerOf = ({ statusCode = 0, headers }: IncomingMessage, text: string): Answer => ({
  status: statusCode,
  retryAfter: headers["retry-after"],
  location: headers.location,
  text,
});

/** The beginning of the answer; its rest is read too, as far as is decent, so that the connection can be used again. */
function readText(response: IncomingMessage): Promise<string> {
  let [text, length] = ["", 0];
  return new Promise((resolve, reject) => {
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      if (text.length < TEXT_MAX) text += chunk.slice(0, TEXT_MAX - text.length);
      length += chunk.length;
      if (length <= BODY_MAX) return;
      resolve(text);
      response.destroy();
    });
    response.on("end", () => resolve(text));
    response.on("error", reject);
    response.on("close", () => resolve(text));
  });
}

/** A look-up that fails for a name of which any address is link-local. */
export const guarded =
  (resolve: Resolve): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "");
      const bad = addresses.find(({ address }) => isLinkLocal(address));
      if (bad) return callback(new Error(`${hostname} is ${bad.address}: ${LINK_LOCAL}`), "");
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      return callback(null, first?.address ?? "", first?.family);
    });
  };

export const LINK_LOCAL =
  "a link-local or metadata address, which is not asked without allowLinkLocal";
