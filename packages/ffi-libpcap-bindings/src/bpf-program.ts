// SPDX-License-Identifier: BSD-3-Clause
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { BytesAddress } from "./bytes-address.ts";
import { type Libpcap, libpcap } from "./library.ts";
import { checkInteger, checkText, PcapError } from "./pcap-error.ts";

/** sizeof(struct bpf_insn): code 2, jt 1, jf 1, k 4. */
const INSTRUCTION_SIZE = 8;
/** PCAP_NETMASK_UNKNOWN: only `ip broadcast` would need the mask, and says so when it is unknown. */
const NETMASK_UNKNOWN = 0xffffffff;

/**
 * A compiled filter expression (pcap-filter(7)), to match bytes or to attach to a socket.
 * Made by `compileFilter()` and `Pcap.compile()`; close it, or hold it with `using`.
 */
export class BpfProgram implements Disposable {
  /** The expression the program was compiled from. */
  readonly text: string;
  readonly #library: Libpcap;
  /** struct bpf_program: bf_len at 0, the address of the instructions at 8. */
  readonly #program: Uint32Array;
  readonly #address = new BytesAddress();
  #code: Pointer | undefined;

  /** @internal `program` is a struct bpf_program that pcap_compile() filled. */
  constructor(library: Libpcap, program: Uint32Array, text: string) {
    this.#library = library;
    this.#program = program;
    this.text = text;
    this.#code = (program[2]! + program[3]! * 4294967296) as Pointer;
  }

  /** Number of BPF instructions. The kernel takes at most 4,096. */
  get instructionCount(): number {
    this.#opened();
    return this.#program[0]!;
  }

  /**
   * A copy of the instructions, each a struct bpf_insn of 8 bytes in the machine's byte order:
   * what the `filter` of a struct sock_fprog (SO_ATTACH_FILTER) points to.
   */
  get instructions(): Uint8Array {
    const code = this.#opened();
    const size = this.#program[0]! * INSTRUCTION_SIZE;
    return new Uint8Array(toArrayBuffer(code, 0, size).slice(0));
  }

  /**
   * Whether the packet at `offset` in `bytes` passes the filter. Allocates nothing.
   * @param captured Bytes of the packet that are present.
   * @param length Bytes of the packet on the wire, for `len`, `less` and `greater`.
   * @throws {PcapError} ERR_PCAP_ARGUMENT when the packet does not lie inside `bytes`; ERR_PCAP_CLOSED
   */
  matches(
    bytes: Uint8Array,
    offset = 0,
    captured = bytes.length - offset,
    length = captured,
  ): boolean {
    const code = this.#opened();
    // Written so that NaN fails too.
    if (!(offset >= 0 && captured >= 0 && offset + captured <= bytes.length)) {
      throw new PcapError(
        "ERR_PCAP_ARGUMENT",
        `matches: ${captured} bytes at ${offset} do not lie inside ${bytes.length}`,
      );
    }
    const address = (this.#address.of(bytes) + offset) as Pointer;
    return this.#library.bpf_filter(code, address, length, captured) !== 0;
  }

  /** @internal Calls `set` with the struct bpf_program, valid until `set` returns. */
  use(set: (program: Uint32Array) => number): number {
    this.#opened();
    return set(this.#program);
  }

  /** Frees the program. A second close does nothing. */
  close(): void {
    if (this.#code === undefined) return;
    this.#code = undefined;
    this.#library.pcap_freecode(this.#program);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #opened(): Pointer {
    if (this.#code === undefined) {
      throw new PcapError("ERR_PCAP_CLOSED", `filter "${this.text}": the program is closed`);
    }
    return this.#code;
  }
}

/** @internal Compiles for an open handle. */
export function compileFor(library: Libpcap, handle: Pointer, text: string): BpfProgram {
  checkText("filter", text);
  const program = new Uint32Array(new ArrayBuffer(16));
  if (library.pcap_compile(handle, program, text, 1, NETMASK_UNKNOWN) !== 0) {
    throw new PcapError("ERR_PCAP_FILTER", `filter "${text}": ${library.pcap_geterr(handle)}`);
  }
  return new BpfProgram(library, program, text);
}

/**
 * Compiles a filter expression without a device or file.
 * @param linkType DLT_ value of the packets, 1 for Ethernet.
 * @param snaplen Bytes the kernel keeps of a packet that passes, when the program is attached.
 * @throws {PcapError} ERR_PCAP_FILTER with libpcap's text; ERR_PCAP_LIBRARY
 * @example
 * using dns = compileFilter("udp port 53");
 * if (dns.matches(frame)) count++;
 */
export function compileFilter(text: string, linkType = 1, snaplen = 262144): BpfProgram {
  checkInteger("linkType", linkType, 0, 0x7fffffff);
  checkInteger("snaplen", snaplen, 0, 0x7fffffff);
  const library = libpcap();
  const handle = library.pcap_open_dead(linkType, snaplen);
  if (handle === null) throw new PcapError("ERR_PCAP_OPEN", "pcap_open_dead: out of memory");
  try {
    return compileFor(library, handle as Pointer, text);
  } finally {
    library.pcap_close(handle);
  }
}
