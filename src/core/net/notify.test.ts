// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { libc } from "./libc.ts";
import { Notifier, notifier, watchdogInterval } from "./notify.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "notify-"));
const AF_UNIX = 1;
const DATAGRAM_NONBLOCK = 2 | 0o4000;
const open: Manager[] = [];
let made = 0;

afterEach(() => {
  for (const manager of open.splice(0)) manager.close();
});
process.on("exit", () => rmSync(FOLDER, { recursive: true, force: true }));

/** A service manager's end: a datagram socket by a path, or by a name of the abstract namespace. */
class Manager {
  readonly address: string;
  readonly #fd: number;

  constructor(address: string) {
    this.address = address;
    this.#fd = libc().socket(AF_UNIX, DATAGRAM_NONBLOCK, 0);
    const name = Buffer.from(address);
    const abstract = address.startsWith("@");
    const bytes = new Uint8Array(new ArrayBuffer(2 + name.length + (abstract ? 0 : 1)));
    bytes[0] = AF_UNIX;
    bytes.set(name, 2);
    if (abstract) bytes[2] = 0;
    if (libc().bind(this.#fd, bytes, bytes.length) !== 0) throw new Error(`bind ${address}`);
    open.push(this);
  }

  /** The next message, as lines; undefined when there is none. */
  next(): string[] | undefined {
    const bytes = new Uint8Array(new ArrayBuffer(8192));
    const length = Number(libc().recv(this.#fd, bytes, bytes.length, 0));
    return length < 0 ? undefined : Buffer.from(bytes.subarray(0, length)).toString().split("\n");
  }

  close(): void {
    libc().close(this.#fd);
    if (this.address.startsWith("/")) rmSync(this.address, { force: true });
  }
}

const listen = (): Manager => new Manager(join(FOLDER, `${made++}.sock`));

/** A manager, and a process's notifier for it. */
function pair(): { manager: Manager; told: Notifier } {
  const manager = listen();
  return { manager, told: notifier({ NOTIFY_SOCKET: manager.address }) };
}

describe("notifier", () => {
  test("says each state with the words of sd_notify(3)", () => {
    const { manager, told } = pair();
    expect(told.active).toBe(true);
    told.ready("capturing from eth0");
    told.watchdog();
    told.status("12 modules");
    told.mainPid(77);
    told.stopping("exporting flows");
    expect([1, 2, 3, 4, 5].map(() => manager.next())).toEqual([
      ["READY=1", "STATUS=capturing from eth0"],
      ["WATCHDOG=1"],
      ["STATUS=12 modules"],
      ["MAINPID=77"],
      ["STOPPING=1", "STATUS=exporting flows"],
    ]);
    expect(manager.next()).toBeUndefined();
    expect(told.failures).toBe(0);
  });

  test("reaches a socket of the abstract namespace, whose name ends where the address does", () => {
    const manager = new Manager(`@nemean-notify-${process.pid}`);
    notifier({ NOTIFY_SOCKET: manager.address }).ready();
    expect(manager.next()).toEqual(["READY=1"]);
  });

  test("reaches a socket whose path is as long as the kernel takes", () => {
    const manager = new Manager(`${FOLDER}/${"n".repeat(107 - FOLDER.length - 1)}`);
    notifier({ NOTIFY_SOCKET: manager.address }).ready();
    expect(manager.next()).toEqual(["READY=1"]);
  });

  test("tells with RELOADING=1 when, on the clock that the manager looks at", async () => {
    const { manager, told } = pair();
    const uptime = Number((await Bun.file("/proc/uptime").text()).split(" ")[0]);
    told.reloading();
    told.ready();
    const [word, time] = manager.next()!;
    expect(word).toBe("RELOADING=1");
    const seconds = Number(/^MONOTONIC_USEC=(\d+)$/.exec(time!)![1]) / 1e6;
    // The uptime also counts sleep; a clock that began with this process would be far below.
    expect(seconds).toBeGreaterThan(process.uptime());
    expect(seconds).toBeLessThan(uptime + 60);
    expect(manager.next()).toEqual(["READY=1"]);
  });

  test("keeps a status on one line of text, whatever is in it", () => {
    const { manager, told } = pair();
    told.status("tap\nREADY=1\u001b[2J\u202e");
    expect(manager.next()).toEqual(["STATUS=tap\\x0aREADY=1\\x1b[2J\\x202e"]);
  });

  test("cuts a status that would make the message too long, between characters", () => {
    const { manager, told } = pair();
    told.status(`a${"€".repeat(2000)}`);
    const [line] = manager.next()!;
    expect(line).toBe(`STATUS=a${"€".repeat(682)}`);
  });

  test("takes the variable out of the environment, also a useless one", () => {
    for (const value of ["/nowhere/notify", "", "vsock:2:1"]) {
      const env = { NOTIFY_SOCKET: value, KEPT: "1" };
      notifier(env);
      expect(env).toEqual({ KEPT: "1" } as typeof env);
    }
  });

  test("leaves nothing of it to children that get the environment of the process", async () => {
    const script = `
      import { notifier } from ${JSON.stringify(join(import.meta.dir, "notify.ts"))};
      notifier();
      const child = Bun.spawnSync(["sh", "-c", "echo \${NOTIFY_SOCKET-none}"], { env: process.env });
      process.stdout.write(child.stdout);`;
    const env = { ...process.env, NOTIFY_SOCKET: "/nowhere/notify" };
    const child = Bun.spawn([process.execPath, "-e", script], { env, stdout: "pipe" });
    expect(await child.stdout.text()).toBe("none\n");
  });

  test("does nothing without a service manager", () => {
    for (const env of [{}, { NOTIFY_SOCKET: "" }]) {
      const told = notifier(env);
      told.ready();
      told.watchdog();
      told.reloading();
      expect([told.active, told.failures]).toEqual([false, 0]);
    }
  });

  test.each(["relative", "@", "/", "vsock:2:1", `/${"n".repeat(107)}`, "/a\0b"])(
    "counts an address that is none: %j",
    (address) => {
      const told = new Notifier(address);
      told.ready();
      expect([told.active, told.failures]).toEqual([false, 1]);
    },
  );

  test("counts what nobody took, and sends READY=1 with the next message that somebody does", () => {
    const { manager, told } = pair();
    manager.close();
    open.length = 0;
    told.ready("up");
    told.watchdog();
    expect(told.failures).toBe(2);
    const anew = new Manager(manager.address);
    told.watchdog();
    told.watchdog();
    expect([anew.next(), anew.next()]).toEqual([["READY=1", "WATCHDOG=1"], ["WATCHDOG=1"]]);
    expect(told.failures).toBe(2);
  });

  test("does not wait for a manager that reads nothing", () => {
    const { manager, told } = pair();
    for (let i = 0; i < 2000 && told.failures === 0; i++) told.watchdog();
    expect(told.failures).toBe(1);
    expect(manager.next()).toEqual(["WATCHDOG=1"]);
  });

  test("notices that the socket's path is gone", () => {
    const { manager, told } = pair();
    unlinkSync(manager.address);
    told.status("here");
    expect(told.failures).toBe(1);
  });
});

describe("watchdogInterval", () => {
  const ours = String(process.pid);

  test("is half of what the manager waits, in milliseconds", () => {
    expect(watchdogInterval({ WATCHDOG_USEC: "10000000", WATCHDOG_PID: ours })).toBe(5000);
    expect(watchdogInterval({ WATCHDOG_USEC: "10000000" })).toBe(5000);
  });

  test.each([
    [{}],
    [{ WATCHDOG_PID: ours }],
    [{ WATCHDOG_USEC: "10000000", WATCHDOG_PID: "1" }],
    [{ WATCHDOG_USEC: "0", WATCHDOG_PID: ours }],
    [{ WATCHDOG_USEC: "-5", WATCHDOG_PID: ours }],
    [{ WATCHDOG_USEC: "10s", WATCHDOG_PID: ours }],
    [{ WATCHDOG_USEC: "18446744073709551615", WATCHDOG_PID: ours }],
  ])("is nothing for %j", (env) => {
    expect(watchdogInterval(env)).toBeUndefined();
  });
});
