// SPDX-License-Identifier: BSD-3-Clause
import { NemeanError, usageError } from "../core/errors.ts";
import { inputFiles, linkBits } from "../core/input-files.ts";
import { layoutOf, mappingOf } from "../core/ipfix/collect/layout.ts";
import { type Context, defineModule, param } from "../core/module.ts";
import { NFDUMP_FIELDS } from "../core/nfdump/elements.ts";
import { BlockBuffers, NfdumpFile } from "../core/nfdump/file-reader.ts";
import { compileFilter, type FlowTest } from "../core/nfdump/filter.ts";
import { FlowCursor } from "../core/nfdump/flow-cursor.ts";
import { FlowMapper } from "../core/nfdump/flow-mapper.ts";
import { ReplayPace } from "../core/replay-pace.ts";
import { ANY_RECORDS } from "../core/unirec/template.ts";

/** Flows that one step looks at: about a batch. */
const STEP = 1000;
/** Flows for each dot of progress. */
const DOT = 10_000;

const params = {
  files: param.text({
    default: "",
    about:
      "Files to read, with commas between; a folder stands for all its files in the order of their names",
    flag: "F",
  }),
  filter: param.text({
    default: "",
    about: "Flows to send, in nfdump's words: `src net 10.0.0.0/8 and dst port 443`",
    flag: "f",
  }),
  recordsMax: param.count({
    default: Number.MAX_SAFE_INTEGER,
    about: "End after so many flows",
    flag: "c",
  }),
  noEof: param.flag({
    default: false,
    about: "Keep the end of the stream from the receivers, who then wait for the next sender",
    flag: "n",
  }),
  timesNow: param.flag({
    default: false,
    about: "Let flows end now; they take as long as they did",
    flag: "T",
  }),
  direction: param.flag({
    default: false,
    about: "Fill DIR_BIT_FIELD with the lowest bit of the interface that the flow came in by",
    flag: "D",
  }),
  link: param.text({
    default: "1",
    about: "LINK_BIT_FIELD of all flows, hexadecimal",
    flag: "l",
  }),
  progress: param.flag({
    default: false,
    about: "Write a dot to standard output for every 10,000 flows",
    flag: "p",
  }),
  rate: param.count({
    default: 0,
    about: "Flows in a second at most, 100 or more; 0 for as fast as they are taken",
    flag: "r",
  }),
  realTime: param.flag({
    default: false,
    about: "Send flows as far apart as their ends were",
    flag: "R",
  }),
  fields: param.text({
    default: "",
    about:
      "UniRec fields of the flows, as NAME or `type NAME`, with commas between; those of the product's own meter with TOS, TTL, ODID and EXPORTER_IP when left out",
  }),
  mapping: param.text({
    default: "",
    about:
      "Which information elements fields come from, beside those built in: lines `type NAME e0id8,e0id27`, or a file of them",
  }),
};
type Setup = Context<typeof params, { flows: typeof ANY_RECORDS }>;

export default defineModule({
  name: "nfreader",
  about: "Reads files of nfdump (nfcapd, nfpcapd, sfcapd) and sends UniRec flows.",
  details: `
**For** what was collected before: \`nemean run nfreader -i u:flow_data_source -F /var/cache/nfdump\` sends a folder of files.
Receivers that are slow are waited for, as is the first one. Layout 2 (nfdump 1.7) and layout 1 (1.6) are read, plain or packed by
LZO, bzip2 (for which the system's libbz2 is needed), LZ4 or zstd.

**Fields** come from a file as they would from an exporter, see \`ipfix\`: \`--fields\` chooses them, \`--mapping\` adds some. What nfdump calls
out packets and out bytes are those of the other direction, PACKETS_REV and BYTES_REV. ODID is the observation domain, or the engine where
there is none. Beyond an exporter's fields there are INPUT_INTERFACE, OUTPUT_INTERFACE, SRC_AS, DST_AS, NEXT_AS, PREV_AS, SRC_MASK,
DST_MASK, DST_TOS, FLOW_DIRECTION, BIFLOW_DIRECTION, FORWARDING_STATUS, FLOWS, VLAN_ID, POST_VLAN_ID, POST_SRC_MAC, POST_DST_MAC, NEXT_HOP,
BGP_NEXT_HOP, MPLS_LABEL_1 to MPLS_LABEL_10 (with the label's 3 bits of class and 1 of bottom, as on the wire), NAT_SRC_IP, NAT_DST_IP,
NAT_SRC_PORT, NAT_DST_PORT, NAT_EVENT, FIREWALL_EVENT, EVENT_TIME, RECEIVED_TIME and USER_NAME. Times are of milliseconds.

**Filter**: what \`-f\` knows of nfdump's language is protocols, addresses and nets, ports, interfaces, AS numbers, VLANs, TCP flags, ToS, packets,
bytes, duration, pps, bps and bpp, joined by \`and\`, \`or\`, \`not\` and parentheses.

**Pace**: with \`-R\` flows are as far apart as their ends were. Files are not quite in that order: one that is older than those before it goes at once.
A replay less than a second late catches up; gaps of more than an hour are not waited for.

**Damage**: a block that cannot be unpacked is left out (\`blocks_damaged\`), as is a record that contradicts itself (\`records_malformed\`);
a file that is cut is read to its last whole block, with one warning. \`records_other\` are those that are no flows. The first file must be one of
nfdump's; a later one that is not is left out with a warning (\`files_skipped\`).

**Bounds**: a block has 5 MB at most, as in nfdump, and one is in memory at a time.

**Deviates** from NEMEA's nfreader: files are given by \`-F\`; ToS, MAC addresses and all the other extensions are read; \`-T\` keeps how long a flow took;
\`-p\` writes a dot for every 10,000 flows.
`,
  replaces: "nfreader",
  aliases: ["nfdump_reader"],
  params,
  inputs: {},
  outputs: { flows: ANY_RECORDS },
  patient: true,

  setup(context: Setup) {
    const reading = new Reading(context);
    return {
      produce: () => reading.produce(),
      tick: () => reading.publish(),
      end: () => reading.end(),
    };
  },
});

