// SPDX-License-Identifier: BSD-3-Clause
/** Servers of the API: on an address, with TLS where others can come from outside, and on a unix socket. @module */
import { rmSync } from "node:fs";
import { EXIT, messageOf, NemeanError, usageError } from "../../core/errors.ts";
import { localRequests } from "./admission.ts";
import { BODY_LARGEST } from "./body.ts";
import { problem } from "./problem.ts";

export interface RunningApi extends Disposable {
  /** Ends in a slash. */
  readonly url: string;
  /** Close the port and all connections. */
  stop(): void;
}

type App = { handle: (request: Request) => Promise<Response> | Response };

/** Where requests come from, as the server saw it. */
const addresses = new WeakMap<Request, string>();
export const addressOf = (request: Request): string => addresses.get(request) ?? "";

const LOOPBACK = ["127.0.0.1", "::1", "localhost"];
export const isLoopback = (hostname: string): boolean => LOOPBACK.includes(hostname);

export interface Listen {
  readonly hostname: string;
  readonly port: number;
  /** Key and certificate, PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/**
 * Serve the API on a unix socket, for who the file system lets in: the owner and the group. Throws `ERR_USAGE` when
 * the path cannot be used.
 */
export function serveSocket(app: App, path: string): Disposable {
  try {
    rmSync(path, { force: true });
    // The mode holds from the first moment on: nobody slips in before it is set.
    const before = process.umask(0o117);
    try {
      const server = Bun.serve({
        unix: path,
        maxRequestBodySize: BODY_LARGEST,
        fetch: (request) => {
          localRequests.add(request);
          return app.handle(request);
        },
        error: () => problem(500, { title: "Internal error" }),
      });
      return { [Symbol.dispose]: () => void server.stop(true) };
    } finally {
      process.umask(before);
    }
  } catch (error) {
    throw new NemeanError("ERR_USAGE", EXIT.unavailable, `${path}: ${messageOf(error)}`);
  }
}

/**
 * Serve the API on an address. Throws `ERR_USAGE` for one that others can reach without TLS, and when the port is
 * taken.
 */
export function serve(app: App, { hostname, port, tls }: Listen): RunningApi {
  if (!tls && !isLoopback(hostname))
    throw usageError(
      `API: ${hostname} is not loopback, and there is no TLS: api.tls = true turns it on`,
    );
  try {
    const server = Bun.serve({
      hostname,
      port,
      ...(tls ? { tls } : {}),
      // Routes take less, most of them (body.ts), and an idle connection is not kept for long.
      maxRequestBodySize: BODY_LARGEST,
      idleTimeout: 30,
      fetch: (request, server) => {
        addresses.set(request, server.requestIP(request)?.address ?? "");
        return app.handle(request);
      },
      error: () => problem(500, { title: "Internal error" }),
    });
    const stop = (): void => void server.stop(true);
    return { url: String(server.url), stop, [Symbol.dispose]: stop };
  } catch (error) {
    throw new NemeanError(
      "ERR_USAGE",
      EXIT.unavailable,
      `--port ${port}: ${messageOf(error)}; choose another port, 0 takes a free one`,
    );
  }
}
