// SPDX-License-Identifier: BSD-3-Clause
import { dlopen, type FFIFunction, type Pointer } from "bun:ffi";
import { EXIT, messageOf, NemeanError } from "../errors.ts";

const SSL_SYMBOLS = {
  TLS_server_method: { args: [], returns: "ptr" },
  TLS_client_method: { args: [], returns: "ptr" },
  SSL_CTX_new: { args: ["ptr"], returns: "ptr" },
  SSL_CTX_free: { args: ["ptr"], returns: "void" },
  SSL_CTX_ctrl: { args: ["ptr", "i32", "i64", "ptr"], returns: "i32" },
  SSL_CTX_set_options: { args: ["ptr", "u64"], returns: "void" },
  SSL_CTX_set_num_tickets: { args: ["ptr", "usize"], returns: "i32" },
  SSL_CTX_set_verify: { args: ["ptr", "i32", "ptr"], returns: "void" },
  SSL_CTX_set_default_passwd_cb_userdata: { args: ["ptr", "ptr"], returns: "void" },
  SSL_CTX_use_certificate_chain_file: { args: ["ptr", "cstring"], returns: "i32" },
  SSL_CTX_use_PrivateKey_file: { args: ["ptr", "cstring", "i32"], returns: "i32" },
  SSL_CTX_check_private_key: { args: ["ptr"], returns: "i32" },
  SSL_CTX_load_verify_locations: { args: ["ptr", "cstring", "ptr"], returns: "i32" },
  SSL_load_client_CA_file: { args: ["cstring"], returns: "ptr" },
  SSL_CTX_set_client_CA_list: { args: ["ptr", "ptr"], returns: "void" },
  SSL_new: { args: ["ptr"], returns: "ptr" },
  SSL_free: { args: ["ptr"], returns: "void" },
  SSL_set_fd: { args: ["ptr", "i32"], returns: "i32" },
  SSL_set_accept_state: { args: ["ptr"], returns: "void" },
  SSL_set_connect_state: { args: ["ptr"], returns: "void" },
  SSL_is_init_finished: { args: ["ptr"], returns: "i32" },
  SSL_read: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  SSL_write: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  SSL_shutdown: { args: ["ptr"], returns: "i32" },
  SSL_get_error: { args: ["ptr", "i32"], returns: "i32" },
  SSL_get_verify_result: { args: ["ptr"], returns: "i32" },
} as const satisfies Record<string, FFIFunction>;

const CRYPTO_SYMBOLS = {
  ERR_clear_error: { args: [], returns: "void" },
  // An unsigned long, whose upper half OpenSSL leaves zero.
  ERR_get_error: { args: [], returns: "u32" },
  ERR_reason_error_string: { args: ["u64"], returns: "cstring" },
  ERR_error_string_n: { args: ["u64", "ptr", "usize"], returns: "void" },
  X509_verify_cert_error_string: { args: ["i64"], returns: "cstring" },
} as const satisfies Record<string, FFIFunction>;

/** Each libssl with the libcrypto it belongs to; the plain names are those of a system with the headers installed. */
const LIBRARIES = [
  ["libssl.so.3", "libcrypto.so.3"],
  ["libssl.so", "libcrypto.so"],
] as const;

const bind = (ssl: string, crypto: string) => ({
  ...dlopen(ssl, SSL_SYMBOLS).symbols,
  ...dlopen(crypto, CRYPTO_SYMBOLS).symbols,
});

/** The functions of OpenSSL that TLS streams call. */
export type Libssl = ReturnType<typeof bind>;

/** An `SSL_CTX *` or an `SSL *`. */
export type Handle = Pointer;

let loaded: Libssl | undefined;

/**
 * The system's OpenSSL, loaded when first needed: only `T:` interfaces do.
 * @throws {NemeanError} ERR_LIBRARY, exit 71, with the loader's words and the cure
 */
export function libssl(): Libssl {
  loaded ??= loadLibssl(LIBRARIES);
  return loaded;
}

/**
 * Load the first pair of these libraries that is there.
 * @throws {NemeanError} ERR_LIBRARY
 */
export function loadLibssl(pairs: readonly (readonly [string, string])[]): Libssl {
  const failures: string[] = [];
  for (const [ssl, crypto] of pairs) {
    try {
      const library = bind(ssl, crypto);
      ignoreBrokenPipes();
      return library;
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  throw new NemeanError(
    "ERR_LIBRARY",
    EXIT.os,
    `OpenSSL, which TLS interfaces need, cannot be loaded (${failures.join("; ")}); install it: ` +
      "apt-get install libssl3 (libssl3t64 from Debian 13 on), or dnf install openssl-libs",
  );
}

const SIGPIPE = 13;
const SIG_DFL = 0;
const SIG_IGN = 1;
/** More than any struct sigaction; the handler comes first. */
const SIGACTION_BYTES = 256;

/**
 * OpenSSL writes by write(2), which kills the process when the peer has gone. Bun ignores the signal from its start
 * on; this holds where somebody has undone that, and leaves a handler alone.
 */
function ignoreBrokenPipes(): void {
  const { sigaction, signal } = dlopen("libc.so.6", {
    sigaction: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    signal: { args: ["i32", "usize"], returns: "usize" },
  }).symbols;
  const action = new BigUint64Array(new ArrayBuffer(SIGACTION_BYTES));
  sigaction(SIGPIPE, null, action);
  if (action[0] === BigInt(SIG_DFL)) signal(SIGPIPE, SIG_IGN);
}

const TEXT_BYTES = 256;

/** OpenSSL's words for the first error of its queue: the cause, of which the later ones are consequences. */
export function firstError(library: Libssl): string | undefined {
  const code = library.ERR_get_error();
  if (code === 0) return undefined;
  const reason = library.ERR_reason_error_string(code);
  if (reason) return String(reason);
  // Errors of the system have no reason of OpenSSL's.
  const text = new Uint8Array(new ArrayBuffer(TEXT_BYTES));
  library.ERR_error_string_n(code, text, text.length);
  return Buffer.from(text.subarray(0, text.indexOf(0))).toString();
}
