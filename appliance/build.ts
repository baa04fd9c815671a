// SPDX-License-Identifier: BSD-3-Clause
/**
 * `npm run appliance`: makes the disk image, its SBOM, a manifest and their checksums.
 *
 *   bun appliance/build.ts [--out FOLDER] [--metal | --box PUBLIC_KEY]
 *
 * --metal has the kernel with drivers of real hardware. --box makes the disk of the box for Vagrant, which that key lets
 * in: packer/README.md.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { addVagrantUser, BOX_PACKAGES } from "./box.ts";
import { BuildError, run, step } from "./command.ts";
import { compress, writeDisk } from "./disk.ts";
import { debianTar, install, packagesFor, settle, unpack } from "./rootfs.ts";
import { debianParts, declaredLicence, npmParts, type Part, spdx } from "./sbom.ts";
import { hostNames, scan } from "./scan.ts";
import { hostSources } from "./sources.ts";

const ROOT = join(import.meta.dir, "..");
export const OUT = join(ROOT, ".cache/appliance");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
export const VERSION: string = JSON.parse(read("package.json")).version;
export const IMAGE = `nemean-${VERSION}-amd64.qcow2`;

/** The most an image may weigh. */
const BYTES_MAX = 250e6;

interface Flavour {
  readonly metal?: boolean | undefined;
  /** File of a public key. */
  readonly box?: string | undefined;
}

function imageName({ metal, box }: Flavour): string {
  if (metal) return IMAGE.replace(".qcow2", "-metal.qcow2");
  return box === undefined ? IMAGE : IMAGE.replace(".qcow2", "-box.qcow2");
}

/** When all of it was made: the time of what is built, so that equal input gives equal output. */
function epochOfBuild(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined) return Number(given);
  const { exitCode, stdout } = Bun.spawnSync(["git", "log", "-1", "--format=%ct"], { cwd: ROOT });
  return exitCode === 0
    ? Number(stdout)
    : Math.floor(statSync(join(ROOT, "package.json")).mtimeMs / 1000);
}

function registries(): string[] {
  const { stdout } = Bun.which("npm")
    ? Bun.spawnSync(["npm", "config", "get", "registry"], { cwd: ROOT })
    : { stdout: "" };
  const names = ["npm_config_registry", "BUN_CONFIG_REGISTRY", "http_proxy", "https_proxy"];
  return [stdout.toString().trim(), ...names.map((name) => process.env[name] ?? "")];
}

function parts(root: string): Part[] {
  const bun = Bun.version;
  return [
    ...debianParts(readFileSync(join(root, "var/lib/dpkg/status"), "utf8")),
    ...npmParts(read("bun.lock"), (name) => declaredLicence(ROOT, name)),
    { name: "bun", version: bun, purl: `pkg:npm/%40oven/bun-linux-x64@${bun}`, licence: "MIT" },
  ];
}

const sha256 = (file: string): string => run(["sha256sum", file]).split(" ", 1)[0]!;

function build(out: string, flavour: Flavour): void {
  const { metal = false, box } = flavour;
  if (process.getuid?.() !== 0)
    throw new BuildError("the files of an image are root's: run as root");
  if (Bun.version !== read(".bun-version").trim())
    throw new BuildError(`Bun ${Bun.version} is not the one that the project pins`);
  const epoch = epochOfBuild();
  const sources = hostSources();
  const names = hostNames(sources, registries());
  const root = join(out, "root");
  const boot = join(out, "boot");
  const disk = join(out, "disk.raw");
  const image = join(out, imageName(flavour));
  const sbom = join(out, `nemean-${VERSION}.spdx.json`);
  const manifest = join(out, "manifest.json");
  mkdirSync(out, { recursive: true });
  process.umask(0o022);

  const packages = [...packagesFor(metal), ...(box === undefined ? [] : BOX_PACKAGES)];
  const tar = step("Debian", () => debianTar(out, { sources, epoch, packages }));
  step("unpack", () => unpack(tar, root));
  step("install Nemean", () => install(root, process.execPath));
  const contents = parts(root);
  step("settle", () => settle(root, boot));
  if (box !== undefined) addVagrantUser(root, readFileSync(box, "utf8"));
  const whole = {
    name: "nemean-appliance",
    version: VERSION,
    purl: `pkg:generic/nemean-appliance@${VERSION}`,
  };
  writeFileSync(sbom, spdx({ ...whole, licence: "BSD-3-Clause" }, contents, epoch));
  writeFileSync(join(root, "usr/share/nemean/sbom.spdx.json"), readFileSync(sbom));
  step("look for names of mirrors", () => scan(names, root, [root, sbom, boot]));
  // Whatever is newer was written by this build.
  run(["find", root, "-newermt", `@${epoch}`, "-exec", "touch", "-hd", `@${epoch}`, "{}", "+"]);
  step("disk", () => writeDisk(disk, { root, boot, epoch }));
  step("compress", () => compress(disk, image));
  rmSync(disk);

  const bytes = statSync(image).size;
  writeFileSync(
    manifest,
    `${JSON.stringify(
      {
        name: "nemean-appliance",
        version: VERSION,
        image: { file: basename(image), format: "qcow2", bytes, sha256: sha256(image) },
        sbom: { file: basename(sbom), sha256: sha256(sbom) },
        debian: "12",
        bun: Bun.version,
        packages: contents.length,
      },
      null,
      2,
    )}\n`,
  );
  scan(names, out, [manifest]);
  const sums = [image, sbom, manifest].map((file) => `${sha256(file)}  ${basename(file)}\n`);
  writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
  console.log(`${image}: ${(bytes / 1e6).toFixed(1)} MB, ${contents.length} packages`);
  if (bytes > BYTES_MAX) throw new BuildError(`larger than ${BYTES_MAX / 1e6} MB`);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { out: { type: "string" }, box: { type: "string" }, metal: { type: "boolean" } },
  });
  try {
    build(values.out ?? OUT, values);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`appliance: ${error.message}`);
    process.exitCode = 1;
  }
}
