// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { TlsAuthority, tlsMissing } from "../net/testing/tls-authority.ts";
import type { TlsFiles } from "../net/tls.ts";
import { OutputPort } from "../port.ts";
import { parseTemplate } from "../unirec/template.ts";
import { RecordWriter } from "../unirec/writer.ts";
import { SocketInput, type SocketInputSpec } from "./socket-input.ts";
import { SocketOutput } from "./socket-output.ts";
import { parseInput, parseOutput, type SocketOutputSpec } from "./specifier.ts";
import { Kept, Loop, RawReceiver } from "./testing/wire.ts";

const LAYOUT = parseTemplate("uint32 A,string S");

describe.skipIf(tlsMissing !== "")(`TRAP over TLS${tlsMissing}`, () => {
  let authority: TlsAuthority;
  let stranger: TlsAuthority;
  let files: TlsFiles;
  let loop: Loop;
  let output: SocketOutput;
  let port: OutputPort;
  const writer = new RecordWriter(LAYOUT);

  beforeAll(() => {
    authority = new TlsAuthority();
    stranger = new TlsAuthority();
    files = authority.issue("both");
  });
  afterAll(() => {
    authority[Symbol.dispose]();
    stranger[Symbol.dispose]();
  });
  beforeEach(() => {
    loop = new Loop();
  });
  afterEach(() => {
    output.close();
    loop[Symbol.dispose]();
  });

  /** `KEY:CERT:CA` of a specifier. */
  const paths = ({ key, cert, ca }: TlsFiles): string => `${key}:${cert}:${ca}`;

  function listen(extra = ""): string {
    using free = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
    const spec = `T:127.0.0.1:${free.port}:${paths(files)}${extra}`;
    free.stop();
    output = new SocketOutput(parseOutput(spec) as SocketOutputSpec, "NO_WAIT", loop.env);
    port = new OutputPort("flows", LAYOUT);
    output.attach(port);
    return output.stats.id;
  }

  const open = (at: string, kept: Kept, own: TlsFiles = files): SocketInput =>
    new SocketInput(
      parseInput(`T:127.0.0.1:${at}:${paths(own)}`) as SocketInputSpec,
      kept,
      loop.env,
    );

  function send(A: number, S = ""): void {
    writer.begin().setAll({ A, S });
    writer.end(port.room(writer.size));
    port.flush();
  }

  test("SocketInput receives from SocketOutput what was sent, to the end", () => {
    const kept = new Kept();
    const input = open(listen(), kept);
    loop.until(() => input.stats.connected);
    for (let i = 0; i < 100; i++) send(i, "x".repeat(3000));
    port.end();
    loop.until(() => input.ended);
    expect(kept.rows.map(({ A }) => A)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(kept.rows[7]!["S"]).toBe("x".repeat(3000));
  });

  test("SocketOutput skips whole containers for a slow client, and its stream stays sound", () => {
    const kept = new Kept();
    const input = open(listen(":buffer_count=2"), kept);
    loop.until(() => input.stats.connected);
    send(0);
    loop.until(() => kept.rows.length === 1);
    // Nobody turns the loop meanwhile, so nobody reads.
    for (let i = 1; i < 200; i++) send(i, "y".repeat(50_000));
    port.end();
    loop.until(() => input.ended);
    const numbers = kept.rows.map(({ A }) => A as number);
    expect(input.stats).toMatchObject({ malformed: 0, reconnects: 0 });
    expect(input.stats.missed).toBe(output.stats.dropped);
    expect(numbers.length + output.stats.dropped).toBe(200);
    expect(kept.rows.slice(1).every(({ S }) => S === "y".repeat(50_000))).toBe(true);
    expect(numbers.at(-1)).toBe(199);
  });

  test("SocketOutput says nothing to a client of another authority, and why it is gone", () => {
    const at = listen();
    const kept = new Kept();
    const input = open(at, kept, stranger.issue("them"));
    loop.until(() => loop.said.some(({ message }) => message.includes("lost:")));
    expect(kept.layouts).toEqual([]);
    expect(input.stats.connected).toBe(false);
    expect(output.stats.clientCount).toBe(0);
  });

  test("SocketOutput says nothing to who speaks no TLS, and goes on", () => {
    const at = listen();
    const plain = new RawReceiver(loop, { port: Number(at) });
    const kept = new Kept();
    const input = open(at, kept);
    loop.until(() => input.stats.connected);
    send(1);
    port.end();
    loop.until(() => input.ended);
    expect(kept.rows).toEqual([{ A: 1, S: "" }]);
    expect(plain.bytes).toHaveLength(0);
    plain.close();
  });
});
