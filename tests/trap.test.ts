// SPDX-License-Identifier: BSD-3-Clause
/** Modules as processes that speak TRAP to one another, as an operator starts them. */
import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scanCapture } from "../src/control/cli/testing/command-line.ts";
import { hasShared, NO_SHARED, sharedPath } from "../src/core/testing/shared.ts";
import { GET_REQUEST } from "../src/core/trap/testing/service-client.ts";

// Some tests start five processes, one after the other.
setDefaultTimeout(60_000);

const MAIN = join(import.meta.dir, "../src/main.ts");
const folder = mkdtempSync(join(tmpdir(), "nemean-trap-"));
const environment = { ...process.env, TRAP_SOCKET_DIR: folder };
afterAll(() => rmSync(folder, { recursive: true }));

const running: Module[] = [];
afterEach(async () => {
  for (const { process: child } of running.splice(0)) {
    if (child.exitCode === null) child.kill("SIGKILL");
    await child.exited;
  }
});

/** A module's process. */
class Module {
  readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly out: Promise<string>;
  readonly err: Promise<string>;

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.process = Bun.spawn([process.execPath, MAIN, ...args], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...environment, ...env },
    });
    this.out = new Response(this.process.stdout).text();
    this.err = new Response(this.process.stderr).text();
    running.push(this);
  }

  get ended(): Promise<number> {
    return this.process.exited;
  }
}

const run = (...args: string[]): Module => new Module(["run", ...args]);
const at = (name: string): string => join(folder, name);
const socket = (name: string): string => at(`trap-${name}.sock`);

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`still not so: ${holds}`);
    await Bun.sleep(10);
  }
}

function file(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}

/** A value of every type, and one that is empty or zero. */
const EVERY_TYPE = `${[
  "ipaddr A,macaddr B,time C,uint64 D,int64 E,double F,uint32 G,int32 H,float I,uint16 J,int16 K,uint8 L,int8 M,char N",
  "string O,bytes P,ipaddr* Q,macaddr* R,time* S,uint64* T,int64* U,double* V,uint32* W,int32* X,float* Y,uint16* Z",
  "int16* ZA,uint8* ZB,int8* ZC",
].join(",")}
2001:db8::7,00:11:22:33:44:55,2026-11-24T03:00:00.123456,18446744073709551615,-9223372036854775808,-0.250000,4294967295,-2147483648,1.500000,65535,-32768,255,-128,Z,"a ""b"", č",00ff,[10.0.0.1|::1],[00:00:00:00:00:01],[2026-11-24T03:00:01.000001],[1|2],[-1|1],[0.500000],[7],[-7],[2.000000],[1|2|3],[-3],[0|255],[-128|127]
0.0.0.0,00:00:00:00:00:00,1970-01-01T00:00:00.000000,0,0,0.000000,0,0,0.000000,0,0,0,0,0,"",,[],[],[],[],[],[],[],[],[],[],[],[],[]
`;

/** Text in the order of a record's fields, as logger writes it. */
async function sorted(text: string): Promise<string> {
  const source = file("sort.csv", text);
  const replay = run("logreplay", "-i", `f:${at("sort.trap")}`, "-f", source);
  expect(await replay.ended).toBe(0);
  const log = run("logger", "-i", `f:${at("sort.trap")}`, "-t");
  expect(await log.ended).toBe(0);
  return await log.out;
}

describe("logreplay and logger", () => {
  test("logger writes again what logreplay read, for every UniRec type", async () => {
    const text = await sorted(EVERY_TYPE);
    expect(text.split("\n")).toHaveLength(4);
    const source = file("every.csv", text);
    const log = run("logger", "-i", "u:every", "-t");
    const replay = run("logreplay", "-i", "u:every", "-f", source);
    expect(await log.out).toBe(text);
    expect([await replay.ended, await log.ended, await replay.err]).toEqual([0, 0, ""]);
    expect(existsSync(socket("every"))).toBe(false);
  });

  test.skipIf(!hasShared("golden/trap"))(
    `logger writes the original's records as the original does${hasShared("golden/trap") ? "" : ` (${NO_SHARED})`}`,
    async () => {
      const replay = run("logreplay", "-i", "u:golden", "-f", sharedPath("golden/trap/in.csv"));
      const log = run("logger", "-i", "u:golden", "-t");
      const expected = readFileSync(sharedPath("golden/trap/logger_expected.csv"), "utf8");
      expect(await log.out).toBe(expected);
      await replay.ended;
    },
  );

  test("traffic-repeater relays from TCP to a unix socket to a file, and tells what it relayed", async () => {
    const text = file("rows.csv", `uint32 A,string S\n${'7,"x"\n'.repeat(5000)}`);
    const port = freePort();
    const relayed = run("traffic-repeater", "-i", `t:127.0.0.1:${port},u:relay:timeout=WAIT`);
    const filed = run("traffic-repeater", "-i", `u:relay,f:${at("relay.trap")}`);
    await until(() => existsSync(socket("relay")));
    const replay = run("logreplay", "-i", `t:127.0.0.1:${port}:timeout=WAIT`, "-f", text);
    expect(await replay.ended).toBe(0);
    expect([await relayed.ended, await filed.ended]).toEqual([0, 0]);
    expect(await filed.out).toMatch(/Flows received: +5000\nFlows sent: +5000\n/);
    const log = run("logger", "-i", `f:${at("relay.trap")}`, "-t");
    expect(await log.out).toBe(readFileSync(text, "utf8"));
  });
});

