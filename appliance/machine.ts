// SPDX-License-Identifier: BSD-3-Clause
/** The appliance as a virtual machine of qemu. @module */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BuildError } from "./command.ts";
import { CMDLINE } from "./disk.ts";

const OVMF = "/usr/share/OVMF/OVMF_CODE_4M.fd";

export interface MachineOptions {
  /** The image; the machine writes to it, so callers give it an overlay or `snapshot`. */
  readonly disk: string;
  /** What is written goes with the machine. */
  readonly snapshot?: boolean;
  readonly firmware?: "bios" | "uefi";
  /** Folder of vmlinuz and initrd.img that qemu starts by itself, without the disk's boot loader. */
  readonly kernel?: string;
  readonly memory?: number;
  /** Ports of loopback that lead to 443 and 22 of the management port. */
  readonly api: number;
  readonly ssh?: number;
  /** Programs that answer at 10.0.2.x:port of the guest's network, which leads nowhere else. */
  readonly services?: Readonly<Record<string, string>>;
  /** The tap's other end: UDP ports of loopback, one datagram a frame. */
  readonly tap: { readonly local: number; readonly remote: number };
  /** Credentials of systemd, by name. */
  readonly credentials?: Readonly<Record<string, string>>;
}

/**
 * Whether this machine virtualises in hardware, and this user may use it. What a virtual machine offers by software
 * (kvm-pvm) starts no boot loader.
 */
export function hasKvm(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  return ["kvm_intel", "kvm_amd"].some((name) => existsSync(`/sys/module/${name}`));
}

/** A comma ends a value for qemu, unless it is doubled. */
const value = (text: string): string => text.replaceAll(",", ",,");

/** The command line of qemu. */
export function qemuCommand(options: MachineOptions): string[] {
  const { disk, snapshot, firmware, kernel, memory, api, ssh, services, tap, credentials } =
    options;
  if (firmware === "uefi" && !existsSync(OVMF)) throw new BuildError("ovmf is not installed");
  const network = [
    "user,id=mgmt,restrict=on",
    `hostfwd=tcp:127.0.0.1:${api}-:443`,
    ...(ssh === undefined ? [] : [`hostfwd=tcp:127.0.0.1:${ssh}-:22`]),
    ...Object.entries(services ?? {}).map(
      ([at, program]) => `guestfwd=tcp:${at}-cmd:${value(program)}`,
    ),
  ];
  const ends = [
    `local.type=inet,local.host=127.0.0.1,local.port=${tap.local}`,
    `remote.type=inet,remote.host=127.0.0.1,remote.port=${tap.remote}`,
  ];
  return [
    "qemu-system-x86_64",
    ...["-machine", "q35"],
    // Bun needs SSE4.2, which qemu's usual processor lacks.
    ...(hasKvm()
      ? ["-accel", "kvm", "-cpu", "host"]
      : ["-accel", "tcg,thread=multi", "-cpu", "max"]),
    ...[
      "-smp",
      "2",
      "-m",
      String(memory ?? 1024),
      "-nodefaults",
      "-display",
      "none",
      "-no-user-config",
    ],
    ...["-serial", "stdio", "-device", "virtio-rng-pci"],
    ...(firmware === "uefi"
      ? ["-drive", `if=pflash,format=raw,unit=0,readonly=on,file=${OVMF}`]
      : []),
    ...(kernel === undefined
      ? []
      : [
          ...["-kernel", join(kernel, "vmlinuz"), "-initrd", join(kernel, "initrd.img")],
          ...["-append", CMDLINE],
        ]),
    ...["-drive", `if=none,id=disk,format=qcow2,discard=unmap,file=${value(disk)}`],
    // A kernel that is handed over has the first turn.
    ...["-device", `virtio-blk-pci,drive=disk${kernel === undefined ? ",bootindex=0" : ""}`],
    ...(snapshot ? ["-snapshot"] : []),
    // The order of the PCI bus tells the management port from the tap.
    ...["-netdev", network.join(","), "-device", "virtio-net-pci,netdev=mgmt,addr=0x10"],
    ...[
      "-netdev",
      `dgram,id=tap,${ends.join(",")}`,
      "-device",
      "virtio-net-pci,netdev=tap,addr=0x11,rx_queue_size=1024",
    ],
    ...Object.entries(credentials ?? {}).flatMap(([name, text]) => [
      "-smbios",
      `type=11,value=io.systemd.credential.binary:${name}=${Buffer.from(text).toString("base64")}`,
    ]),
  ];
}

/** A machine that runs. */
export class Machine implements AsyncDisposable {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #reading: Promise<void>;
  #said = "";
  #complaints = "";

  constructor(options: MachineOptions, onSerial: (text: string) => void = () => {}) {
    const [program, ...args] = qemuCommand(options);
    if (Bun.which(program!) === null) throw new BuildError(`${program} is not installed`);
    this.#process = Bun.spawn(["nice", program!, ...args], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    process.once("exit", () => this.#process.kill("SIGKILL"));
    const read = async (stream: ReadableStream<Uint8Array>, to: (text: string) => void) => {
      const decoder = new TextDecoder();
      for await (const bytes of stream) to(decoder.decode(bytes, { stream: true }));
    };
    this.#reading = Promise.all([
      read(this.#process.stdout, (text) => {
        this.#said += text;
        onSerial(text);
      }),
      read(this.#process.stderr, (text) => {
        this.#complaints += text;
      }),
    ]).then(() => {});
  }

  /** All that the serial console has said. */
  get serial(): string {
    return this.#said;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Seconds of processor time that qemu took: unlike the wall's, they do not depend on who else is busy. */
  get cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** Resolves once qemu has ended, to what it complained of. */
  async ended(): Promise<string> {
    await this.#process.exited;
    await this.#reading;
    return this.#complaints.trim();
  }

  /** As a power cut does. */
  async cut(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  /** @throws {BuildError} when qemu has ended. */
  check(): void {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null)
      throw new BuildError(`qemu has ended: ${this.#complaints.trim()}`);
  }
}

/** Ports of loopback that are free now. */
export function freePorts(count: number): number[] {
  const held = Array.from({ length: count }, () =>
    Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }),
  );
  const ports = held.map(({ port }) => port);
  for (const listener of held) listener.stop(true);
  return ports;
}
