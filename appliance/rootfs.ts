// SPDX-License-Identifier: BSD-3-Clause
/** The root file system: Debian, then what makes it Nemean. @module */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { BuildError, run } from "./command.ts";
import { RELEASE, type Source, sourceLine } from "./sources.ts";

const ROOT = join(import.meta.dir, "..");

/** Lines of a list, without comments. */
export const listed = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));

const KERNEL = { virtual: "linux-image-cloud-amd64", real: "linux-image-amd64" } as const;

/** What is installed: the kernel of virtual machines knows none of real network cards. */
export const packagesFor = (metal: boolean): string[] =>
  listed(readFileSync(join(import.meta.dir, "packages.list"), "utf8")).map((name) =>
    metal && name === KERNEL.virtual ? KERNEL.real : name,
  );

const DROPPED = ["doc/*", "man/*", "locale/*", "info/*", "bash-completion/*"];
/** A mirror that falls silent is asked again, and not waited for. */
const APT = [
  'Apt::Install-Recommends "false"',
  'Acquire::Retries "5"',
  'Acquire::http::Timeout "20"',
  'Acquire::https::Timeout "20"',
];

/** Debian as a tar file, made once for a list of packages and a set of sources. */
export function debianTar(
  cache: string,
  {
    sources,
    epoch,
    packages,
  }: { sources: readonly Source[]; epoch: number; packages: readonly string[] },
): string {
  const lines = sources.map(sourceLine);
  const names = packages.join(",");
  const key = new Bun.CryptoHasher("sha256").update([...lines, names, ...APT].join("\n"));
  const tar = join(cache, `debian-${key.digest("hex").slice(0, 16)}.tar`);
  if (existsSync(tar)) return tar;
  const part = `${tar}.part`;
  run(
    [
      "mmdebstrap",
      // Without apt: the image is replaced as a whole, and asks no mirror.
      "--variant=essential",
      "--mode=root",
      "--format=tar",
      `--include=${names}`,
      ...DROPPED.map((path) => `--dpkgopt=path-exclude=/usr/share/${path}`),
      "--dpkgopt=path-include=/usr/share/doc/*/copyright",
      ...APT.map((option) => `--aptopt=${option}`),
      RELEASE,
      part,
      "-",
    ],
    { env: { SOURCE_DATE_EPOCH: String(epoch) }, input: `${lines.join("\n")}\n` },
  );
  renameSync(part, tar);
  return tar;
}

/** Unpack Debian into an empty folder. */
export function unpack(tar: string, root: string): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  run(["tar", "-C", root, "--numeric-owner", "--xattrs", "-xpf", tar]);
}

const UNITS = "usr/lib/systemd/system";

/** Put in the product: Bun, one JavaScript file, units, and the appliance's own files. */
export function install(root: string, bun: string): void {
  run(["cp", "-a", "--no-preserve=ownership", `${join(import.meta.dir, "overlay")}/.`, root]);
  const units = join(ROOT, "systemd");
  for (const name of readdirSync(units)) {
    if (/\.(service|target|slice)$/.test(name)) put(join(units, name), join(root, UNITS, name));
  }
  const sandbox = "nemean-.service.d/10-sandbox.conf";
  put(join(units, sandbox), join(root, UNITS, sandbox));
  put(join(units, "nemean.sysusers"), join(root, "usr/lib/sysusers.d/nemean.conf"));
  put(join(units, "nemean.tmpfiles"), join(root, "usr/lib/tmpfiles.d/nemean.conf"));
  put(join(units, "nemean.preset"), join(root, "usr/lib/systemd/system-preset/80-nemean.preset"));
  put(join(units, "nemean.rules"), join(root, "etc/polkit-1/rules.d/50-nemean.rules"));
  put(bun, join(root, "usr/bin/bun"), 0o755);
  const main = join(root, "usr/lib/nemean/main.js");
  run([bun, "build", "src/main.ts", "--target=bun", `--outfile=${main}`], { cwd: ROOT });
  chmodSync(main, 0o644);
  const starter = join(root, "usr/bin/nemean");
  writeFileSync(starter, '#!/bin/sh\nexec /usr/bin/bun /usr/lib/nemean/main.js "$@"\n');
  chmodSync(starter, 0o755);
}

function put(from: string, to: string, mode = 0o644): void {
  mkdirSync(join(to, ".."), { recursive: true, mode: 0o755 });
  copyFileSync(from, to);
  chmodSync(to, mode);
}

/** What is of the build and of no machine, or would be the same in each. */
const REMOVED = [
  "etc/apt",
  "etc/group-",
  "etc/gshadow-",
  "etc/issue", // Or getty would not look at that of /run.
  "etc/passwd-",
  "etc/shadow-",
  "etc/subgid-",
  "etc/subuid-",
  "etc/resolv.conf",
  "var/lib/apt",
  "var/lib/dbus/machine-id",
  "var/lib/dpkg/available",
  "var/lib/systemd/random-seed",
];
const EMPTIED = ["boot", "run", "tmp", "var/cache", "var/log", "var/tmp"];

/** Users, units that start, the initial RAM disk; then all that is of the build is taken out. */
export function settle(root: string, boot: string): void {
  const inside = (...command: string[]): string => run(["chroot", root, ...command]);
  inside("systemd-sysusers");
  inside("usermod", "-p", "*", "root");
  for (const line of presets(root)) inside("systemctl", "preset", line);
  inside("update-initramfs", "-c", "-k", "all");
  mkdirSync(boot, { recursive: true });
  for (const [pattern, name] of [
    [/^vmlinuz-/, "vmlinuz"],
    [/^initrd\.img-/, "initrd.img"],
  ] as const) {
    const file = readdirSync(join(root, "boot")).find((each) => pattern.test(each));
    if (file === undefined) throw new BuildError(`no ${name} in the root file system`);
    copyFileSync(join(root, "boot", file), join(boot, name));
  }
  for (const name of readdirSync(join(root, "etc/ssh")))
    if (name.startsWith("ssh_host_")) rmSync(join(root, "etc/ssh", name));
  for (const path of REMOVED) rmSync(join(root, path), { recursive: true, force: true });
  for (const path of EMPTIED) {
    for (const name of readdirSync(join(root, path)))
      rmSync(join(root, path, name), { recursive: true });
  }
  for (const name of ["vmlinuz", "vmlinuz.old", "initrd.img", "initrd.img.old"])
    rmSync(join(root, name), { force: true });
  mkdirSync(join(root, "var/log/journal"), { mode: 0o755 });
  mkdirSync(join(root, "efi"), { mode: 0o700 });
  // Empty, each machine gets its own and keeps it; "uninitialized" would have the first boot ask questions.
  writeFileSync(join(root, "etc/machine-id"), "");
  symlinkSync("../run/systemd/resolve/stub-resolv.conf", join(root, "etc/resolv.conf"));
}

function presets(root: string): string[] {
  const folder = join(root, "usr/lib/systemd/system-preset");
  return ["70-nemean-appliance.preset", "80-nemean.preset"].flatMap((name) =>
    listed(readFileSync(join(folder, name), "utf8")).map((line) => line.split(/\s+/)[1]!),
  );
}
