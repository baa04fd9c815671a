// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { array, assert, integer, property, uint8Array } from "fast-check";
import { MessageSplitter } from "./message-splitter.ts";

const messageOf = (content: Uint8Array): Buffer => {
  const head = Buffer.from([0, 10, 0, 0]);
  head.writeUInt16BE(4 + content.length, 2);
  return Buffer.concat([head, content]);
};

function split(chunks: readonly Uint8Array[]) {
  const messages: string[] = [];
  const splitter = new MessageSplitter((view) =>
    messages.push(Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString("hex")),
  );
  const taken = chunks.map((chunk) => {
    const own = Uint8Array.from(chunk);
    const isTaken = splitter.push(own);
    // The buffer is used again.
    own.fill(0xee);
    return isTaken;
  });
  return { messages, taken, splitter };
}

test("MessageSplitter gives the messages of a stream, wherever it is cut", () => {
  assert(
    property(
      array(uint8Array({ maxLength: 40 })),
      array(integer({ min: 1, max: 30 })),
      (contents, cuts) => {
        const sent = contents.map(messageOf);
        const stream = Buffer.concat(sent);
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(stream.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(stream.subarray(at));
        const { messages, splitter } = split(chunks);
        expect(messages).toEqual(sent.map((message) => message.toString("hex")));
        expect([splitter.messages, splitter.pending]).toEqual([sent.length, 0]);
      },
    ),
  );
});

test("MessageSplitter says how many bytes of a message wait for its end", () => {
  expect(split([messageOf(Uint8Array.of(1, 2, 3)).subarray(0, 6)]).splitter.pending).toBe(6);
});

test.each(["0009000401", "000a000300", "474554202f"])(
  "MessageSplitter takes the messages in front of what is no IPFIX: %s",
  (bad) => {
    const { messages, taken } = split([
      Buffer.concat([messageOf(Uint8Array.of(7)), Buffer.from(bad, "hex")]),
    ]);
    expect([messages, taken]).toEqual([["000a000507"], [false]]);
  },
);
