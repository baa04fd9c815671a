// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError, usageError } from "../core/errors.ts";
import { type Context, defineModule, param } from "../core/module.ts";
import { LineSplitter } from "../core/unirec/line-splitter.ts";
import { ANY_RECORDS } from "../core/unirec/template.ts";
import { TextReader } from "../core/unirec/text-reader.ts";
import { TextSource } from "../core/unirec/text-source.ts";
import { SECOND } from "../core/unirec/time.ts";
import type { RecordWriter } from "../core/unirec/writer.ts";

/** Bytes read at once: the text of about a batch of flows. */
const CHUNK = 1 << 17;
/** Milliseconds until standard input is looked at again. */
const IDLE_MS = 10;
/** Wall time (microseconds) by which a replay may be late and still catch up with its pace. */
const LATE_MAX = SECOND;
/** Bad lines that are named one by one; the others are counted. */
const NAMED_MAX = 20;
/** Characters of a message that may quote the input. */
const MESSAGE_MAX = 200;
const NEWLINE = 10;
const RETURN = 13;

const params = {
  file: param.text({
    default: "",
    about: "File to send, which begins with a header; `-` is standard input",
    flag: "f",
  }),
  recordsMax: param.count({
    default: Number.MAX_SAFE_INTEGER,
    about: "End after so many records",
    flag: "c",
  }),
  noEof: param.flag({
    default: false,
    about: "Keep the end of the stream from the receivers, who then wait for the next sender",
    flag: "n",
  }),
  fullSpeed: param.flag({
    default: false,
    about: "Send as fast as it is taken, whatever a column `time` says",
    flag: "d",
  }),
};
type Setup = Context<typeof params, { flows: typeof ANY_RECORDS }>;

export default defineModule({
  name: "logreplay",
  about: "Sends the records of a text file, as logger writes it, at their pace or at full speed.",
  details: `
**For** sending again what \`logger\` kept, and for records that were written by hand. The file's first line is its header,
\`ipaddr SRC_IP,uint16 DST_PORT,…\`, in any order of the columns; each line after it is a record. Receivers that are slow
are waited for, as is the first one.

**Pace**: where the first column is \`time\` (\`logger -T\`), records are as many whole seconds apart as they were then,
unless \`-d\` is given. A replay that is less than a second late catches up; after a longer delay it goes on from there.

**Bad lines** are left out: the first ${NAMED_MAX} are named with their number, the field and its text, all are counted
(\`lines_skipped\`). Blank lines are passed over.

**Deviates** from NEMEA's logreplay: a value out of its type's range and a time that is none are errors of their line, not
another value; a value may be as long as a record (the original ends at 16 KB); a replay does not fall behind by the time
that sending takes.
`,
  replaces: "logreplay",
  params,
  inputs: {},
  outputs: { flows: ANY_RECORDS },
  patient: true,

  setup(context: Setup) {
    const replay = new Replay(context);
    return { produce: () => replay.produce(), end: () => replay.end() };
  },
});

/** A file on its way out. */
class Replay {
  readonly #context: Setup;
  readonly #source: TextSource;
  readonly #splitter = new LineSplitter((bytes, from, to) => this.#line(bytes, from, to));
  /** What has been read and not yet been cut into lines. */
  readonly #chunk = new Uint8Array(new ArrayBuffer(CHUNK));
  #at = 0;
  #end = 0;
  #ended = false;
  #reader: TextReader | undefined;
  #record: RecordWriter | undefined;
  #paced = false;
  /** The pacing column's second in the record before, and when this one is to be sent. */
  #second = Number.NaN;
  #due = 0;
  #waiting = false;
  #number = 0;
  #sent = 0;
  #skipped = 0;

