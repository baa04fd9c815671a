// SPDX-License-Identifier: BSD-3-Clause
// The product as several processes: what becomes of the others when one exits, hangs or eats memory.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameSender, Network, networkObstacle } from "../src/collectors/live/testing/network.ts";
import type { SourceStats } from "../src/control/snapshot.ts";
import type { ProcessView } from "../src/control/supervise/view.ts";
import { synFrame } from "./live/frames.ts";
import { MAIN, Product } from "./live/product.ts";

const obstacle = networkObstacle();
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;
const VICTIM = 0x0a010101;

setDefaultTimeout(60_000);

/** Config of a tap whose flows leave at once. */
const TAP = `[[sources]]
interface = "right"
ring = 4
[meter]
idle = 1
[api]
port = 0
`;

describe.skipIf(obstacle !== undefined)(`supervisor${reason}`, () => {
  let network: Network;
  const folder = mkdtempSync(join(tmpdir(), "nemean-sup-"));
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => {
    network[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });

  /** A running product, and what it says of itself over its socket. */
  async function up(name: string, more: string) {
    const data = join(folder, name);
    const config = `${data}.toml`;
    writeFileSync(config, TAP + more);
    const product = new Product(["up", "--config", config, "--data", data]);
    await product.said(/capturing from right/);
    const ask = async (path: string, body?: object): Promise<unknown> => {
      const unix = join(data, "control.sock");
      const init = body && {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      };
      return await (await fetch(`http://localhost${path}`, { unix, ...init })).json();
    };
    const processes = async (): Promise<Record<string, ProcessView>> => {
      const { items } = (await ask("/api/v1/processes")) as { items: ProcessView[] };
      return Object.fromEntries(items.map((each) => [each.name, each]));
    };
    const alerts = async (): Promise<{ detector: string; source: { ip: string } }[]> =>
      ((await ask("/api/v1/alerts")) as { items: never[] }).items;
    return { product, data, ask, processes, alerts };
  }

  function scan(attacker: number): void {
    using sender = new FrameSender("left");
    for (let port = 1; port <= 100; port++) sender.send(synFrame(attacker, VICTIM, port));
  }

  test("a program that exits at once is tried again after a while that grows, and the others go on", async () => {
    const { product, ask, processes } = await up(
      "exits",
      '[commands.bad]\ncommand = ["/bin/sh", "-c", "echo cannot work >&2; exit 3"]\ninputs = 0\n',
    );
    await using _ = product;
    const bad = await product.until(async () => {
      const each = (await processes())["command@bad"];
      return each?.state === "failed" && each.restarts >= 2 ? each : undefined;
    }, "two restarts");
    expect(bad).toMatchObject({ reason: "it ended with exit code 3", pid: null });
    const all = await processes();
    expect([all["capture@right"], all["detectors"]]).toMatchObject([
      { state: "running", restarts: 0 },
      { state: "running", restarts: 0 },
    ]);
    const { items } = (await ask("/api/v1/processes/command@bad/logs")) as { items: object[] };
    expect(items).toContainEqual(expect.objectContaining({ message: "cannot work" }));
    expect(await ask("/healthz")).toMatchObject({
      status: "degraded",
      reasons: [expect.stringMatching(/^process command@bad: it ended with exit code 3; /)],
    });
  });

  test("a detector that hangs is found and started again, and those beside it find what comes meanwhile", async () => {
    const { product, processes, alerts } = await up(
      "hangs",
      "[modules.haddrscan]\nprocess = true\n",
    );
    await using _ = product;
    const before = await processes();
    process.kill(before["detector@haddrscan"]!.pid!, "SIGSTOP");
    const began = performance.now();
    scan(0x0a090901);
    await product.until(async () => (await alerts())[0], "an alert of the other detector");
    const after = await product.until(async () => {
      const all = await processes();
      return all["detector@haddrscan"]!.restarts > 0 &&
        all["detector@haddrscan"]!.state === "running"
        ? all
        : undefined;
    }, "a restart");
    process.stdout.write(`hang to running again: ${Math.round(performance.now() - began)} ms\n`);
    expect(after["detector@haddrscan"]!.reason).toBe("it hung: no sign of life for 8 s");
    for (const name of ["capture@right", "detectors"])
      expect(after[name]).toMatchObject({ pid: before[name]!.pid, restarts: 0 });
  });

  test("a module whose Worker hangs in a call is found from inside its process", async () => {
    // A FIFO that nobody reads: to open it takes for ever.
    const fifo = join(folder, "nobody-reads");
    Bun.spawnSync(["mkfifo", fifo]);
    const { product, processes } = await up(
      "fifo",
      `[modules.logger]\nenabled = true\nwrite = ${JSON.stringify(fifo)}\n[[links]]\nfrom = "vportscan"\nto = "logger"\n`,
    );
    await using _ = product;
    const hung = await product.until(async () => {
      const each = (await processes())["module@logger"]!;
      return each.reason === null ? undefined : each;
    }, "the end of the module");
    expect(hung.reason).toBe("a Worker hangs");
    expect((await processes())["detectors"]).toMatchObject({ state: "running", restarts: 0 });
  });

  test("a process that eats memory is ended at its limit, and the others keep theirs", async () => {
    const eater =
      "const all = []; for (;;) { all.push(Buffer.alloc(16 << 20, 1)); await Bun.sleep(5); }";
    const { product, processes } = await up(
      "eats",
      `[limits]\nmemory = 512\n[commands.eater]\ncommand = [${JSON.stringify(process.execPath)}, "-e", ${JSON.stringify(eater)}]\ninputs = 0\n`,
    );
    await using _ = product;
    const eats = await product.until(async () => {
      const each = (await processes())["command@eater"]!;
      return each.reason === null ? undefined : each;
    }, "the end of the eater");
    expect(eats.reason).toMatch(/^it had \d+ MB of memory; limits.memory allows 512$/);
    expect((await processes())["detectors"]).toMatchObject({ state: "running", restarts: 0 });
  });

  test("a program of another kind reads flows by TRAP, and a module a detector's records, as links say", async () => {
    const [flows, records] = [join(folder, "flows.csv"), join(folder, "records.csv")];
    const run = [process.execPath, MAIN, "run", "logger", "-t", "-w", flows];
    const { product, ask } = await up(
      "links",
      `[commands.other]\ncommand = ${JSON.stringify(run)}\n[[links]]\nfrom = "flows"\nto = "other"\n` +
        `[modules.logger]\nenabled = true\nwrite = ${JSON.stringify(records)}\n[[links]]\nfrom = "vportscan"\nto = "logger"\n`,
    );
    await using _ = product;
    const rows = (path: string): string[] =>
      existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
    // The header tells that it is connected.
    await product.until(() => (rows(flows).length > 0 ? true : undefined), "the program");
    scan(0x0a090903);
    await product.until(() => (rows(flows).length > 100 ? true : undefined), "the flows");
    await product.until(() => (rows(records)[0] ? true : undefined), "the detector's records");
    expect(rows(flows)[0]).toContain("ipaddr SRC_IP");
    expect(rows(flows).filter((line) => line.includes("10.9.9.3"))).toHaveLength(100);
    expect(rows(records)[0]).toContain("10.9.9.3");
    const { items } = (await ask("/api/v1/links")) as { items: { from: string; to: string }[] };
    expect(items.map(({ from, to }) => `${from} ${to}`)).toEqual(
      expect.arrayContaining(["capture@right other", "vportscan logger"]),
    );
  });

  test("flows of a probe elsewhere reach the detectors by a collector, without any tap", async () => {
    const data = join(folder, "collector");
    const listen = '[collectors.routers]\nlisten = "udp:127.0.0.1:4739"\n';
    writeFileSync(`${data}.toml`, `${listen}[api]\nport = 0\n`);
    await using product = new Product(["up", "--config", `${data}.toml`, "--data", data]);
    await product.said(/collecting for routers/);
    const ipfix = ["--ipfix", "udp:127.0.0.1:4739"];
    await using probe = new Product(["meter", "-I", "right", "--idle", "1", ...ipfix]);
    await probe.said(/capturing from right/);
    scan(0x0a090907);
    const ask = async (path: string) =>
      (await fetch(`http://localhost${path}`, { unix: join(data, "control.sock") })).json();
    const [alert] = await product.until(async () => {
      const { items } = (await ask("/api/v1/alerts")) as { items: unknown[] };
      return items.length > 0 ? items : undefined;
    }, "an alert");
    expect(alert).toMatchObject({
      detector: "vportscan",
      source: { ip: "10.9.9.7" },
      interface: "routers",
    });
    const [source] = await product.until(async () => {
      const { sources } = (await ask("/api/v1/stats")) as { sources: SourceStats[] };
      return sources[0]?.meter.flows === 100 ? sources : undefined;
    }, "all flows");
    expect(source).toMatchObject({
      name: "routers",
      kind: "collector",
      collector: { records: 100 },
    });
    await probe.stop();
    expect((await product.stop()).code).toBe(0);
    expect(existsSync(join(data, "state/routers.templates"))).toBe(true);
  });

  test("flows of the taps are exported by a process of its own, which comes back when it is killed", async () => {
    const received = join(folder, "received.csv");
    const listen = ["--listen", "udp:127.0.0.1:4742", "--fields", "DST_PORT,PACKETS"];
    await using collector = new Product(["run", "ipfix", "-i", `f:${received}.trap:w`, ...listen]);
    const { product, processes } = await up("exporting", '[flows]\nipfix = "udp:127.0.0.1:4742"\n');
    await using _ = product;
    const running = () =>
      product.until(async () => {
        const { "exporter@ipfix": exporter } = await processes();
        return exporter?.state === "running" ? exporter : undefined;
      }, "the exporter");
    const { pid } = await running();
    process.kill(pid!, "SIGKILL");
    await product.until(async () => ((await running()).pid === pid ? undefined : true), "another");
    scan(0x0a090906);
    expect((await product.stop()).code).toBe(0);
    expect((await collector.stop("SIGINT")).code).toBe(0);
    const args = ["run", "logger", "-i", `f:${received}.trap`, "-w", received];
    expect(Bun.spawnSync([process.execPath, MAIN, ...args]).exitCode).toBe(0);
    expect(readFileSync(received, "utf8").trim().split("\n")).toHaveLength(100);
  });

  test("a collector that has nothing to say holds back no alert of a tap", async () => {
    const data = join(folder, "beside");
    const sources =
      '[[sources]]\ninterface = "right"\n[collectors.routers]\nlisten = "udp:127.0.0.1:4741"\n';
    writeFileSync(`${data}.toml`, `${sources}[api]\nport = 0\n`);
    await using product = new Product(["up", "--config", `${data}.toml`, "--data", data]);
    await product.said(/capturing from right, collecting for routers/);
    scan(0x0a090908);
    const unix = join(data, "control.sock");
    // This waits for less than flows would be held back: their idle timeout.
    const alert = await product.until(async () => {
      const answer = await fetch("http://localhost/api/v1/alerts", { unix });
      return ((await answer.json()) as { items: unknown[] }).items[0];
    }, "an alert");
    expect(alert).toMatchObject({ detector: "vportscan", source: { ip: "10.9.9.8" } });
    expect((await product.stop()).code).toBe(0);
  });

  test("detectors that are killed come back, and go on with what capture sends", async () => {
    const { product, processes, alerts } = await up("killed", "");
    await using _ = product;
    const { pid } = (await processes())["detectors"]!;
    process.kill(pid!, "SIGKILL");
    await product.until(async () => {
      const each = (await processes())["detectors"]!;
      return each.state === "running" && each.pid !== pid ? each : undefined;
    }, "other detectors");
    scan(0x0a090902);
    expect(await product.until(async () => (await alerts())[0], "an alert")).toMatchObject({
      detector: "vportscan",
      source: { ip: "10.9.9.2" },
    });
    expect((await processes())["capture@right"]).toMatchObject({ restarts: 0 });
  });

  test("another configuration restarts what is to do something else, and leaves the rest alone", async () => {
    const { product, ask, processes } = await up("reload", "");
    await using _ = product;
    const before = await processes();
    const body = `${TAP}[modules.vportscan]\nportsMax = 20\n`;
    expect(await ask("/api/v1/config/apply", { body })).toMatchObject({
      changes: ["modules.vportscan.portsMax: default -> 20"],
      restarted: ["detectors"],
      pending: [],
    });
    const after = await product.until(async () => {
      const all = await processes();
      return all["detectors"]!.state === "running" ? all : undefined;
    }, "the detectors");
    expect(after["capture@right"]!.pid).toBe(before["capture@right"]!.pid);
    expect(after["detectors"]!.pid).not.toBe(before["detectors"]!.pid);
    expect(await ask("/api/v1/config/rollback", { revision: 1 })).toMatchObject({
      restarted: ["detectors"],
    });
    writeFileSync(join(folder, "reload.toml"), `${TAP}[modules.haddrscan]\nenabled = false\n`);
    expect(await ask("/api/v1/config/reload", {})).toMatchObject({
      changes: ["modules.haddrscan.enabled: true -> false"],
      restarted: ["detectors"],
    });
  });

  test("nemean up whose API cannot start says why, starts nothing, and ends", async () => {
    using taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const data = join(folder, "taken");
    const port = String(taken.port);
    await using product = new Product(["up", "-I", "lo", "--port", port, "--data", data]);
    const { code, stderr } = await product.outcome();
    expect([code, stderr]).toEqual([69, expect.stringContaining(`--port ${port}: `)]);
    expect(existsSync(join(data, "process.sock"))).toBe(false);
  });

  test("nemean up by a configuration waits for an interface that is not there, and can be set up meanwhile", async () => {
    const data = join(folder, "later");
    writeFileSync(`${data}.toml`, TAP.replace('"right"', '"later0"'));
    await using product = new Product(["up", "--config", `${data}.toml`, "--data", data]);
    await product.said(/warning: later0: no such interface; .*the API answers on http/);
    await product.said(/no admin yet: .* by the token/);
    network.ip("link add later0 type veth peer name later1");
    network.ip("link set later0 up");
    await product.said(/capturing from later0/);
    network.ip("link del later0");
    expect((await product.stop()).code).toBe(0);
  });

  test("processes have groups of their own, so that Ctrl-C on a terminal is for control alone", async () => {
    const { product, processes } = await up("groups", "");
    await using _ = product;
    const pids = Object.values(await processes()).map(({ pid }) => pid!);
    const groups = pids.map((pid) => readFileSync(`/proc/${pid}/stat`, "latin1").split(" ")[4]);
    expect(new Set(groups).size).toBe(pids.length);
  });

  test("no process outlives a control that is killed, of a program of another kind neither", async () => {
    const { product, processes } = await up(
      "orphans",
      '[commands.other]\ncommand = ["sh", "-c", "exec sleep 1000"]\ninputs = 0\n',
    );
    await using _ = product;
    const pids = Object.values(await processes()).map(({ pid }) => pid!);
    expect(pids.length).toBe(4);
    await product.stop("SIGKILL");
    const end = performance.now() + 10_000;
    while (pids.some((pid) => existsSync(`/proc/${pid}`)) && performance.now() < end)
      await Bun.sleep(50);
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  });
});
