// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sink } from "../../core/exporter.ts";
import { TlsAuthority, tlsMissing } from "../../core/net/testing/tls-authority.ts";
import { numberedAlert, numberedAlerts } from "../../core/testing/alerts.ts";
import { testExporter } from "../../core/testing/exporter-kit.ts";
import { FORMATS } from "../formats/formats.ts";
import webhook from "./index.ts";

const PLACE = { host: "nemean-01", version: "0.1.0" };
const PARAMS = { secret: "", batch: 50, timeout: 2, ca: "", allowLinkLocal: false };
const folder = mkdtempSync(join(tmpdir(), "nemean-webhook-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fileOf = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const sinkTo = (url: string, fields: Partial<typeof PARAMS> = {}): Sink =>
  webhook.open({ ...PARAMS, url, ...fields }, PLACE);

interface Request {
  readonly headers: Headers;
  readonly body: string;
}

/** A receiver that keeps its requests and answers as it is told. */
class Receiver implements AsyncDisposable {
  readonly requests: Request[] = [];
  readonly #server: Bun.Server<undefined>;

  constructor(answer: (request: Request) => Response | Promise<Response>, tls?: Bun.TLSOptions) {
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      ...(tls ? { tls } : {}),
      fetch: async (message) => {
        const request = { headers: message.headers, body: await message.text() };
        this.requests.push(request);
        return await answer(request);
      },
    });
  }

  get port(): number {
    return this.#server.port!;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks/T0K3N?key=T0K3N`;
  }

  /** How many alerts each request had. */
  get sizes(): number[] {
    return this.requests.map(({ body }) => [JSON.parse(body)].flat().length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}

const answering = (status: number, headers: Record<string, string> = {}, text = ""): Receiver =>
  new Receiver(() => new Response(text, { status, headers }));

testExporter(webhook);

describe("webhook", () => {
  test("posts batches as arrays, in order", async () => {
    await using receiver = answering(200, {}, "ok");
    const alerts = numberedAlerts(7);
    expect(await sinkTo(receiver.url, { batch: 3 }).send(alerts)).toEqual({ accepted: 7 });
    expect(receiver.sizes).toEqual([3, 3, 1]);
    const bodies = receiver.requests.flatMap(({ body }) => JSON.parse(body));
    expect(bodies).toEqual(alerts.map((alert) => JSON.parse(FORMATS.json(alert, PLACE))));
    const { headers } = receiver.requests[0]!;
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("user-agent")).toBe("nemean/0.1.0");
    expect(headers.has("x-nemean-signature")).toBe(false);
  });

  test("posts single objects when a batch is one", async () => {
    await using receiver = answering(204);
    expect(await sinkTo(receiver.url, { batch: 1 }).send(numberedAlerts(2))).toEqual({
      accepted: 2,
    });
    expect(receiver.requests.map(({ body }) => JSON.parse(body).reason)).toEqual([
      "300 addresses, alert 0",
      "300 addresses, alert 1",
    ]);
  });

  test("gives a request a key that tells its alerts", async () => {
    await using receiver = answering(200);
    const alerts = [numberedAlert(1, { update: 4 }), numberedAlert(2), numberedAlert(3)];
    await sinkTo(receiver.url, { batch: 2 }).send(alerts);
    const keys = receiver.requests.map(({ headers }) => headers.get("idempotency-key"));
    expect(keys).toEqual([`${alerts[0]!.id}-4+1`, `${alerts[2]!.id}-0`]);
  });

  test("signs the body with the secret in the file as it is now", async () => {
    await using receiver = answering(200);
    const secret = fileOf("secret", "old\n");
    const sink = sinkTo(receiver.url, { secret });
    await sink.send([numberedAlert(1, { reason: "čárka" })]);
    fileOf("secret", "new secret\r\n");
    await sink.send(numberedAlerts(1));
    const wanted = ["old", "new secret"].map(
      (key, i) =>
        `sha256=${createHmac("sha256", key).update(receiver.requests[i]!.body, "utf8").digest("hex")}`,
    );
    const given = receiver.requests.map(({ headers }) => headers.get("x-nemean-signature"));
    expect(given).toEqual(wanted);
    rmSync(secret);
    const lost = await sink.send(numberedAlerts(1));
    expect(lost.accepted).toBe(0);
    expect(lost.failure).toContain("secret: ENOENT");
    expect(receiver.requests).toHaveLength(2);
  });
});

describe("webhook that is not answered as hoped", () => {
  test.each([408, 425, 429, 500, 502, 503, 504])(
    "fails on %i and may try again",
    async (status) => {
      await using receiver = answering(status, {}, "later\u001b[31m");
      const result = await sinkTo(receiver.url).send(numberedAlerts(2));
      expect(result).toEqual({ accepted: 0, failure: `HTTP ${status}: later\\u001b[31m` });
      expect(receiver.requests).toHaveLength(1);
    },
  );

  test("hands on when the receiver wants to be asked again", async () => {
    await using receiver = answering(429, { "Retry-After": "7" });
    expect(await sinkTo(receiver.url).send(numberedAlerts(1))).toEqual({
      accepted: 0,
      failure: "HTTP 429",
      retryAfter: 7000,
    });
  });

  test("counts the requests before the one that failed", async () => {
    await using receiver = new Receiver(() =>
      receiver.requests.length === 3 ? new Response("", { status: 503 }) : new Response("ok"),
    );
    const { accepted, failure } = await sinkTo(receiver.url, { batch: 2 }).send(numberedAlerts(9));
    expect({ accepted, failure }).toEqual({ accepted: 4, failure: "HTTP 503" });
  });

  test.each([400, 401, 404, 410, 413, 422])("is refused by %i", async (status) => {
    await using receiver = answering(status, {}, "no such field");
    const result = await sinkTo(receiver.url, { batch: 1 }).send(numberedAlerts(2));
    expect(result).toEqual({ accepted: 0, refused: `HTTP ${status}: no such field` });
    expect(receiver.requests).toHaveLength(1);
  });

  test("finds the one alert of a batch that is refused, and asks anew behind it", async () => {
    await using receiver = new Receiver(({ body }) =>
      body.includes("alert 2") ? new Response("bad", { status: 422 }) : new Response("ok"),
    );
    const sink = sinkTo(receiver.url, { batch: 4 });
    const alerts = numberedAlerts(6);
    expect(await sink.send(alerts)).toEqual({ accepted: 2, refused: "HTTP 422: bad" });
    expect(receiver.sizes).toEqual([4, 1, 1, 1]);
    expect(await sink.send(alerts.slice(3))).toEqual({ accepted: 3 });
    expect(receiver.sizes).toEqual([4, 1, 1, 1, 3]);
  });

  test.each([301, 302, 307, 308])("does not follow a redirect by %i", async (status) => {
    await using elsewhere = answering(200);
    await using receiver = answering(status, { Location: elsewhere.url });
    const { accepted, failure } = await sinkTo(receiver.url).send(numberedAlerts(1));
    expect(accepted).toBe(0);
    expect(failure).toStartWith(`HTTP ${status}: redirects are not followed, to http://127.0.0.1`);
    expect(elsewhere.requests).toHaveLength(0);
  });

  test("fails when there is nobody, nobody of that name, no answer, and no HTTP", async () => {
    const alerts = numberedAlerts(1);
    const silent = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: () => undefined },
    });
    const rude = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end("220 mail\r\n") },
    });
    const dead = answering(200);
    await dead[Symbol.asyncDispose]();
    const path = "/hooks/T0K3N?key=T0K3N";
    const failures: (string | undefined)[] = [];
    for (const host of [
      `127.0.0.1:${dead.port}`,
      "hooks.invalid",
      `127.0.0.1:${silent.port}`,
      `127.0.0.1:${rude.port}`,
    ]) {
      const { accepted, failure } = await sinkTo(`http://${host}${path}`, { timeout: 1 }).send(
        alerts,
      );
      expect(accepted).toBe(0);
      expect(failure).toBeString();
      // Who knows the address may post there.
      expect(failure).not.toContain("T0K3N");
      failures.push(failure);
    }
    expect(failures[0]).toContain("ECONNREFUSED");
    expect(failures[1]).toContain("ENOTFOUND");
    expect(failures[2]).toBe("no answer in 1 s");
    silent.stop(true);
    rude.stop(true);
  });

  test("gives up an answer that drips, and does not wait for the end of an endless one", async () => {
    const stream = (pause: number, size: number): Response =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await Bun.sleep(pause);
            controller.enqueue("x".repeat(size));
          },
        }),
      );
    await using dripping = new Receiver(() => stream(50, 1));
    const slow = await sinkTo(dripping.url, { timeout: 1 }).send(numberedAlerts(1));
    expect(slow).toEqual({ accepted: 0, failure: "no answer in 1 s" });
    await using endless = new Receiver(() => stream(1, 10_000));
    expect(await sinkTo(endless.url).send(numberedAlerts(1))).toEqual({ accepted: 1 });
  });
});

