// SPDX-License-Identifier: BSD-3-Clause
/**
 * `npm run appliance:test`: boots the image, puts traffic on its tap port, and reads counts and alerts from outside.
 *
 *   bun appliance/test/boot-test.ts [--only bios|uefi|kernel|none] [--power-cuts N] [IMAGE]
 *
 * `kernel` starts the kernel beside the image without its boot loader, which is what CI has time for.
 */
import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { IMAGE, OUT } from "../build.ts";
import { BuildError, run } from "../command.ts";
import { freePorts, hasKvm, Machine, type MachineOptions } from "../machine.ts";
import { apiAnswers, ask, setupToken, until } from "../watch.ts";
import {
  type Box,
  checkCages,
  checkCollector,
  checkDoctor,
  checkHealth,
  checkJournal,
  checkNotify,
  checkPolkit,
  checkSystem,
  checkTap,
  checkWatchdog,
} from "./checks.ts";
import { Client } from "./client.ts";
import { Guest } from "./guest.ts";
import { identity, tapPort } from "./inspect.ts";
import { powerCuts } from "./power-cut.ts";
import { Receiver, SIEM } from "./receiver.ts";
import { Report } from "./report.ts";
import { checkSecrets } from "./secrets.ts";
import { TapCable } from "./tap.ts";
import { download, portScan, SCANNER_TEXT, SILENT_SCANNER_TEXT, silentScan } from "./traffic.ts";

type Start = "bios" | "uefi" | "kernel";
const PASSWORD = "correct horse battery staple";
const API_SECONDS_MAX = 150;
const API_CPU_SECONDS_MAX = 90;
const ALERT_SECONDS_MAX = 15;
/** Larger than the image, so that /var has something to grow by. */
const DISK_GIGABYTES = 5;

/** The image's own configuration, and a SIEM. */
const CONFIG = `data = "/var/lib/nemean"
[[sources]]
interface = "tap0"
[collectors.routers]
listen = "udp:0.0.0.0:4739"
[flows]
ipfix = "udp:10.0.2.100:4739"
[modules.vportscan]
process = true
[api]
host = "0.0.0.0"
tls = true
port = 443
[sinks.siem]
exporter = "syslog"
host = "10.0.2.100"
port = 6514
transport = "tls"
format = "cef"
ca = "/etc/siem-ca.pem"
`;

/** To the last block, root's own too. */
const FILL =
  "fallocate -l $(df -B1 --output=avail /var | tail -n 1) /var/fill; dd if=/dev/zero of=/var/fill bs=64k oflag=append conv=notrunc 2>/dev/null; sync";

class BootTest {
  readonly #report = new Report();
  readonly #folder = mkdtempSync(join(tmpdir(), "nemean-boot-"));
  readonly #receiver = new Receiver(this.#folder);
  readonly #image: string;
  readonly #identities: Record<string, string>[] = [];

  constructor(image: string) {
    this.#image = image;
  }

