// SPDX-License-Identifier: BSD-3-Clause
/** A SIEM outside: takes syslog over TLS (RFC 5425). @module */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";

/** Where the guest finds it. */
export const SIEM = "10.0.2.100:6514";

export class Receiver implements Disposable {
  readonly certificate: string;
  readonly #listener: Bun.TCPSocketListener<undefined>;
  #text = "";

  constructor(folder: string) {
    const [key, cert] = [join(folder, "siem.key"), join(folder, "siem.pem")];
    run([
      ...[
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
      ],
      ...["-days", "2", "-subj", "/CN=siem", "-addext", "subjectAltName=IP:10.0.2.100"],
      ...["-keyout", key, "-out", cert],
    ]);
    this.certificate = readFileSync(cert, "utf8");
    this.#listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      tls: { key: readFileSync(key, "utf8"), cert: this.certificate },
      socket: {
        data: (_, bytes) => {
          this.#text += bytes.toString();
        },
      },
    });
  }

  /** What carries a connection of the guest's here, as qemu runs it for each. */
  get program(): string {
    return `${process.execPath} ${join(import.meta.dir, "relay.ts")} ${this.#listener.port}`;
  }

  /** All that has arrived. */
  get text(): string {
    return this.#text;
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }
}
