// SPDX-License-Identifier: BSD-3-Clause
/** TLS against other implementations: the openssl program, and BoringSSL by node:tls. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { accept, type Listener, listenTcp } from "./sockets.ts";
import { TlsAuthority, tlsMissing } from "./testing/tls-authority.ts";
import { connectTo, Pump, turnAsync, turnUntil, waitAsync } from "./testing/tls-pump.ts";
import { TlsContext, type TlsFiles } from "./tls.ts";

const skip = tlsMissing !== "";
let authority: TlsAuthority;
let ours: TlsFiles;
let theirs: TlsFiles;
let serverContext: TlsContext;
let clientContext: TlsContext;

beforeAll(() => {
  if (skip) return;
  authority = new TlsAuthority();
  ours = authority.issue("ours");
  theirs = authority.issue("theirs");
  serverContext = TlsContext.server(ours);
  clientContext = TlsContext.client(ours);
});
afterAll(() => {
  if (skip) return;
  serverContext.close();
  clientContext.close();
  authority[Symbol.dispose]();
});

/** The other end's own certificate, and whom it trusts, for the openssl program. */
const shown = () => ["-cert", theirs.cert, "-key", theirs.key, "-CAfile", theirs.ca];

/** The same for node:tls, which looks at names unless told not to. */
const shownToNode = () => ({
  cert: readFileSync(theirs.cert),
  key: readFileSync(theirs.key),
  ca: readFileSync(theirs.ca),
  checkServerIdentity: () => undefined,
});

/** Our end of the one connection that the openssl program makes, after it is over. */
async function served(...words: string[]): Promise<{ pump: Pump; told: string }> {
  const listener = listenTcp("127.0.0.1", "0", 1);
  const where = `127.0.0.1:${listener.port}`;
  const child = Bun.spawn(["openssl", "s_client", "-quiet", "-connect", where, ...words], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  child.stdin.write("flows\n");
  await child.stdin.flush();
  const pump = new Pump(serverContext.wrap(await acceptOne(listener)), "hello of ours\n");
  turnUntil([pump], () => isServed(pump));
  pump.stream.close();
  const told = await new Response(child.stdout).text();
  await child.exited;
  return { pump, told };
}

/** A line may come with the last message of the handshake, before ours has gone out. */
const isServed = (pump: Pump) => pump.end !== undefined || (pump.sent && pump.text.endsWith("\n"));

async function acceptOne(listener: Listener): Promise<number> {
  let fd = -1;
  await waitAsync(() => {
    fd = accept(listener)?.fd ?? -1;
    return fd >= 0;
  });
  listener.close();
  return fd;
}

/** Our end of a connection from node:tls, which lives in this process. */
async function servedToNode(options: object): Promise<{ pump: Pump; told: string }> {
  const listener = listenTcp("127.0.0.1", "0", 1);
  let told = "";
  let isOver = false;
  const socket: TLSSocket = connectTls({ port: listener.port, host: "127.0.0.1", ...options });
  socket.on("secureConnect", () => socket.write("flows\n"));
  socket.on("data", (bytes: Buffer) => {
    told += bytes.toString();
  });
  socket.on("error", (error: Error) => {
    told += error.message;
  });
  socket.on("close", () => {
    isOver = true;
  });
  const pump = new Pump(serverContext.wrap(await acceptOne(listener)), "hello of ours\n");
  await turnAsync(pump, () => isServed(pump));
  pump.stream.close();
  await waitAsync(() => isOver);
  return { pump, told };
}

describe.skipIf(skip)(`TlsStream and others${tlsMissing}`, () => {
  test.each(["-tls1_2", "-tls1_3"])("TlsStream serves openssl s_client %s", async (version) => {
    const { pump, told } = await served(version, "-verify_return_error", ...shown());
    expect([pump.text, told]).toEqual(["flows\n", "hello of ours\n"]);
    expect(pump.stream.failure).toBeUndefined();
  });

  test.each(["-tls1_2", "-tls1_3"])(
    "TlsStream refuses a client without certificate %s",
    async (version) => {
      const { pump, told } = await served(version, "-CAfile", theirs.ca);
      expect([pump.text, told]).toEqual(["", ""]);
      expect(pump.stream.failure).toBe("TLS handshake: peer did not return a certificate");
    },
  );

  test("TlsStream refuses to negotiate anew", async () => {
    const listener = listenTcp("127.0.0.1", "0", 1);
    const where = `127.0.0.1:${listener.port}`;
    const child = Bun.spawn(["openssl", "s_client", "-tls1_2", "-connect", where, ...shown()], {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "pipe",
    });
    // Its command to begin another handshake (CVE-2009-3555, CVE-2011-1473).
    child.stdin.write("R\n");
    await child.stdin.flush();
    const pump = new Pump(serverContext.wrap(await acceptOne(listener)));
    turnUntil([pump], () => pump.end !== undefined);
    pump.stream.close();
    expect(await new Response(child.stderr).text()).toContain("no renegotiation");
    await child.exited;
  });

  test.each(["-tls1_2", "-tls1_3"])("TlsStream reads from openssl s_server %s", async (version) => {
    const verify = ["-Verify", "1", "-verify_return_error", "-naccept", "1", "-rev"];
    const child = Bun.spawn(
      ["openssl", "s_server", "-accept", "127.0.0.1:0", version, ...verify, ...shown()],
      { stdout: "pipe", stderr: "ignore" },
    );
    try {
      const port = await portTold(child.stdout);
      const pump = new Pump(clientContext.wrap(connectTo(port)), "live\n");
      // It sends each line back, the last letter first.
      turnUntil([pump], () => pump.end !== undefined || pump.text.endsWith("\n"));
      expect([pump.text, pump.stream.failure]).toEqual(["evil\n", undefined]);
      pump.stream.close();
    } finally {
      child.kill();
      await child.exited;
    }
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("TlsStream serves node:tls of %s", async (version) => {
    const both = { minVersion: version, maxVersion: version };
    const { pump, told } = await servedToNode({ ...shownToNode(), ...both });
    expect([pump.text, told]).toEqual(["flows\n", "hello of ours\n"]);
    const refused = await servedToNode({
      ca: readFileSync(theirs.ca),
      ...both,
      rejectUnauthorized: false,
    });
    expect(refused.pump.stream.failure).toBe("TLS handshake: peer did not return a certificate");
    expect(refused.pump.text).toBe("");
  });

  test("TlsStream reads a megabyte from a server of node:tls", async () => {
    const bytes = Buffer.alloc(1 << 20, "a line of a megabyte that is not all the same\n");
    const server = createServer(
      { ...shownToNode(), requestCert: true, rejectUnauthorized: true },
      (socket) => socket.end(bytes),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const pump = new Pump(clientContext.wrap(connectTo(port)));
    await turnAsync(pump, () => pump.end !== undefined);
    expect([pump.end, pump.stream.failure]).toEqual(["closed", undefined]);
    expect(Bun.SHA256.hash(pump.received, "hex")).toBe(Bun.SHA256.hash(bytes, "hex"));
    pump.stream.close();
    server.close();
  });
});

/** The port of the line `ACCEPT 127.0.0.1:40593`. */
async function portTold(output: ReadableStream<Uint8Array>): Promise<number> {
  let told = "";
  const decoder = new TextDecoder();
  for await (const bytes of output) {
    told += decoder.decode(bytes, { stream: true });
    const [, port] = /ACCEPT .*:(\d+)\n/.exec(told) ?? [];
    if (port) return Number(port);
  }
  throw new Error(`openssl s_server named no port: ${told}`);
}
