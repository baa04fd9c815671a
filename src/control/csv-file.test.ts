// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync } from "node:fs";
import { NemeanError } from "../core/errors.ts";
import { OutputPort } from "../core/port.ts";
import { ANY_RECORDS, parseTemplate } from "../core/unirec/template.ts";
import { RecordWriter } from "../core/unirec/writer.ts";
import { writeAll } from "../core/write-all.ts";
import { Folder } from "./cli/testing/command-line.ts";
import { CsvFile } from "./csv-file.ts";

const folder = new Folder();
afterAll(() => folder.remove());
const TEMPLATE = parseTemplate("uint16 DST_PORT,ipaddr SRC_IP");

function errorOf(act: () => void): NemeanError {
  try {
    act();
  } catch (error) {
    if (error instanceof NemeanError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("CsvFile", () => {
  test("CsvFile writes a header when the sender says what it sends, and when that changes", () => {
    const path = folder.at("relayed.csv");
    const port = new OutputPort("flows", ANY_RECORDS);
    const csv = new CsvFile(path, ANY_RECORDS);
    port.link(csv);
    for (const spec of ["uint16 A", "uint16 A", "uint8 B"]) {
      const layout = parseTemplate(spec);
      const record = new RecordWriter(layout);
      port.announce(layout);
      record.begin().set(0, 7);
      record.end(port.room(record.size));
    }
    port.end();
    csv.close();
    expect(readFileSync(path, "utf8")).toBe("uint16 A\n7\n7\nuint8 B\n7\n");
  });

  test("CsvFile writes a typed header and a line a record", () => {
    const path = folder.at("flows.csv");
    const port = new OutputPort("flows", TEMPLATE);
    const csv = new CsvFile(path, TEMPLATE);
    port.link(csv);
    const record = new RecordWriter(TEMPLATE);
    for (const DST_PORT of [80, 443]) {
      record.begin().setAll({ DST_PORT, SRC_IP: "2001:db8::1" });
      record.end(port.room(record.size));
    }
    port.end();
    csv.close();
    expect(readFileSync(path, "utf8")).toBe(
      "ipaddr SRC_IP,uint16 DST_PORT\n2001:db8::1,80\n2001:db8::1,443\n",
    );
  });

  test("CsvFile of no record still has its header", () => {
    const path = folder.at("empty.csv");
    new CsvFile(path, TEMPLATE).close();
    expect(readFileSync(path, "utf8")).toBe("ipaddr SRC_IP,uint16 DST_PORT\n");
  });

  test("CsvFile names a file that cannot be made, and one that cannot be written", () => {
    const missing = folder.at("none/x.csv");
    expect(errorOf(() => new CsvFile(missing, TEMPLATE))).toMatchObject({
      code: "ERR_OUTPUT",
      exitCode: 73,
      message: expect.stringContaining(`cannot write ${missing}: ENOENT`),
    });
    expect(errorOf(() => new CsvFile("/dev/full", TEMPLATE).close())).toMatchObject({
      code: "ERR_OUTPUT",
      exitCode: 74,
      message: expect.stringContaining("cannot write /dev/full: ENOSPC"),
    });
  });
});

describe("writeAll", () => {
  test("writeAll names what cannot be written", () => {
    const fd = openSync(folder.file("read-only", ""), "r");
    const error = errorOf(() => writeAll(fd, Buffer.from("x"), "the output"));
    closeSync(fd);
    expect(error).toMatchObject({ code: "ERR_OUTPUT", exitCode: 74 });
    expect(error.message).toStartWith("cannot write the output: EBADF");
  });
});