/** Files on their way out. */
class Reading {
  readonly #context: Setup;
  readonly #buffers = new BlockBuffers();
  readonly #cursor = new FlowCursor();
  readonly #mapper: FlowMapper;
  readonly #test: FlowTest | undefined;
  readonly #pace: ReplayPace;
  readonly #paths: readonly string[];
  readonly #told = new Map<string, number>();
  #next = 0;
  #file: NfdumpFile | undefined;
  /** A flow is composed and waits for its time. */
  #isWaiting = false;
  #sent = 0;
  #skipped = 0;
  /** Of the files before. */
  #damaged = 0;
  #foreign = 0;

  /**
   * Opens the first file, so that a wrong name is known before anybody waits for flows.
   * @throws {NemeanError} ERR_USAGE, ERR_PARAM, ERR_INPUT
   */
  constructor(context: Setup) {
    const { params: settings, out, clock } = context;
    if (settings.rate > 0 && settings.rate < 100)
      throw usageError(`nfreader: -r ${settings.rate}: expected 100 flows a second or more`);
    this.#context = context;
    this.#paths = inputFiles("nfreader", settings.files);
    this.#test = settings.filter.trim() === "" ? undefined : compileFilter(settings.filter);
    const mapping = mappingOf(settings.mapping, NFDUMP_FIELDS);
    const record = out.flows.announce(layoutOf(settings.fields, mapping, false));
    this.#mapper = new FlowMapper(record, mapping, {
      link: linkBits("nfreader", settings.link),
      hasDirection: settings.direction,
    });
    this.#pace = new ReplayPace(clock, {
      isRealTime: settings.realTime,
      rate: settings.rate,
    });
    named(() => this.#open(this.#paths[this.#next++]!));
  }

  produce(): number | undefined {
    const { recordsMax } = this.#context.params;
    for (let i = 0; i < STEP; i++) {
      if (!this.#isWaiting) {
        if (this.#sent >= recordsMax) return undefined;
        if (!this.#cursor.next()) {
          if (!this.#openNext()) return undefined;
          continue;
        }
        if (this.#test && !this.#test(this.#cursor.flow.view)) continue;
        this.#isWaiting = true;
      }
      const wait = this.#pace.wait(this.#cursor.flow.last);
      if (wait > 0) return wait;
      this.#send();
    }
    return 0;
  }

  #send(): void {
    this.#isWaiting = false;
    const { params: settings, clock, out, print } = this.#context;
    const { flow } = this.#cursor;
    if (settings.timesNow) flow.endAt(clock.now());
    this.#mapper.write(flow);
    out.flows.push();
    this.#sent++;
    if (settings.progress && this.#sent % DOT === 0) print(".");
  }

  /** Open the next file that is one; false when there is none. */
  #openNext(): boolean {
    while (this.#next < this.#paths.length) {
      try {
        this.#open(this.#paths[this.#next++]!);
        return true;
      } catch (error) {
        if (!(error instanceof NemeanError)) throw error;
        this.#skipped++;
        this.#context.warn(`${error.message}; file skipped`);
      }
    }
    return false;
  }

  #open(path: string): void {
    this.#close();
    this.#file = new NfdumpFile(path, this.#buffers, this.#context.warn);
    this.#cursor.open(this.#file);
  }

  #close(): void {
    if (!this.#file) return;
    this.#damaged += this.#file.damaged;
    this.#foreign += this.#file.foreign;
    this.#file[Symbol.dispose]();
    this.#file = undefined;
  }

  publish(): void {
    const counts = {
      blocks_damaged: this.#damaged + (this.#file?.damaged ?? 0),
      blocks_other: this.#foreign + (this.#file?.foreign ?? 0),
      records_malformed: this.#cursor.malformed,
      records_other: this.#cursor.others,
      files_skipped: this.#skipped,
    };
    for (const [name, value] of Object.entries(counts)) {
      const more = value - (this.#told.get(name) ?? 0);
      if (more > 0) this.#context.count(name, more);
      this.#told.set(name, value);
    }
  }

  end(): void {
    this.#close();
    this.publish();
    if (this.#context.params.progress) this.#context.print("\n");
  }
}

/** Have an operator's error name the module. */
function named<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof NemeanError)) throw error;
    throw new NemeanError(error.code, error.exitCode, `nfreader: ${error.message}`, error);
  }
}
