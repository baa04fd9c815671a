// SPDX-License-Identifier: BSD-3-Clause
import { promises as dns } from "node:dns";
import http, { type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import { VERSION } from "../../core/module.ts";
import type { Definition } from "./definitions.ts";
import { isPublic } from "./public-address.ts";

const REDIRECTS_MAX = 5;
const REDIRECT = new Set([301, 302, 303, 307, 308]);
/** Milliseconds for all of it. */
const TIMEOUT = 120_000;

/** What was fetched before, so that the server need not send it again. */
export interface Known {
  readonly etag?: string;
  readonly modified?: string;
}

/** The list as it is now; no body when it has not changed. */
export interface Fetched extends Known {
  readonly body?: Buffer;
}

interface Resolved {
  readonly address: string;
  readonly family: number;
}
type Resolve = (host: string) => Promise<readonly Resolved[]>;

export interface FetchOptions {
  readonly resolve?: Resolve;
  readonly timeout?: number;
  /** Gives it up. */
  readonly signal?: AbortSignal;
}

const resolveByDns: Resolve = (host) => dns.lookup(host, { all: true });

/**
 * Fetch a list, over HTTPS unless it may do without. The connection goes to an address that was looked at before: of this host a
 * public one, unless the list is `internal`; redirects are looked at in the same way and may not lead to other hosts within.
 * @throws {Error} that says why it could not be fetched
 */
export async function fetchList(
  list: Definition,
  known: Known,
  { resolve = resolveByDns, timeout = TIMEOUT, signal: given }: FetchOptions = {},
): Promise<Fetched> {
  const late = AbortSignal.timeout(timeout);
  const signal = given ? AbortSignal.any([late, given]) : late;
  const ask = async (url: URL, redirects: number): Promise<Fetched> => {
    const addresses = await allowed(url, list, resolve);
    const response = await request(url, addresses, { headers: headersOf(known), signal });
    const { statusCode: status = 0, headers } = response;
    if (status === 200) return { ...knownOf(response), body: await bodyOf(response, list.sizeMax) };
    response.destroy();
    if (status === 304) return knownOnly(known);
    if (!REDIRECT.has(status)) throw new Error(`${url.host} answered ${status}`);
    const next = headers.location === undefined ? null : URL.parse(headers.location, url.href);
    if (!next) throw new Error(`${url.host} redirects to nowhere`);
    if (redirects === 0) throw new Error(`more than ${REDIRECTS_MAX} redirects`);
    return await ask(next, redirects - 1);
  };
  try {
    return await ask(list.url, REDIRECTS_MAX);
  } catch (error) {
    throw late.aborted ? new Error(`not there after ${timeout / 1000} s`) : error;
  }
}

/** The addresses of a URL's host. @throws {Error} when the list may not be fetched from there */
async function allowed(
  url: URL,
  { url: asked, insecure, internal }: Definition,
  resolve: Resolve,
): Promise<readonly Resolved[]> {
  if (url.protocol !== "https:" && !(insecure && url.protocol === "http:"))
    throw new Error(`${url.protocol}//${url.host} is not HTTPS`);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const family = isIP(host);
  const addresses = family > 0 ? [{ address: host, family }] : await resolve(host);
  if (addresses.length === 0) throw new Error(`${host} has no address`);
  if (internal && url.host === asked.host) return addresses;
  const inside = addresses.find(({ address }) => !isPublic(address));
  if (inside)
    throw new Error(
      `${host} is at ${inside.address}, which is no public address; internal = true allows it to the list's own host`,
    );
  return addresses;
}

const headersOf = ({ etag, modified }: Known): Record<string, string> => ({
  "user-agent": `nemean/${VERSION}`,
  accept: "*/*",
  "accept-encoding": "identity",
  ...(etag === undefined ? {} : { "if-none-match": etag }),
  ...(modified === undefined ? {} : { "if-modified-since": modified }),
});

const knownOf = ({ headers }: IncomingMessage): Known =>
  knownOnly({ etag: headers.etag, modified: headers["last-modified"] });

const knownOnly = ({ etag, modified }: { [K in keyof Known]: Known[K] | undefined }): Known => ({
  ...(etag === undefined ? {} : { etag }),
  ...(modified === undefined ? {} : { modified }),
});

/** Send a request to one of these addresses, whatever the name leads to by now. */
function request(
  url: URL,
  addresses: readonly Resolved[],
  options: RequestOptions,
): Promise<IncomingMessage> {
  const lookup: RequestOptions["lookup"] = (_host, { all }, callback) => {
    const [{ address, family }] = addresses as [Resolved];
    if (all) callback(null, [...addresses]);
    else callback(null, address, family);
  };
  const { request: send } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    send(url, { ...options, lookup, agent: false }, resolve)
      .on("error", reject)
      .end();
  });
}

async function bodyOf(response: IncomingMessage, sizeMax: number): Promise<Buffer> {
  const encoding = response.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw new Error(`it comes as ${encoding}, which was not asked for`);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response) {
    size += (part as Buffer).length;
    if (size > sizeMax) {
      response.destroy();
      throw new Error(`longer than ${sizeMax / 1e6} MB`);
    }
    parts.push(part as Buffer);
  }
  const length = Number(response.headers["content-length"] ?? size);
  if (length !== size) throw new Error(`ended after ${size} of ${length} bytes`);
  return Buffer.concat(parts);
}
