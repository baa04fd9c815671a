// SPDX-License-Identifier: BSD-3-Clause
import { problem } from "./problem.ts";

// Any port: through `ssh -L` the client's is another one. Rebinding needs a name, and these are all there are.
const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;
const URL_MAX = 8192;

/**
 * The answer to what a page of another site could send, and to what this API does not do; undefined for
 * requests that may pass.
 *
 * A foreign Host is DNS rebinding: a name of the attacker's that now points at loopback. A foreign Origin is
 * a page that reads across sites; our own pages send the Host they came from.
 */
export function refusal(request: Request): Response | undefined {
  if (request.url.length > URL_MAX)
    return problem(414, { title: "URI too long", detail: `At most ${URL_MAX} characters.` });
  const host = request.headers.get("host") ?? new URL(request.url).host;
  if (!LOOPBACK.test(host))
    return problem(403, {
      title: "Host not allowed",
      detail: "The API answers to 127.0.0.1, localhost and [::1] only.",
    });
  const origin = request.headers.get("origin");
  if (origin !== null && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return problem(403, {
      title: "Origin not allowed",
      detail: "Pages of other origins may not read the API.",
    });
  return undefined;
}
