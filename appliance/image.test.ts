// SPDX-License-Identifier: BSD-3-Clause
/** What makes up the image, tested without making it: `npm run appliance:test` boots it. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { qemuCommand } from "./machine.ts";
import { debianParts, npmParts, spdx } from "./sbom.ts";
import { hostNames, scan } from "./scan.ts";
import { authorizedKey } from "./ssh-key.ts";

const ROOT = join(import.meta.dir, "..");
const OVERLAY = join(import.meta.dir, "overlay");
const folder = mkdtempSync(join(tmpdir(), "appliance-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the SBOM", () => {
  const STATUS = `Package: libpcap0.8
Status: install ok installed
Architecture: amd64
Version: 1.10.3-1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
`;

  test("has what dpkg has installed, and not what it has removed", () => {
    expect(debianParts(STATUS)).toEqual([
      {
        name: "libpcap0.8",
        version: "1.10.3-1",
        purl: "pkg:deb/debian/libpcap0.8@1.10.3-1?arch=amd64&distro=debian-12",
      },
    ]);
  });

  test("has what the product runs with of npm, not what it is tested with", () => {
    const lock = readFileSync(join(ROOT, "bun.lock"), "utf8");
    const parts = npmParts(lock, () => "MIT");
    const names = parts.map(({ name }) => name);
    expect(names).toContain("elysia");
    expect(names).toContain("memoirist"); // Elysia's.
    expect(names).not.toContain("typescript");
    expect(names).not.toContain("@bun/ffi-libpcap-bindings");
    for (const { sha512, version } of parts) {
      expect(sha512).toMatch(/^[0-9a-f]{128}$/);
      expect(version).toMatch(/^\d/);
    }
  });

  test("is SPDX in which each part has its own id and is contained in the image", () => {
    const whole = {
      name: "nemean-appliance",
      version: "1",
      purl: "pkg:generic/nemean-appliance@1",
    };
    const text = spdx(whole, debianParts(STATUS), 0);
    const { packages, relationships, creationInfo } = JSON.parse(text);
    expect(creationInfo.created).toBe("1970-01-01T00:00:00Z");
    expect(new Set(packages.map(({ SPDXID }: { SPDXID: string }) => SPDXID)).size).toBe(2);
    expect(relationships).toEqual([
      {
        spdxElementId: packages[0].SPDXID,
        relationshipType: "CONTAINS",
        relatedSpdxElement: packages[1].SPDXID,
      },
    ]);
    expect(spdx(whole, debianParts(STATUS), 0)).toBe(text);
  });
});

describe("the scan for names", () => {
  const tree = join(folder, "tree");
  mkdirSync(join(tree, "usr/bin"), { recursive: true });
  mkdirSync(join(tree, "etc"));

  test("finds a private mirror anywhere, in binaries too", () => {
    const names = hostNames(
      [{ uri: "http://mirror.corp.example/debian", suite: "bookworm", signedBy: undefined }],
      ["https://packages.corp.example/npm/", "", "localhost"],
    );
    expect(names).toEqual(["mirror.corp.example", "packages.corp.example"]);
    writeFileSync(join(tree, "usr/bin/bun"), "\0\0packages.corp.example\0");
    expect(() => scan(names, tree, [tree])).toThrow("usr/bin/bun");
  });

  test("lets a name that everybody uses stand in a program that was published with it, and nowhere else", () => {
    const name = ["npmjs", "org"].join(".");
    writeFileSync(join(tree, "usr/bin/bun"), `\0${name}\0`);
    expect(() => scan([name], tree, [tree])).not.toThrow();
    writeFileSync(join(tree, "etc/x.conf"), `from ${name}`);
    expect(() => scan([name], tree, [tree])).toThrow("etc/x.conf");
  });
});

describe("the role of a network port", () => {
  const PORTS = { "0000:00:02.0": "ens2", "0000:00:03.0": "ens3", "0000:00:10.0": "ens16" };

  /** A machine with these ports: sysfs as the script sees it. */
  function machine(name: string, classOf: (slot: string) => string = () => "0x020000"): string {
    const root = join(folder, name);
    for (const [index, [slot, port]] of Object.entries(PORTS).entries()) {
      const device = join(root, "sys/devices/pci0000:00", slot);
      // A virtio device stands between the slot and the interface.
      mkdirSync(join(device, "virtio1/net", port), { recursive: true });
      writeFileSync(join(device, "class"), `${classOf(slot)}\n`);
      writeFileSync(join(device, "virtio1/net", port, "address"), `02:00:00:00:00:0${index}\n`);
      symlinkSync("../..", join(device, "virtio1/net", port, "device"));
      for (const at of ["sys/bus/pci/devices", "sys/class/net"])
        mkdirSync(join(root, at), { recursive: true });
      symlinkSync(device, join(root, "sys/bus/pci/devices", slot));
      symlinkSync(join(device, "virtio1/net", port), join(root, "sys/class/net", port));
    }
    return root;
  }
  const role = (root: string, port: string): string => {
    const script = join(OVERLAY, "usr/lib/nemean/port-role");
    const { stdout } = Bun.spawnSync([script, port], {
      env: { ...process.env, NEMEAN_SYSROOT: root },
    });
    return stdout.toString().trim();
  };

  test("is that of management for the first on the bus, and of a tap for the others", () => {
    const root = machine("usual");
    expect(role(root, "ens2")).toBe("management mgmt0");
    expect(role(root, "ens3")).toBe("tap tap0");
    expect(role(root, "ens16")).toBe("tap tap1");
  });

  test("counts network ports only", () => {
    const root = machine("disk", (slot) => (slot === "0000:00:02.0" ? "0x010000" : "0x020000"));
    expect(role(root, "ens3")).toBe("management mgmt0");
    expect(role(root, "ens16")).toBe("tap tap0");
  });

  test("is what the operator's list of addresses says, and none for a port that is not in it", () => {
    const root = machine("listed");
    mkdirSync(join(root, "etc"));
    writeFileSync(
      join(root, "etc/nemean-ports"),
      "# ports\n02:00:00:00:00:02\n\n02:00:00:00:00:00\n",
    );
    expect(role(root, "ens16")).toBe("management mgmt0");
    expect(role(root, "ens2")).toBe("tap tap0");
    expect(role(root, "ens3")).toBe("");
  });
});