const skip = tlsMissing !== "";

describe.skipIf(skip)(`webhook over https${tlsMissing}`, () => {
  const authority = skip ? undefined : new TlsAuthority();
  afterAll(() => authority?.[Symbol.dispose]());
  const receiverWith = ({ key, cert }: { key: string; cert: string }): Receiver =>
    new Receiver(() => new Response("ok"), { key: readFileSync(key), cert: readFileSync(cert) });

  test("posts where the certificate is right", async () => {
    await using receiver = receiverWith(authority!.issueFor("good", ["DNS:localhost"]));
    const sink = sinkTo(`https://localhost:${receiver.port}/`, { ca: authority!.ca });
    expect(await sink.send(numberedAlerts(2))).toEqual({ accepted: 2 });
    expect(receiver.requests).toHaveLength(1);
  });

  test("posts nothing where it is wrong", async () => {
    const cases = [
      [authority!.issueFor("other", ["DNS:other.example"]), authority!.ca, "altnames"],
      [authority!.issueExpired("localhost"), authority!.ca, "expired"],
      [authority!.issueSelfSigned("own", ["DNS:localhost"]), authority!.ca, "self signed"],
      [authority!.issueFor("good", ["DNS:localhost"]), "", "certificate"],
    ] as const;
    for (const [files, ca, why] of cases) {
      await using receiver = receiverWith(files);
      const sink = sinkTo(`https://localhost:${receiver.port}/T0K3N`, { ca });
      const { accepted, failure } = await sink.send(numberedAlerts(1));
      expect(accepted).toBe(0);
      expect(failure).toContain(why);
      expect(failure).not.toContain("T0K3N");
      expect(receiver.requests).toHaveLength(0);
    }
  });

  test("posts nothing to a server that speaks TLS 1.1 at best", async () => {
    const { key, cert } = authority!.issueFor("good", ["DNS:localhost"]);
    const words = [
      "-naccept",
      "1",
      "-tls1_1",
      "-cipher",
      "ALL:@SECLEVEL=0",
      "-key",
      key,
      "-cert",
      cert,
    ];
    const server = Bun.spawn(["openssl", "s_server", "-accept", "127.0.0.1:0", ...words], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
    });
    let [text, port] = ["", 0];
    const reader = server.stdout.getReader();
    while (port === 0) {
      const { value } = await reader.read();
      text += Buffer.from(value!).toString();
      port = Number(/ACCEPT [^:]*:(\d+)/.exec(text)?.[1] ?? 0);
    }
    const sink = sinkTo(`https://localhost:${port}/`, { ca: authority!.ca });
    const { accepted, failure } = await sink.send(numberedAlerts(1));
    expect(accepted).toBe(0);
    expect(failure).toMatch(/PROTOCOL_VERSION/);
    server.kill();
    await server.exited;
  });
});