function freePort(): number {
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  return server.port;
}

describe("a chain from a capture", () => {
  const capture = at("scan.pcap");
  writeFileSync(capture, scanCapture(60));

  test("the meter's flows come over TRAP as they come as text", async () => {
    const meter = new Module(["meter", "-r", capture, "-i", "u:flows,b:"]);
    const log = run("logger", "-i", "u:flows", "-t");
    expect([await meter.ended, await log.ended]).toEqual([0, 0]);
    const text = new Module(["meter", "-r", capture, "--csv", "-"]);
    expect(await log.out).toBe(await text.out);
  });

  test("groups of plugins go to an output each, with their own fields", async () => {
    const specs = ["tcp", "names"].map((name) => `f:${at(`${name}.trap`)}`);
    const meter = new Module([
      "meter",
      "-r",
      capture,
      "-p",
      "(basicplus,icmp),ssh",
      "-i",
      `${specs}`,
    ]);
    expect(await meter.ended).toBe(0);
    const [first, second] = await Promise.all(
      specs.map(async (spec) => (await run("logger", "-i", spec, "-t").out).split("\n")),
    );
    expect(first![0]).toContain("uint16 TCP_WIN,");
    expect(first![0]).not.toContain("SSH_");
    expect(second![0]).toContain("SSH_");
    expect(second![0]).not.toContain("TCP_WIN");
    expect(first!.length).toBe(second!.length);
    expect(first!.length).toBeGreaterThan(60);
  });

  test("a detector finds over TRAP what it finds in text", async () => {
    const meter = new Module(["meter", "-r", capture, "-i", "u:biflows"]);
    const detector = run("vportscan_detector", "-i", "u:biflows,u:alerts:timeout=WAIT");
    const log = run("logger", "-i", "u:alerts", "-t");
    const text = await log.out;
    expect([await meter.ended, await detector.ended, await log.ended]).toEqual([0, 0, 0]);
    const csv = new Module(["meter", "-r", capture, "--csv", at("flows.csv")]);
    await csv.ended;
    const alone = run("vportscan", "--in", at("flows.csv"));
    expect(text).toBe(await alone.out);
    expect(text.split("\n").length).toBeGreaterThan(2);
  });
});

/** A connection to a unix socket that somebody will listen on: its path is there a moment before. */
async function connected(path: string): Promise<Socket> {
  for (let i = 0; i < 200; i++) {
    const client = connect(path);
    const isThere = await new Promise<boolean>((resolve) => {
      client.once("connect", () => resolve(true));
      client.once("error", () => resolve(false));
    });
    if (isThere) return client;
    await Bun.sleep(20);
  }
  throw new Error(`${path}: nobody listens`);
}