describe("the machine", () => {
  const base = { disk: "/a,b.qcow2", api: 1, tap: { local: 2, remote: 3 } };

  test("listens on loopback alone, and its network leads nowhere", () => {
    const line = qemuCommand({ ...base, ssh: 4 }).join(" ");
    expect(line).toContain("restrict=on");
    for (const [, address] of line.matchAll(/hostfwd=tcp:([^:]*):/g))
      expect(address).toBe("127.0.0.1");
    expect(line).not.toContain("qemu64");
  });

  test("is given commas in a path, and credentials, unharmed", () => {
    const command = qemuCommand({ ...base, credentials: { "nemean.toml": "a = 1,\n" } });
    expect(command.join(" ")).toContain("file=/a,,b.qcow2");
    const value = command.find((each) => each.startsWith("type=11"))!;
    const text = value.slice("type=11,value=io.systemd.credential.binary:nemean.toml=".length);
    expect(Buffer.from(text, "base64").toString()).toBe("a = 1,\n");
  });

  test("lets a key in by lines of tmpfiles.d without a blank in the key", () => {
    const [, line] = authorizedKey("ssh-ed25519 AAAA test\n").split("\n");
    expect(line).toBe(
      "f /root/.ssh/authorized_keys 0600 root root - ssh-ed25519\\x20AAAA\\x20test\\n",
    );
  });
});

const HAS_ANALYZE = Bun.which("systemd-analyze") !== null;
const OWN = [
  "nemean-firstboot.service",
  "nemean-issue.service",
  "nemean-cpu.service",
  "nemean-health.service",
];

describe(`units of the image${HAS_ANALYZE ? "" : " (no systemd-analyze here)"}`, () => {
  test.skipIf(!HAS_ANALYZE).each(OWN)(
    "security holds %s to an exposure of 15 tenths",
    (name) => {
      const units = join(folder, "units");
      cpSync(join(ROOT, "systemd"), units, { recursive: true });
      cpSync(join(OVERLAY, "usr/lib/systemd/system"), units, { recursive: true });
      const { exitCode, stdout } = Bun.spawnSync(
        ["systemd-analyze", "--no-pager", "security", "--offline=true", "--threshold=15", name],
        { cwd: units },
      );
      expect(stdout.toString()).toContain("Overall exposure level");
      expect(exitCode).toBe(0);
    },
    60_000,
  );
});

test("the image's configuration is sound", () => {
  const file = join(OVERLAY, "usr/share/nemean/appliance.toml");
  const { exitCode, stderr } = Bun.spawnSync(
    [process.execPath, "src/main.ts", "config", "check", file],
    {
      cwd: ROOT,
    },
  );
  expect([exitCode, stderr.toString()]).toEqual([0, expect.stringContaining("is sound")]);
});

const HAS_PACKER = Bun.which("packer") !== null && Bun.which("ssh-keygen") !== null;
describe(`Packer's template${HAS_PACKER ? "" : " (no packer or ssh-keygen here)"}`, () => {
  const packer = (...args: string[]) =>
    Bun.spawnSync(["packer", ...args], {
      cwd: ROOT,
      env: { ...process.env, CHECKPOINT_DISABLE: "1" },
    });

  test.skipIf(!HAS_PACKER)("is formatted", () => {
    expect(packer("fmt", "-check", "packer/nemean.pkr.hcl").exitCode).toBe(0);
  });

  test.skipIf(!HAS_PACKER)(
    "is valid",
    () => {
      const key = join(folder, "key");
      Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]);
      const disk = join(folder, "disk.qcow2");
      writeFileSync(disk, "");
      const values = {
        image: disk,
        sha256: "0".repeat(64),
        key,
        tmpfiles: "",
        out: join(folder, "out"),
      };
      const args = Object.entries(values).flatMap(([name, value]) => ["-var", `${name}=${value}`]);
      const { exitCode, stdout } = packer("validate", ...args, "packer/nemean.pkr.hcl");
      expect([exitCode, stdout.toString()]).toEqual([0, expect.any(String)]);
    },
    60_000,
  );
});
