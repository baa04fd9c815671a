// SPDX-License-Identifier: BSD-3-Clause
import { NemeanError, usageError } from "../core/errors.ts";
import { defineModule, param } from "../core/module.ts";
import { COMPRESSIONS, type Compression } from "../core/nfdump/compression.ts";
import { NfdumpWriter } from "../core/nfdump/file-writer.ts";
import { RecordEncoder } from "../core/nfdump/record-encoder.ts";
import type { AnyReader } from "../core/unirec/reader.ts";
import { biflow } from "../core/unirec/template.ts";

/** Characters of a source's name: what nfdump 1.6 has room for. */
const IDENT_MAX = 127;

/** What files have room for; a stream need only have the fields of any flow. */
const FLOW = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, ?uint8 TCP_FLAGS, ?uint8 TOS, ?uint32 PACKETS_REV, ?uint64 BYTES_REV, ?uint64 FLOWS,
  ?uint64 LINK_BIT_FIELD, ?uint8 FLOW_END_REASON, ?uint32 ODID, ?ipaddr EXPORTER_IP, ?time RECEIVED_TIME, ?uint8 FORWARDING_STATUS,
  ?uint32 INPUT_INTERFACE, ?uint32 OUTPUT_INTERFACE, ?uint8 SRC_MASK, ?uint8 DST_MASK, ?uint8 FLOW_DIRECTION, ?uint8 DST_TOS,
  ?uint8 BIFLOW_DIRECTION, ?uint16 VLAN_ID, ?uint16 POST_VLAN_ID, ?uint32 SRC_AS, ?uint32 DST_AS, ?uint32 NEXT_AS, ?uint32 PREV_AS,
  ?macaddr SRC_MAC, ?macaddr DST_MAC, ?macaddr POST_SRC_MAC, ?macaddr POST_DST_MAC, ?ipaddr NEXT_HOP, ?ipaddr BGP_NEXT_HOP,
  ?ipaddr NAT_SRC_IP, ?ipaddr NAT_DST_IP, ?uint16 NAT_SRC_PORT, ?uint16 NAT_DST_PORT,
  ?uint32 MPLS_LABEL_1, ?uint32 MPLS_LABEL_2, ?uint32 MPLS_LABEL_3, ?uint32 MPLS_LABEL_4, ?uint32 MPLS_LABEL_5,
  ?uint32 MPLS_LABEL_6, ?uint32 MPLS_LABEL_7, ?uint32 MPLS_LABEL_8, ?uint32 MPLS_LABEL_9, ?uint32 MPLS_LABEL_10
`);

export default defineModule({
  name: "nfwriter",
  about: "Writes flows into a file that nfdump reads.",
  details: `
**For** keeping flows for tools of the nfdump family (nfdump, NfSen): \`nemean run nfwriter -i u:flow_data_source -f flows.nf\`, then
\`nfdump -r flows.nf\`. Files are of layout 2 (nfdump 1.7), plain or packed by LZO, bzip2 (for which the system's libbz2 is needed), LZ4 or zstd
(which not every nfdump reads).

**Fields**: besides the key, counters and times of a flow those that \`nfreader\` gives are written by the same names, where a stream has them and they
are not zero. The other direction of a biflow goes into nfdump's out packets and out bytes; its TCP flags have no place there. Times are
cut to milliseconds. The lowest 8 bits of LINK_BIT_FIELD become the engine's number, as in NEMEA.

**The file** grows by a block of 1 MB at a time, and is finished when the stream ends; until then \`nfreader\` reads what is there, and nfdump
does not. With \`-a\` flows go behind those of a finished file, packed as that is.

**Deviates** from NEMEA's nfwriter: \`--compression\` has all ways beside \`-b\` and \`-l\`; a record has all fields that nfdump has room for; IPv4 and
IPv6 addresses in one flow are kept, the former mapped into the latter.
`,
  replaces: "nfwriter",
  params: {
    file: param.text({ default: "", about: "File to write, emptied first", flag: "f" }),
    append: param.flag({
      default: false,
      about: "Add to the file, where it is there and finished",
      flag: "a",
    }),
    bzip2: param.flag({ default: false, about: "Pack blocks by bzip2", flag: "b" }),
    lzo: param.flag({ default: false, about: "Pack blocks by LZO", flag: "l" }),
    compression: param.choice({
      options: COMPRESSIONS,
      default: "none",
      about: "How blocks are packed",
      flag: "z",
    }),
    ident: param.text({
      default: "none",
      about: "Name of the flows' source, which nfdump shows",
      flag: "I",
    }),
  },
  inputs: { flows: FLOW },
  outputs: {},

  setup({ params, clock }) {
    if (params.file === "") throw usageError("nfwriter: give the file to write as -f FILE");
    if (Buffer.byteLength(params.ident) > IDENT_MAX)
      throw usageError(`nfwriter: -I: a name has ${IDENT_MAX} bytes at most`);
    const encoder = new RecordEncoder();
    const writer = named(
      () =>
        new NfdumpWriter(params.file, {
          compression: compressionOf(params),
          isAppending: params.append,
          ident: params.ident,
          now: clock.now(),
        }),
    );
    return {
      flows(flow) {
        while (flow.next()) {
          const size = encoder.encode(flow as never as AnyReader);
          writer.add(encoder.bytes, size, flow);
        }
      },
      end: () => named(() => writer.close()),
    };
  },
});

interface Chosen {
  readonly bzip2: boolean;
  readonly lzo: boolean;
  readonly compression: Compression;
}

/** @throws {NemeanError} ERR_USAGE for two ways at once */
function compressionOf({ bzip2, lzo, compression }: Chosen): Compression {
  const asked = [bzip2 && "bz2", lzo && "lzo", compression !== "none" && compression].filter(
    (method): method is Compression => method !== false,
  );
  if (new Set(asked).size > 1) throw usageError(`nfwriter: give one of ${asked.join(", ")}`);
  return asked[0] ?? "none";
}

/** Have an operator's error name the module. */
function named<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof NemeanError)) throw error;
    throw new NemeanError(error.code, error.exitCode, `nfwriter: ${error.message}`, error);
  }
}