  /**
   * Reads as far as the header, so that the layout is known before anybody asks for it.
   * @throws {NemeanError} ERR_USAGE without a file, ERR_INPUT when it cannot be read or has no header
   */
  constructor(context: Setup) {
    const { file } = context.params;
    if (file === "") throw usageError("logreplay: give the file to send as -f FILE");
    this.#context = context;
    this.#source = named(() => new TextSource(file));
    while (!this.#reader) {
      if (this.#at < this.#end) this.#push();
      else if (this.#read() > 0) return;
    }
  }

  produce(): number | undefined {
    for (;;) {
      const wait = this.#settle();
      if (wait > 0) return wait;
      if (this.#sent >= this.#context.params.recordsMax) return undefined;
      if (this.#at < this.#end) this.#push();
      else if (this.#ended) return undefined;
      else return this.#read();
    }
  }

  end(): void {
    this.#source.close();
    if (this.#skipped > NAMED_MAX)
      this.#context.warn(`${this.#source.name}: ${this.#skipped} lines skipped`);
  }

  /** Send the record that waits when its time has come; returns the milliseconds until then. */
  #settle(): number {
    if (!this.#waiting) return 0;
    const left = this.#due - this.#context.clock.now();
    if (left > 0) return Math.ceil(left / 1000);
    this.#waiting = false;
    this.#send();
    return 0;
  }

  #read(): number {
    const length = named(() => this.#source.read(this.#chunk));
    if (length < 0) return IDLE_MS;
    this.#at = 0;
    this.#end = length;
    if (length > 0) return 0;
    this.#ended = true;
    this.#splitter.end();
    if (!this.#reader) throw this.#wrong('empty: expected a header "type NAME,..."');
    return 0;
  }

  /** Cut what has been read into lines: all of it, or one line where that may have to wait. */
  #push(): void {
    let to = this.#end;
    if (this.#paced || !this.#reader) {
      const newline = this.#chunk.indexOf(NEWLINE, this.#at);
      if (newline >= 0 && newline < to) to = newline + 1;
    }
    const piece = this.#chunk.subarray(this.#at, to);
    this.#at = to;
    this.#splitter.push(piece);
  }

  #line(bytes: Uint8Array, from: number, to: number): void {
    this.#number++;
    if (from === to || (from + 1 === to && bytes[from] === RETURN)) return;
    if (!this.#reader) this.#open(new TextDecoder().decode(bytes.subarray(from, to)));
    else if (this.#sent < this.#context.params.recordsMax) this.#row(bytes, from, to);
  }

  #open(header: string): void {
    const { params: settings, out } = this.#context;
    try {
      this.#reader = new TextReader(header);
      this.#record = out.flows.announce(this.#reader.template);
    } catch (error) {
      if (!(error instanceof NemeanError)) throw error;
      throw this.#wrong(`header: ${error.message.slice(0, MESSAGE_MAX)}`);
    }
    this.#paced = this.#reader.paced && !settings.fullSpeed;
  }

  #row(bytes: Uint8Array, from: number, to: number): void {
    let pace = 0;
    try {
      pace = this.#reader!.readBytes(bytes, from, to, this.#record!);
    } catch (error) {
      this.#skip(error);
      return;
    }
    if (this.#paced) this.#delay(pace);
    else this.#send();
  }

  #send(): void {
    this.#context.out.flows.push();
    this.#sent++;
  }

  /** Let the record wait for as many seconds as lie between it and the one before; a `time` that is none is 0. */
  #delay(pace: number): void {
    const now = this.#context.clock.now();
    if (now - this.#due > LATE_MAX) this.#due = now;
    if (pace > 0) {
      const second = Math.floor(pace / SECOND);
      if (second > this.#second) this.#due += (second - this.#second) * SECOND;
      this.#second = second;
    }
    this.#waiting = true;
  }

  #skip(error: unknown): void {
    if (!(error instanceof NemeanError)) throw error;
    this.#context.count("lines_skipped");
    if (this.#skipped++ >= NAMED_MAX) return;
    const what = error.message.slice(0, MESSAGE_MAX);
    this.#context.warn(`${this.#source.name}: line ${this.#number}: ${what}; skipped`);
  }

  #wrong(what: string): NemeanError {
    return new NemeanError("ERR_INPUT", EXIT.data, `logreplay: ${this.#source.name}: ${what}`);
  }
}

/** Have an operator's error name the module. */
function named<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof NemeanError)) throw error;
    throw new NemeanError(error.code, error.exitCode, `logreplay: ${error.message}`, error);
  }
}
