// SPDX-License-Identifier: BSD-3-Clause
import { isIP } from "node:net";
import { problem } from "./problem.ts";

/** From where the API can be reached. */
export interface Reach {
  /** Names and addresses it answers to beside those of loopback. */
  readonly hosts: readonly string[];
  /** Whether it speaks TLS. */
  readonly secure: boolean;
}

/** This machine alone. */
export const LOOPBACK: Reach = { hosts: [], secure: false };

// Any port: through `ssh -L` the client's is another one. Rebinding needs a name, and these are all there are.
const PORT = /:\d{1,5}$/;
const BRACKETS = /^\[|\]$/g;
const OWN_NAMES = ["127.0.0.1", "localhost", "[::1]"];
const URL_MAX = 8192;
/** Listening on all addresses of the machine. */
const ALL = ["0.0.0.0", "::"];

/** A name or address as it stands in a URL. */
const inUrl = (name: string): string =>
  name.includes(":") ? `[${name.toLowerCase()}]` : name.toLowerCase();

/**
 * The answer to what a page of another site could send, and to what this API does not do; undefined for
 * requests that may pass.
 *
 * A foreign Host is DNS rebinding: a name of the attacker's that now points at loopback. A foreign Origin is
 * a page that reads across sites; our own pages send the Host they came from.
 */
export function refusal(request: Request, { hosts, secure }: Reach): Response | undefined {
  if (request.url.length > URL_MAX)
    return problem(414, { title: "URI too long", detail: `At most ${URL_MAX} characters.` });
  const host = request.headers.get("host") ?? new URL(request.url).host;
  const names = [...OWN_NAMES, ...hosts.map(inUrl)];
  const name = host.toLowerCase().replace(PORT, "");
  // Which addresses the machine has, by DHCP or otherwise, need not be known: an address cannot be rebound.
  const isAddress =
    hosts.some((each) => ALL.includes(each)) && isIP(name.replace(BRACKETS, "")) !== 0;
  if (!names.includes(name) && !isAddress)
    return problem(403, {
      title: "Host not allowed",
      detail: `The API answers to ${names.join(", ")} only.`,
    });
  const origin = request.headers.get("origin");
  if (
    origin !== null &&
    origin.toLowerCase() !== `${secure ? "https" : "http"}://${host.toLowerCase()}`
  )
    return problem(403, {
      title: "Origin not allowed",
      detail: "Pages of other origins may not read the API.",
    });
  return undefined;
}