  async run(firmwares: readonly Start[], cuts: number): Promise<boolean> {
    const report = this.#report;
    const megabytes = statSync(this.#image).size / 1e6;
    report.figure("image", `${megabytes.toFixed(1)} MB`);
    report.check("the image weighs at most 250 MB", megabytes <= 250);
    try {
      checkSecrets(report, this.#image, this.#folder);
      for (const firmware of firmwares) await this.#boot(firmware, firmware === firmwares[0]);
      const [first, second] = this.#identities;
      if (first && second)
        for (const [name, text] of Object.entries(first))
          report.check(`two machines differ in ${name}`, text !== "" && text !== second[name]);
      if (cuts > 0) await powerCuts(report, { image: this.#image, folder: this.#folder }, cuts);
      rmSync(this.#folder, { recursive: true });
    } catch (error) {
      console.log(`the disks are kept in ${this.#folder}`);
      throw error;
    } finally {
      this.#receiver[Symbol.dispose]();
    }
    return report.close();
  }

  async #boot(firmware: Start, isWhole: boolean): Promise<void> {
    const report = this.#report;
    report.title(`${firmware.toUpperCase()}, ${hasKvm() ? "KVM" : "TCG"}`);
    const disk = join(this.#folder, `${firmware}.qcow2`);
    const grown = isWhole ? { diskGigabytes: DISK_GIGABYTES } : {};
    const size = isWhole ? [`${DISK_GIGABYTES}G`] : [];
    run([
      "qemu-img",
      "create",
      "-q",
      "-f",
      "qcow2",
      "-F",
      "qcow2",
      "-b",
      this.#image,
      disk,
      ...size,
    ]);
    const [api, ssh, local, remote] = freePorts(4) as [number, number, number, number];
    using cable = await TapCable.connect(remote, local);
    const folder = mkdtempSync(join(this.#folder, "guest-"));
    const guest = new Guest(folder, ssh);
    const pem = this.#receiver.certificate.replaceAll("\n", "\\n");
    const options: MachineOptions = {
      ...{ disk, api, ssh, tap: { local, remote } },
      ...(firmware === "kernel" ? { kernel: join(dirname(this.#image), "boot") } : { firmware }),
      services: { [SIEM]: this.#receiver.program },
      credentials: {
        "nemean.toml": CONFIG,
        "tmpfiles.extra": `${guest.tmpfiles}f /etc/siem-ca.pem 0644 root root - ${pem}\n`,
      },
    };
    const log = join(OUT, `serial-${firmware}.log`);
    writeFileSync(log, "");
    await using machine = new Machine(options, (text) => appendFileSync(log, text));
    await this.#look(
      { machine, guest, cable, url: `https://127.0.0.1:${api}/`, ...grown },
      isWhole,
    );
  }

  async #look(box: Box, isWhole: boolean): Promise<void> {
    const report = this.#report;
    const { machine, guest, url } = box;
    const begin = performance.now();
    await apiAnswers(machine, url);
    const seconds = (performance.now() - begin) / 1000;
    const cpu = machine.cpuSeconds;
    report.figure("boot to API", `${seconds.toFixed(1)} s, ${cpu.toFixed(1)} qemu CPU s`);
    report.check(
      `the API answers within ${API_SECONDS_MAX} s or ${API_CPU_SECONDS_MAX} CPU s`,
      seconds <= API_SECONDS_MAX || cpu <= API_CPU_SECONDS_MAX,
    );
    const token = await setupToken(machine);
    report.check("the serial console shows the one-time setup token", token !== "");
    const client = await Client.setUp(url, token, PASSWORD);
    report.check("the token makes the first admin", true);
    const again = await Client.setUp(url, token, PASSWORD).then(
      () => true,
      () => false,
    );
    report.check("the token works once", !again);
    await until(machine, "ssh", () => guest.try("true"));
    this.#identities.push({ token, ...identity(guest) });
    await checkSystem(report, box);
    checkTap(report, guest);
    if (!isWhole) return;
    await this.#traffic(box, client);
    await this.#alert(box, client);
    await checkNotify(report, box);
    checkCages(report, guest);
    checkJournal(report, guest);
    checkPolkit(report, guest);
    await checkCollector(report, box);
    await checkDoctor(report, box);
    await checkHealth(report, box);
    await checkWatchdog(report, box);
    await apiAnswers(box.machine, box.url);
    await this.#reboot(box, client);
  }

  /** Frames and bytes that were counted while others were sent. */
  async #counted(box: Box, client: Client, frames: readonly Uint8Array[]) {
    const meter = async () => (await client.stats()).sources[0]?.meter;
    const before = await until(box.machine, "a capture", meter);
    const bytes = await box.cable.send(frames);
    let last = -1;
    const after = await until(box.machine, "counts that stand still", async () => {
      await Bun.sleep(1500);
      const now = await meter();
      const isStill = now !== undefined && now.packets === last && last > before.packets;
      last = now?.packets ?? -1;
      return isStill ? now : undefined;
    });
    const packets = after.packets - before.packets;
    return { sent: frames.length, bytes, packets, counted: after.bytes - before.bytes };
  }

  async #traffic(box: Box, client: Client): Promise<void> {
    const report = this.#report;
    const { guest, cable } = box;
    await until(box.machine, "capture", async () => {
      const [source] = (await client.stats()).sources;
      return source?.capture ? source : undefined;
    });
    guest.do("ethtool -K tap0 gro on");
    const merged = await this.#counted(box, client, download(700, 50_001));
    report.figure(
      "with GRO",
      `${merged.packets} of ${merged.sent} frames, ${merged.counted} of ${merged.bytes} bytes`,
    );
    report.check("with GRO the counts would be wrong", merged.packets < merged.sent);
    guest.do("ethtool -K tap0 gro off");
    const exact = await this.#counted(box, client, download(700, 50_002));
    report.figure(
      "as the image is",
      `${exact.packets} of ${exact.sent} frames, ${exact.counted} of ${exact.bytes} bytes`,
    );
    report.check("frames counted are frames injected", exact.packets === exact.sent);
    report.check("bytes counted are bytes injected", exact.counted === exact.bytes);
    report.check("the tap has sent nothing", tapPort(guest).sent === 0 && cable.heard === 0);
  }

  async #alert({ machine, cable }: Box, client: Client): Promise<void> {
    const report = this.#report;
    const toSiem = async (
      what: string,
      scan: readonly Uint8Array[],
      scanner: string,
    ): Promise<void> => {
      const begin = performance.now();
      await cable.send(scan);
      const found = () => this.#receiver.text.includes(scanner) || undefined;
      await until(machine, `the alert of a ${what}`, found);
      const seconds = (performance.now() - begin) / 1000;
      report.figure(`${what} to SIEM`, `${seconds.toFixed(1)} s`);
      report.check(
        `the SIEM has the ${what} within ${ALERT_SECONDS_MAX} s`,
        seconds <= ALERT_SECONDS_MAX,
      );
    };
    await toSiem("scan", portScan(120), SCANNER_TEXT);
    await toSiem("scan that nobody answers", silentScan(120), SILENT_SCANNER_TEXT);
    const alerts = await client.alerts();
    report.check(
      "the API shows the scan",
      alerts.some((alert) => JSON.stringify(alert).includes(SCANNER_TEXT)),
    );
  }

  async #reboot(box: Box, client: Client): Promise<void> {
    const report = this.#report;
    const { machine, guest, url } = box;
    const boot = guest.do("cat /proc/sys/kernel/random/boot_id");
    const before = (await client.alerts()).map(({ id }) => id);
    const config = await client.get("api/v1/config");
    guest.do(FILL);
    report.check("/var is full", Number(guest.do("findmnt -bno AVAIL /var")) < 1e6);
    guest.try("systemctl reboot");
    await until(machine, "another boot", () => {
      const now = guest.try("cat /proc/sys/kernel/random/boot_id");
      return now !== undefined && now !== "" && now !== boot ? now : undefined;
    });
    await apiAnswers(machine, url);
    report.check("a full /var does not stop the boot", true);
    const units = guest.do("systemctl list-units --failed --plain --no-legend").trim();
    report.figure("failed units with a full /var", units === "" ? "none" : units);
    guest.do("rm /var/fill");
    await until(machine, "a product that is well", async () => {
      const { status } = (await (await ask(`${url}healthz`)).json()) as { status: string };
      return status === "ok" || undefined;
    });
    report.check("it is well again as soon as there is room", true);
    const later = await Client.logIn(url, PASSWORD);
    const kept = new Set((await later.alerts()).map(({ id }) => id));
    report.check("a reboot keeps users", true);
    report.check("a reboot keeps alerts", before.length > 0 && before.every((id) => kept.has(id)));
    report.check(
      "a reboot keeps the configuration",
      Bun.deepEquals(await later.get("api/v1/config"), config),
    );
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" }, "power-cuts": { type: "string" } },
});
// Leaving by the door takes the machine along.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const image = positionals[0] ?? join(OUT, IMAGE);
try {
  if (!existsSync(image)) throw new BuildError(`${image} is not there: npm run appliance makes it`);
  const firmwares = (["bios", "uefi", "kernel"] as const).filter((each) =>
    values.only === undefined ? each !== "kernel" : each === values.only,
  );
  process.exitCode = (await new BootTest(image).run(firmwares, Number(values["power-cuts"] ?? 0)))
    ? 0
    : 1;
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`appliance: ${error.message}`);
  process.exitCode = 1;
}
