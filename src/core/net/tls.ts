// SPDX-License-Identifier: BSD-3-Clause
/** TLS 1.2 and 1.3 by the system's OpenSSL, for TRAP's `T:` interfaces (trap.md section 5). @module */
import { closeSync, openSync, statSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../errors.ts";
import { firstError, type Handle, type Libssl, libssl } from "./libssl.ts";
import type { ByteStream } from "./stream.ts";
import { TlsStream } from "./tls-stream.ts";

/** Paths of PEM files. */
export interface TlsFiles {
  /** Own private key, without a password. */
  readonly key: string;
  /** Own certificate; those that lead to the peer's `ca` may follow. */
  readonly cert: string;
  /** Certificates of which the peer's must be signed by one. */
  readonly ca: string;
}

/** Values of openssl/ssl.h. */
const SSL_CTRL_MODE = 33;
const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
const SSL_CTRL_CLEAR_MODE = 78;
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
const TLS1_2_VERSION = 0x0303;
const SSL_MODE_ENABLE_PARTIAL_WRITE = 1;
const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 2;
const SSL_MODE_AUTO_RETRY = 4;
const SSL_SESS_CACHE_OFF = 0;
const SSL_OP_NO_TICKET = 0x4000;
const SSL_OP_NO_COMPRESSION = 0x2_0000;
const SSL_OP_NO_RENEGOTIATION = 0x4000_0000;
const SSL_VERIFY_PEER = 1;
const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2;
const SSL_FILETYPE_PEM = 1;

/** Where OpenSSL looks for the password of a key: without one there it would ask at the terminal. */
const NO_PASSWORD = new Uint8Array(new ArrayBuffer(1));

/**
 * Key, certificate and whom to trust, of all connections of an interface. Both sides show a certificate and check
 * that of the other against the CA file. **The peer's name is not checked**, as in the original: whoever has a
 * certificate of the CA is as good as any other, so the CA is one of this appliance's own and not a public one.
 */
export class TlsContext {
  readonly #library: Libssl;
  readonly #isServer: boolean;
  /** undefined when closed. */
  #context: Handle | undefined;

  private constructor(files: TlsFiles, isServer: boolean) {
    this.#library = libssl();
    this.#isServer = isServer;
    this.#context = open(this.#library, isServer);
    try {
      load(this.#library, this.#context, files);
      if (isServer) askFor(this.#library, this.#context, files.ca);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * For connections that were accepted.
   * @throws {NemeanError} ERR_TRAP, exit 78, that names the file that is missing or wrong; ERR_LIBRARY without OpenSSL
   */
  static server(files: TlsFiles): TlsContext {
    return new TlsContext(files, true);
  }

  /**
   * For connections that were made to a server.
   * @throws {NemeanError} as {@link TlsContext.server}
   */
  static client(files: TlsFiles): TlsContext {
    return new TlsContext(files, false);
  }

  /** TLS over a connected, non-blocking socket, which the stream closes. */
  wrap(fd: number): ByteStream {
    if (this.#context === undefined) throw new Error("TLS context is closed");
    const library = this.#library;
    library.ERR_clear_error();
    const ssl = Number(library.SSL_new(this.#context)) as Handle;
    if (!ssl) throw new Error(`SSL_new: ${firstError(library)}`);
    if (library.SSL_set_fd(ssl, fd) !== 1) {
      library.SSL_free(ssl);
      throw new Error(`SSL_set_fd: ${firstError(library)}`);
    }
    if (this.#isServer) library.SSL_set_accept_state(ssl);
    else library.SSL_set_connect_state(ssl);
    return new TlsStream(library, ssl, fd);
  }

  /** Forget the key; streams that are open live on. */
  close(): void {
    if (this.#context === undefined) return;
    this.#library.SSL_CTX_free(this.#context);
    this.#context = undefined;
  }
}

function open(library: Libssl, isServer: boolean): Handle {
  library.ERR_clear_error();
  const method = isServer ? library.TLS_server_method() : library.TLS_client_method();
  const context = Number(library.SSL_CTX_new(method)) as Handle;
  if (!context) throw new Error(`SSL_CTX_new: ${firstError(library)}`);
  const control = (command: number, value: number) =>
    library.SSL_CTX_ctrl(context, command, value, null);
  control(SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION);
  control(SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A peer that sends nothing but messages of the protocol does not hold the loop.
  control(SSL_CTRL_CLEAR_MODE, SSL_MODE_AUTO_RETRY);
  // Sessions are not resumed: connections last, and a client's certificate is checked each time.
  control(SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF);
  library.SSL_CTX_set_num_tickets(context, 0);
  library.SSL_CTX_set_options(
    context,
    SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION,
  );
  library.SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, null);
  library.SSL_CTX_set_default_passwd_cb_userdata(context, NO_PASSWORD);
  return context;
}

function load(library: Libssl, context: Handle, files: TlsFiles): void {
  const { key, cert, ca } = files;
  readable(cert, "certificate");
  if (library.SSL_CTX_use_certificate_chain_file(context, cert) !== 1)
    throw refused(cert, "certificate", firstError(library));
  readable(key, "key");
  const isLoaded = library.SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) === 1;
  if (!isLoaded || library.SSL_CTX_check_private_key(context) !== 1)
    throw refused(key, `key of ${cert}`, firstError(library));
  readable(ca, "CA certificates");
  if (library.SSL_CTX_load_verify_locations(context, ca, null) !== 1)
    throw refused(ca, "CA certificates", firstError(library));
}

/** Tell clients whose certificates are taken, so that one with several chooses the right one. */
function askFor(library: Libssl, context: Handle, ca: string): void {
  library.ERR_clear_error();
  const names = library.SSL_load_client_CA_file(ca);
  if (!names) throw refused(ca, "CA certificates", firstError(library));
  library.SSL_CTX_set_client_CA_list(context, names);
}

/** OpenSSL tells little of a file that it cannot open. */
function readable(path: string, what: string): void {
  let why: string | undefined;
  try {
    if (statSync(path).isFile()) closeSync(openSync(path, "r"));
    else why = "it is no regular file";
  } catch (error) {
    why = messageOf(error);
  }
  if (why !== undefined)
    throw new NemeanError("ERR_TRAP", EXIT.config, `${path}: cannot read the TLS ${what}: ${why}`);
}

const refused = (path: string, what: string, why: string | undefined): NemeanError =>
  new NemeanError(
    "ERR_TRAP",
    EXIT.config,
    `${path}: not the TLS ${what}: ${why ?? "refused"}; expected a PEM file without a password`,
  );
