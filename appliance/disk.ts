// SPDX-License-Identifier: BSD-3-Clause
/** The disk, made without a loop device, a mount or a device node. @module */
import { mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";

const MIB = 1 << 20;
const SIZE = { esp: 64, root: 1024, var: 2048 } as const;
/** Where partitions begin, in MiB; the last one is for the second copy of the table. */
const AT = { esp: 1, root: 1 + SIZE.esp, var: 1 + SIZE.esp + SIZE.root };
const END = AT.var + SIZE.var + 1;

/** Bytes from the beginning of the disk to a partition. */
export const offsetOf = (part: keyof typeof AT): number => AT[part] * MIB;

/** GPT types of the discoverable partitions specification. */
const TYPE = {
  esp: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
  root: "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
  var: "4D21B016-B534-45C2-A9FB-5C16E091FD2D",
};
/** The same in each image: what has to differ between machines is made at their first boot. */
const UUID = {
  disk: "6E656D65-616E-4D00-8000-000000000000",
  esp: "6E656D65-616E-4D00-8000-000000000001",
  root: "6e656d65-616e-4d00-8000-000000000002",
  var: "6e656d65-616e-4d00-8000-000000000003",
};

/** What the kernel is told, by either boot loader. */
export const CMDLINE = [
  "root=LABEL=nemean-root",
  "ro",
  "console=tty0",
  "console=ttyS0,115200n8",
  "quiet",
  "panic=10",
  // After a power cut it mends itself, and asks nobody.
  "fsck.repair=yes",
  "systemd.gpt_auto=0",
].join(" ");

export interface DiskParts {
  /** The root file system, whose `var` becomes a partition of its own. */
  readonly root: string;
  /** Kernel and initial RAM disk. */
  readonly boot: string;
  /** Seconds since 1970 that files and file systems are dated. */
  readonly epoch: number;
}

/** Write a raw disk that starts with BIOS and with UEFI. */
export function writeDisk(disk: string, { root, boot, epoch }: DiskParts): void {
  const env = { SOURCE_DATE_EPOCH: String(epoch), E2FSPROGS_FAKE_TIME: String(epoch) };
  rmSync(disk, { force: true });
  writeFileSync(disk, "");
  truncateSync(disk, END * MIB);
  const esp = `${disk}.esp`;
  writeEsp(esp, boot, env);
  run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", disk], { input: TABLE });
  run(["dd", `if=${esp}`, `of=${disk}`, "bs=1M", `seek=${AT.esp}`, "conv=notrunc,sparse"]);
  rmSync(esp);
  // /var leaves the tree for its own partition, and comes back as an empty place to mount it.
  const data = `${root}.var`;
  rmSync(data, { recursive: true, force: true });
  renameSync(join(root, "var"), data);
  mkdirSync(join(root, "var"), { mode: 0o755 });
  try {
    writeExt4(disk, "root", root, env);
    writeExt4(disk, "var", data, env);
  } finally {
    rmSync(join(root, "var"), { recursive: true });
    renameSync(data, join(root, "var"));
  }
  run(["dd", `if=${MBR}`, `of=${disk}`, "bs=440", "count=1", "conv=notrunc"]);
}

const MBR = "/usr/lib/syslinux/mbr/gptmbr.bin";
const LOADER = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi";

const TABLE = [
  "label: gpt",
  `label-id: ${UUID.disk}`,
  `start=${AT.esp}MiB, size=${SIZE.esp}MiB, type=${TYPE.esp}, uuid=${UUID.esp}, name=nemean-esp, attrs=LegacyBIOSBootable`,
  `start=${AT.root}MiB, size=${SIZE.root}MiB, type=${TYPE.root}, uuid=${UUID.root}, name=nemean-root`,
  `start=${AT.var}MiB, size=${SIZE.var}MiB, type=${TYPE.var}, uuid=${UUID.var}, name=nemean-var`,
  "",
].join("\n");

const SYSLINUX = `SERIAL 0 115200
DEFAULT nemean
PROMPT 0
LABEL nemean
  LINUX /vmlinuz
  INITRD /initrd.img
  APPEND ${CMDLINE}
`;
const ENTRY = `title Nemean
linux /vmlinuz
initrd /initrd.img
options ${CMDLINE}
`;

function writeEsp(esp: string, boot: string, env: Record<string, string>): void {
  rmSync(esp, { force: true });
  writeFileSync(esp, "");
  truncateSync(esp, SIZE.esp * MIB);
  run(["mkfs.vfat", "--invariant", "-F", "32", "-n", "NEMEAN-ESP", esp], { env });
  const texts = { "syslinux.cfg": SYSLINUX, "nemean.conf": ENTRY, "loader.conf": "timeout 0\n" };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(boot, name), text);
  run(["mmd", "-i", esp, "::EFI", "::EFI/BOOT", "::loader", "::loader/entries", "::nemean"], {
    env,
  });
  for (const [file, to] of [
    [LOADER, "EFI/BOOT/BOOTX64.EFI"],
    [join(boot, "loader.conf"), "loader/loader.conf"],
    [join(boot, "nemean.conf"), "loader/entries/nemean.conf"],
    [join(boot, "syslinux.cfg"), "syslinux.cfg"],
    [join(boot, "vmlinuz"), "vmlinuz"],
    [join(boot, "initrd.img"), "initrd.img"],
  ])
    run(["mcopy", "-i", esp, file!, `::${to}`], { env });
  run(["syslinux", "--install", esp], { env });
}

function writeExt4(
  disk: string,
  name: "root" | "var",
  tree: string,
  env: Record<string, string>,
): void {
  const extended = [`offset=${offsetOf(name)}`, `hash_seed=${UUID[name]}`, "lazy_itable_init=1"];
  run(
    [
      ...["mkfs.ext4", "-q", "-F", "-m", "0", "-L", `nemean-${name}`],
      ...["-U", UUID[name], "-E", extended.join(","), "-d", tree, disk, `${SIZE[name]}M`],
    ],
    { env },
  );
}

/** The disk as it is handed out. */
export function compress(disk: string, image: string): void {
  rmSync(image, { force: true });
  run([
    ...["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2"],
    ...["-o", "compression_type=zstd", disk, image],
  ]);
}
