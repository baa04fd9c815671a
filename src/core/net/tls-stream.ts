// SPDX-License-Identifier: BSD-3-Clause
import { errno, errnoText, libc } from "./libc.ts";
import { firstError, type Handle, type Libssl } from "./libssl.ts";
import { POLLIN, POLLOUT } from "./poller.ts";
import { AGAIN, BROKEN, type ByteStream } from "./stream.ts";

/** What SSL_get_error(3) tells. */
const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_WANT_WRITE = 3;
const SSL_ERROR_SYSCALL = 5;
const SSL_ERROR_ZERO_RETURN = 6;

/** Lengths are an int. */
const LENGTH_MAX = 0x7fffffff;

/**
 * A TLS connection over a non-blocking socket. The handshake happens in the first reads and writes, either of which
 * may have to wait for the other direction: `wants` says for which.
 *
 * - `read` is called until AGAIN: a record holds up to 16 KB, and what a call leaves of it is no longer in the
 *   socket, where poll(2) would see it.
 * - `write` takes at most a record. After AGAIN a record of the bytes offered may be sealed and half sent, so the
 *   same bytes are offered again, at whatever place in memory, before any others.
 * - `read` returns 0 only when the peer said that it ends (RFC 8446 section 6.1); a connection that is cut off is
 *   BROKEN, since anybody on the way can cut it.
 */
export class TlsStream implements ByteStream {
  readonly fd: number;
  wants = POLLIN;
  failure: string | undefined;
  readonly #library: Libssl;
  /** undefined when closed. */
  #ssl: Handle | undefined;
  /** Whether the last write has to be tried again. */
  #writeWaits = false;
  /** Whether data has passed. OpenSSL itself forgets after an alert that the handshake was over. */
  #proven = false;
  #broken = false;

  /** Takes over `ssl`, which is set up and has `fd`, and `fd`. */
  constructor(library: Libssl, ssl: Handle, fd: number) {
    this.#library = library;
    this.#ssl = ssl;
    this.fd = fd;
  }

  read(bytes: Uint8Array, from: number, to: number): number {
    const ssl = this.#ssl;
    if (ssl === undefined || this.#broken) return BROKEN;
    const length = Math.min(to - from, LENGTH_MAX);
    this.#library.ERR_clear_error();
    const read = this.#library.SSL_read(ssl, bytes.subarray(from, to), length);
    if (read > 0) {
      this.#proven = true;
      return read;
    }
    const outcome = this.#outcome(ssl, read);
    // The read may have ended the handshake for which a write waited: nothing more need come in for it to go on.
    if (outcome === AGAIN && this.#writeWaits && this.#library.SSL_is_init_finished(ssl) !== 0)
      this.wants |= POLLOUT;
    return outcome;
  }

  write(bytes: Uint8Array, from: number, to: number): number {
    const ssl = this.#ssl;
    if (ssl === undefined || this.#broken) return BROKEN;
    const length = Math.min(to - from, LENGTH_MAX);
    // OpenSSL leaves it undefined what that does.
    if (length === 0) return 0;
    this.#library.ERR_clear_error();
    const written = this.#library.SSL_write(ssl, bytes.subarray(from, to), length);
    this.#writeWaits = written <= 0;
    if (written <= 0) return this.#outcome(ssl, written);
    this.#proven = true;
    return written;
  }

  /** Say that it ends, as far as the socket takes that at once, and close the descriptor. */
  close(): void {
    const ssl = this.#ssl;
    if (ssl === undefined) return;
    this.#ssl = undefined;
    const library = this.#library;
    // Neither during a handshake nor after an error: OpenSSL forbids it.
    if (!this.#broken && library.SSL_is_init_finished(ssl) !== 0) {
      library.ERR_clear_error();
      library.SSL_shutdown(ssl);
    }
    library.SSL_free(ssl);
    library.ERR_clear_error();
    libc().close(this.fd);
  }

  #outcome(ssl: Handle, returned: number): number {
    // Nothing may come between the call and these two.
    const error = this.#library.SSL_get_error(ssl, returned);
    const reason = error === SSL_ERROR_SYSCALL ? errno() : 0;
    if (error === SSL_ERROR_WANT_READ || error === SSL_ERROR_WANT_WRITE) {
      this.wants = error === SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
      return AGAIN;
    }
    if (error === SSL_ERROR_ZERO_RETURN) return 0;
    this.#broken = true;
    this.failure = this.#why(ssl, reason);
    return BROKEN;
  }

  /** `TLS handshake: certificate verify failed: certificate has expired`. */
  #why(ssl: Handle, reason: number): string {
    const library = this.#library;
    const where = this.#proven ? "TLS" : "TLS handshake";
    const verified = library.SSL_get_verify_result(ssl);
    const first = firstError(library);
    library.ERR_clear_error();
    // The queue begins with what made the check fail, such as a signature; this is the check's own word.
    if (verified !== 0)
      return `${where}: certificate verify failed: ${library.X509_verify_cert_error_string(verified)}`;
    return `${where}: ${first ?? (reason === 0 ? "the peer has gone" : errnoText(reason))}`;
  }
}
