// SPDX-License-Identifier: BSD-3-Clause
/** A process of its own, as SIGPIPE ends processes: writes to a peer that has gone and prints how that failed. */
import { dlopen } from "bun:ffi";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accept, connect, listenUnix, unixAddress } from "../sockets.ts";
import { SocketStream } from "../stream.ts";
import { TlsContext, type TlsFiles } from "../tls.ts";
import { Pump, turnUntil, waitFor } from "./tls-pump.ts";

const SIGPIPE = 13;
const SIG_DFL = 0;

/** What to start, with the paths of key, certificate and CA. */
export const BROKEN_PIPE = import.meta.path;

function writeToNobody(files: TlsFiles): string | undefined {
  const { signal } = dlopen("libc.so.6", {
    signal: { args: ["i32", "usize"], returns: "usize" },
  }).symbols;
  // Undo what Bun does, so that it is the library's care that is seen.
  signal(SIGPIPE, SIG_DFL);

  const folder = mkdtempSync(join(tmpdir(), "nemean-pipe-"));
  // A unix socket: writing fails with EPIPE from the first time on, where TCP first has a reset to tell of.
  const listener = listenUnix(join(folder, "socket"), 1, { mode: 0o600 });
  const connected = connect(unixAddress(listener.text));
  let accepted = -1;
  waitFor(() => {
    accepted = accept(listener)?.fd ?? -1;
    return accepted >= 0;
  });
  listener.close();
  rmSync(folder, { recursive: true });

  const server = new Pump(TlsContext.server(files).wrap(accepted), "S");
  const client = new Pump(TlsContext.client(files).wrap(connected), "C");
  turnUntil([server, client], () => server.text !== "" && client.text !== "");
  new SocketStream(client.fd).close();
  const bytes = new Uint8Array(new ArrayBuffer(1000));
  let written = 0;
  while (written >= 0) written = server.stream.write(bytes, 0, bytes.length);
  server.stream.close();
  return server.stream.failure;
}

if (import.meta.main) {
  const [key, cert, ca] = process.argv.slice(2) as [string, string, string];
  process.stdout.write(`${writeToNobody({ key, cert, ca })}\n`);
}