describe("a module's process", () => {
  test("ends at SIGTERM though a client does not read, and takes its socket away", async () => {
    const text = file(
      "many.csv",
      `uint32 A,string S\n${`7,"${"x".repeat(200)}"\n`.repeat(50_000)}`,
    );
    const replay = run("logreplay", "-i", "u:stuck", "-f", text);
    await until(() => existsSync(socket("stuck")));
    const client = connect(socket("stuck"));
    await new Promise((resolve) => client.once("connect", resolve));
    client.pause();
    await Bun.sleep(300);
    const before = performance.now();
    replay.process.kill("SIGTERM");
    expect(await replay.ended).toBe(0);
    console.log(
      `SIGTERM to end, a client not reading: ${Math.round(performance.now() - before)} ms`,
    );
    expect(existsSync(socket("stuck"))).toBe(false);
    client.destroy();
  });

  test.each([["SIGINT"], ["SIGTERM"]] as const)(
    "ends well at %s while it waits for a sender",
    async (signal) => {
      const log = run("logger", "-i", "u:nobody");
      const service = join(folder, `trap-service_${log.process.pid}.sock`);
      await until(() => existsSync(service));
      log.process.kill(signal);
      expect(await log.ended).toBe(0);
      expect(existsSync(service)).toBe(false);
    },
  );

  test("keeps the end of the stream from its receivers when it is stopped, and goes on when it is back", async () => {
    const log = run("logger", "-i", "u:back");
    const first = run("logreplay", "-n", "-i", "u:back", "-f", file("one.csv", "uint32 A\n1\n"));
    expect(await first.ended).toBe(0);
    const second = run("logreplay", "-i", "u:back", "-f", file("two.csv", "uint32 A\n2\n"));
    expect([await second.ended, await log.ended]).toEqual([0, 0]);
    expect(await log.out).toBe("1\n2\n");
  });

  test("says what it requires and what the sender offers", async () => {
    const replay = run(
      "logreplay",
      "-i",
      "u:wrong",
      "-f",
      file("wrong.csv", "uint32 PACKETS,uint64 BYTE\n1,2\n"),
    );
    const counter = run("flowcounter", "-i", "u:wrong");
    expect(await counter.ended).toBe(65);
    expect(await counter.err).toContain(
      "requires uint64 BYTES; the sender offers uint64 BYTE,uint32 PACKETS",
    );
    replay.process.kill("SIGTERM");
    await replay.ended;
  });

  test.each([
    [
      "u:a,u:b",
      'nemean: -i "u:a,u:b": 2 interfaces, expected 1 input and 0 outputs, divided by commas',
    ],
    ["q:a", 'nemean: interface "q:a": no input of type "q"; there are u, t, T, f, g'],
    [
      "u:a:tiemout=5",
      'nemean: interface "u:a:tiemout=5": no parameter tiemout; see "nemean run MODULE -h trap"',
    ],
    ["t:0", 'nemean: interface "t:0": port "0": expected 1 to 65535, or the name of a service'],
    [`f:${folder}/none*.trap`, "nemean: "],
  ])("refuses -i %s in one line", async (spec, message) => {
    const log = run("logger", "-i", spec);
    expect(await log.ended).toBeGreaterThan(63);
    const lines = (await log.err).trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(message);
  });

  test("shows help: its own, that of interfaces, and what the Supervisor's tools read", async () => {
    expect(await run("logger", "-h").out).toContain("--delimiter");
    expect(await run("logger", "-h", "trap").out).toContain("buffer_count=N");
    const json = await new Module(["run", "flowcounter", "-h"], { LIBTRAP_OUTPUT_FORMAT: "json" })
      .out;
    const info = JSON.parse(json);
    expect(info).toMatchObject({ name: "flowcounter", num_ifc_in: 1, num_ifc_out: 1 });
    for (const param of info.params)
      expect(Object.keys(param).toSorted()).toEqual([
        "argument_type",
        "description",
        "long_opt",
        "mandatory_argument",
        "short_opt",
      ]);
  });

  test("tells its counters to who asks its service socket, as trap_stats does", async () => {
    const relay = run("traffic-repeater", "-i", "u:from,u:to");
    const path = join(folder, `trap-service_${relay.process.pid}.sock`);
    const client = await connected(path);
    client.write(GET_REQUEST);
    const reply = await new Promise<Buffer>((resolve) => client.once("data", resolve));
    client.destroy();
    expect(reply[0]).toBe(12);
    const stats = JSON.parse(reply.subarray(8, -1).toString());
    expect(stats).toMatchObject({
      in_cnt: 1,
      out_cnt: 1,
      in: [{ ifc_id: "from", ifc_type: 117, ifc_state: 0 }],
      out: [{ ifc_id: "to", ifc_type: 117, num_clients: 0 }],
    });
    relay.process.kill("SIGTERM");
    expect(await relay.ended).toBe(0);
  });

  test("flowcounter prints what it has at SIGUSR1, and at the end", async () => {
    const rows = `uint32 PACKETS,uint64 BYTES\n${"2,100\n".repeat(10)}`;
    const counter = run("flowcounter", "-i", "u:count");
    const replay = run("logreplay", "-n", "-i", "u:count", "-f", file("count.csv", rows));
    expect(await replay.ended).toBe(0);
    counter.process.kill("SIGUSR1");
    await Bun.sleep(300);
    counter.process.kill("SIGTERM");
    expect(await counter.ended).toBe(0);
    const out = await counter.out;
    expect(out).toMatch(/^Time: +\d+\n/);
    expect(out.match(/Flows: +10\nPackets: +20\nBytes: +1000\n/g)).toHaveLength(2);
  });
});
