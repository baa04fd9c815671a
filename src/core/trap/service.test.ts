// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, beforeEach, describe, expect, mock, spyOn, test } from "bun:test";
import { existsSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listenUnix } from "../net/sockets.ts";
import { withoutDescriptors } from "./testing/descriptors.ts";
import { GET_REQUEST, replyText } from "./testing/service-client.ts";
import { ServiceHarness } from "./testing/service-harness.ts";

const CLIENTS_MAX = 64;

let harness: ServiceHarness;
beforeEach(() => {
  harness = new ServiceHarness();
});
afterEach(() => {
  mock.restore();
  harness[Symbol.dispose]();
});

describe("openService", () => {
  test("openService listens at the path that the original's tools look for", () => {
    expect(harness.service.path).toBe(join(harness.folder, `trap-service_${process.pid}.sock`));
    expect(statSync(harness.service.path).isSocket()).toBe(true);
    expect(statSync(harness.service.path).mode & 0o777).toBe(0o660);
  });

  test("openService gives the path to the group", () => {
    harness.service.close();
    const group = process.getgid!();
    harness.service = harness.open({ socketGroup: String(group) });
    expect(statSync(harness.service.path).gid).toBe(group);
    harness.service.close();
    expect(() => harness.open({ socketGroup: "no such group" })).toThrow("no such group");
  });

  test("openService takes over a path that a dead process of the same number left", () => {
    harness.service.close();
    const dead = listenUnix(`${harness.service.path}.old`, 1, { mode: 0o600 });
    renameSync(dead.text, harness.service.path);
    dead.close();
    expect(existsSync(harness.service.path)).toBe(true);
    harness.service = harness.open();
    expect(harness.answers(harness.dial())).toBe(true);
  });

  test("openService says what is in its way", () => {
    expect(() => harness.open()).toThrow("another process listens there");
    harness.service.close();
    writeFileSync(harness.service.path, "");
    expect(() => harness.open()).toThrow("no socket");
    expect(() => harness.open({ socketFolder: join(harness.folder, "absent") })).toThrow(
      "is its folder there",
    );
  });

  test("openService answers also while an output waits", () => {
    const client = harness.dial().send(GET_REQUEST);
    harness.turnUntil(() => client.receive() > 0, "outlet");
    expect(client.take()).toBeDefined();
  });
});

describe("ServiceSocket.close", () => {
  test("ServiceSocket.close removes the path, hangs up and leaves nothing in the loop", () => {
    const client = harness.dial();
    expect(harness.answers(client)).toBe(true);
    client.send(GET_REQUEST.subarray(0, 4));
    harness.settle();
    harness.service.close();
    expect(existsSync(harness.service.path)).toBe(false);
    client.receive();
    expect(client.closed).toBe(true);
    expect(harness.poller.turn(0)).toBe(0);
  });

  test("ServiceSocket.close does nothing a second time, even to a descriptor of the same number", () => {
    const first = harness.service;
    first.close();
    harness.service = harness.open();
    first.close();
    expect(harness.answers(harness.dial())).toBe(true);
  });

  test("ServiceSocket.close leaves a path that another service has taken meanwhile", () => {
    const path = harness.service.path;
    const other = listenUnix(`${path}.new`, 1, { mode: 0o600 });
    renameSync(other.text, path);
    harness.service.close();
    expect(existsSync(path)).toBe(true);
    other.close();
  });

  test("ServiceSocket.close touches nothing of a second process in the same folder", async () => {
    const script = `
      import { Poller } from "../net/poller.ts";
      import { openService } from "./service.ts";
      const poller = new Poller();
      const none = () => [];
      const env = { poller, log() {}, socketFolder: ${JSON.stringify(harness.folder)} };
      console.log(openService({ inputs: none, outputs: none }, env).path);
      for (;;) poller.turn();`;
    const child = Bun.spawn([process.execPath, "-e", script], {
      cwd: import.meta.dir,
      stdout: "pipe",
    });
    try {
      const { value } = await child.stdout.getReader().read();
      const path = new TextDecoder().decode(value).trim();
      expect(path).toBe(join(harness.folder, `trap-service_${child.pid}.sock`));
      harness.service.close();
      const client = harness.dial(path).send(GET_REQUEST);
      expect(replyText(harness.replyTo(client))).toBe('{"in_cnt":0,"out_cnt":0,"in":[],"out":[]}');
    } finally {
      child.kill();
      await child.exited;
    }
  }, 60_000);
});

describe("ServiceSocket", () => {
  test("ServiceSocket closes the 65th connection at once, says so once, and takes one when there is room", () => {
    for (let i = 0; i < CLIENTS_MAX; i++) expect(harness.answers(harness.dial())).toBe(true);
    for (let i = 0; i < 3; i++) harness.seesClosed(harness.dial());
    expect(harness.warnings).toEqual([
      `warning: ${harness.service.path}: ${CLIENTS_MAX} connections, further ones are closed`,
    ]);
    for (const client of harness.clients.slice(0, CLIENTS_MAX))
      expect(harness.answers(client)).toBe(true);
    harness.clients.shift()!.close();
    harness.settle();
    expect(harness.answers(harness.dial())).toBe(true);
    harness.seesClosed(harness.dial());
    expect(harness.warnings).toHaveLength(2);
  });

  test("ServiceSocket lets the loop sleep when the process has no descriptor left", () => {
    const clock = spyOn(performance, "now").mockReturnValue(1000);
    const client = harness.dial().send(GET_REQUEST);
    withoutDescriptors(() => {
      expect(harness.poller.turn(0)).toBe(1);
      expect(harness.poller.turn(0)).toBe(0);
    });
    clock.mockReturnValue(1100);
    expect(harness.replyTo(client)[0]).toBe(12);
  });
});