describe("webhook and addresses of the own link", () => {
  test.each([
    "http://169.254.169.254/latest/meta-data",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://[fe80::1]/",
    "http://[::ffff:169.254.1.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
  ])("open refuses %s unless it is told to", (url) => {
    expect(() => sinkTo(url)).toThrow("a link-local or metadata address");
    expect(() => sinkTo(url, { allowLinkLocal: true })).not.toThrow();
  });
});

describe("webhook's parameters", () => {
  test.each([
    ["", 'url: expected an http or https address, got ""'],
    ["hooks.example/x", "url: expected an http or https address"],
    ["ftp://hooks.example/x", "url: expected an http or https address"],
    ["file:///etc/passwd", "url: expected an http or https address"],
    ["https://me:word@hooks.example/", "url: a password has no place in an address"],
  ])("open refuses the address %j", (url, message) => {
    expect(() => sinkTo(url)).toThrow(message);
  });

  test("open names the file that is missing or empty", () => {
    const url = "https://hooks.example/";
    const empty = fileOf("empty", "\n");
    expect(() => sinkTo(url, { secret: "/nowhere/secret" })).toThrow("secret: ENOENT");
    expect(() => sinkTo(url, { secret: empty })).toThrow(`secret: ${empty}: no secret in it`);
    expect(() => sinkTo(url, { ca: "/nowhere/ca.pem" })).toThrow("ca: ENOENT");
    expect(() => sinkTo(url, { ca: empty })).toThrow(`ca: ${empty}: no certificate in it`);
  });
});
