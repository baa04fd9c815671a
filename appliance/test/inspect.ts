// SPDX-License-Identifier: BSD-3-Clause
/** What the test looks at inside of the machine. @module */
import type { Guest } from "./guest.ts";

export interface Process {
  readonly unit: string;
  readonly uid: number;
  readonly capEff: string;
  readonly noNewPrivs: boolean;
  /** A filter of system calls is in force. */
  readonly seccomp: boolean;
}

/** CAP_NET_RAW and nothing else. */
export const NET_RAW = "0000000000002000";
export const NO_CAPABILITY = "0000000000000000";

const LOOK = `for exe in /proc/[0-9]*/exe; do
  [ "$(readlink $exe)" = /usr/bin/bun ] || continue
  pid=\${exe%/exe}
  echo "== $(sed -n 's/^0::.*\\///p' $pid/cgroup)"
  grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' $pid/status
done`;

/** Every process that runs Bun, which is all there is of Nemean. */
export const processes = (guest: Guest): Process[] =>
  guest
    .do(LOOK)
    .split("== ")
    .slice(1)
    .map((text) => {
      const field = (name: string): string =>
        new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(text)?.[1] ?? "";
      return {
        unit: text.split("\n", 1)[0]!,
        uid: Number(field("Uid")),
        capEff: field("CapEff"),
        noNewPrivs: field("NoNewPrivs") === "1",
        seccomp: field("Seccomp") === "2",
      };
    });

export interface TapPort {
  readonly promiscuous: boolean;
  readonly addresses: number;
  readonly sent: number;
  readonly offloads: readonly string[];
  /** Descriptors of the receive ring, and how many there may be. */
  readonly ring: { readonly current: number; readonly max: number };
}

const MERGING = [
  "generic-receive-offload",
  "large-receive-offload",
  "tcp-segmentation-offload",
  "generic-segmentation-offload",
];

export function tapPort(guest: Guest): TapPort {
  const [link] = JSON.parse(guest.do("ip -json -details address show tap0")) as [
    { promiscuity: number; addr_info: unknown[] },
  ];
  const [max = 0, current = 0] = [...guest.do("ethtool -g tap0").matchAll(/^RX:\s+(\d+)/gm)].map(
    ([, count]) => Number(count),
  );
  const offloads = guest.do("ethtool -k tap0").split("\n");
  return {
    promiscuous: link.promiscuity > 0,
    addresses: link.addr_info.length,
    ring: { current, max },
    sent: Number(guest.do("cat /sys/class/net/tap0/statistics/tx_packets")),
    offloads: offloads.flatMap((line) => {
      const [name, state] = line.trim().split(": ");
      return MERGING.includes(name!) && state?.startsWith("on") ? [name!] : [];
    }),
  };
}

/** What no two machines may share. */
export const identity = (guest: Guest): Record<string, string> => ({
  "machine id": guest.do("cat /etc/machine-id").trim(),
  "host key": guest.do("cat /etc/ssh/ssh_host_ed25519_key.pub").trim(),
  certificate: guest.do("sha256sum </var/lib/nemean/tls/cert.pem").trim(),
});
