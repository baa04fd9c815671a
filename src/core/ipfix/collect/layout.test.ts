// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { layoutOf, mappingOf } from "./layout.ts";
import { Mapping } from "./mapping.ts";

const built = new Mapping();

test("layoutOf has the meter's biflow and what an exporter tells where no fields are given", () => {
  const layout = layoutOf("", built, false);
  expect(layout.direction).toBe("biflow");
  for (const field of ["uint64 BYTES_REV", "uint8 TOS", "uint32 ODID", "ipaddr EXPORTER_IP"])
    expect(layout.spec).toContain(field);
});

test("layoutOf knows types of names, takes those that are given, and the plugin's mark of what may lack", () => {
  expect(layoutOf("SRC_IP, uint16 SRC_PORT,ODID,TLS_SNI?,?PACKETS", built, true)).toMatchObject({
    direction: "uniflow",
    spec: "ipaddr SRC_IP,uint32 ODID,uint32 PACKETS,uint16 SRC_PORT,string RAW_FIELDS,string TLS_SNI",
  });
});

test("layoutOf says how to map a field that nobody knows", () => {
  expect(() => layoutOf("SRC_IP,NONSENSE", built, false)).toThrow(
    '--mapping "uint32 NONSENSE e0id1"',
  );
});

test("mappingOf takes lines, or a file of them", () => {
  const folder = mkdtempSync(join(tmpdir(), "nemean-mapping-"));
  try {
    const path = join(folder, "elements.txt");
    writeFileSync(path, "# ours\nuint32 VLAN e0id58\n");
    expect(mappingOf(path).typeOf("VLAN")).toBe("uint32");
    expect(mappingOf("uint32 VLAN e0id58").typeOf("VLAN")).toBe("uint32");
    expect(() => mappingOf(join(folder, "none"))).toThrow("--mapping");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
