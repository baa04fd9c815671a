// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsFiles } from "../../../core/net/tls.ts";

const PROGRAM = "rsyslogd";
const STARTUP_MS = 10_000;

/** Why rsyslog cannot be asked here, in parentheses for a test's name; empty when it can. */
export const rsyslogMissing: string = Bun.which(PROGRAM) ? "" : " (skipped: no rsyslogd program)";

/** The same for messages over TLS, for which Debian has a package of its own. */
export const rsyslogTlsMissing: string = (() => {
  if (rsyslogMissing !== "") return rsyslogMissing;
  const found = [...new Bun.Glob("*/rsyslog/lmnsd_gtls.so").scanSync({ cwd: "/usr/lib" })];
  return found.length > 0 ? "" : " (skipped: no rsyslog-gnutls)";
})();

/** A message as rsyslog understood it. */
export interface Understood {
  readonly pri: string;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly procid: string;
  readonly msgid: string;
  readonly data: string;
  readonly msg: string;
}

const PROPERTIES = [
  ["pri", 'name="pri"'],
  ["time", 'name="timereported" dateFormat="rfc3339"'],
  ["host", 'name="hostname"'],
  ["app", 'name="app-name"'],
  ["procid", 'name="procid"'],
  ["msgid", 'name="msgid"'],
  ["data", 'name="structured-data"'],
  ["msg", 'name="msg"'],
];

/** Debian's rsyslog with a receiver for each transport, without rights of its own. */
export class Rsyslog implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "nemean-rsyslog-"));
  readonly #process: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly ports: Readonly<Record<"udp" | "tcp" | "tls", number>>;

  private constructor(ports: Readonly<Record<"udp" | "tcp" | "tls", number>>, files?: TlsFiles) {
    this.ports = ports;
    const path = (name: string): string => join(this.#folder, name);
    writeFileSync(path("conf"), configuration(this.#folder, ports, files));
    const words = ["-n", "-f", path("conf"), "-i", path("pid")];
    this.#process = Bun.spawn([PROGRAM, ...words], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
  }

  /** Started, and ready to be sent to. */
  static async start(files?: TlsFiles): Promise<Rsyslog> {
    const [udp, tcp, tls] = [await freePort(), await freePort(), await freePort()];
    const server = new Rsyslog({ udp, tcp, tls }, files);
    const deadline = Date.now() + STARTUP_MS;
    const wanted = files ? [tcp, tls] : [tcp];
    while (!(await Promise.all(wanted.map(answers))).every(Boolean)) {
      if (Date.now() > deadline || server.#process.exitCode !== null)
        throw new Error(
          `rsyslogd does not start: ${await new Response(server.#process.stderr).text()}`,
        );
      await Bun.sleep(20);
    }
    return server;
  }

  /** What it understood, once that are so many messages. */
  async messages(count: number): Promise<Understood[]> {
    const deadline = Date.now() + STARTUP_MS;
    for (;;) {
      const file = join(this.#folder, "out.json");
      const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
      if (lines.length >= count) return lines.map((line) => JSON.parse(line));
      if (Date.now() > deadline) throw new Error(`${lines.length} of ${count} messages`);
      await Bun.sleep(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    await this.#process.exited;
    rmSync(this.#folder, { recursive: true });
  }
}

const configuration = (
  folder: string,
  ports: Readonly<Record<"udp" | "tcp" | "tls", number>>,
  files: TlsFiles | undefined,
): string => `
global(workDirectory="${folder}" maxMessageSize="128k"${
  files
    ? ` defaultNetstreamDriverCAFile="${files.ca}" defaultNetstreamDriverCertFile="${files.cert}" defaultNetstreamDriverKeyFile="${files.key}"`
    : ""
})
module(load="imudp")
module(load="imptcp")
${files ? 'module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")' : ""}
template(name="fields" type="list" option.jsonf="on") {
${PROPERTIES.map(([out, what]) => `  property(outname="${out}" ${what} format="jsonf")`).join("\n")}
}
input(type="imudp" address="127.0.0.1" port="${ports.udp}")
input(type="imptcp" address="127.0.0.1" port="${ports.tcp}")
${files ? `input(type="imtcp" address="127.0.0.1" port="${ports.tls}")` : ""}
action(type="omfile" file="${join(folder, "out.json")}" template="fields")
`;

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function answers(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: { data: () => undefined },
    });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
