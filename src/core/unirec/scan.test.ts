// SPDX-License-Identifier: BSD-3-Clause
/** Scanners against the parsers of strings and against whole numbers without a bound. */
import { describe, expect, test } from "bun:test";
import { type Arbitrary, array, assert, constantFrom, oneof, property, tuple } from "fast-check";
import { type Address, parseIp, parseMac } from "./ip.ts";
import { SCALAR_CODE, scanScalar, scanWhole } from "./scan.ts";
import { Span } from "./span.ts";
import { any64, anyIp, anyTime } from "./test-kit.ts";
import { parseValue } from "./text-value.ts";
import { microsOfRaw, parseTime, timeText } from "./time.ts";
import { type ScalarType, SIZE } from "./types.ts";

/** Text with up to three characters put in, left out or put in place of another. */
function damaged(text: Arbitrary<string>, characters: string): Arbitrary<string> {
  const edit = tuple(constantFrom("add", "drop", "set"), any64, constantFrom(...characters));
  return tuple(text, array(edit, { maxLength: 3 })).map(([whole, edits]) =>
    edits.reduce((now, [how, where, character]) => {
      const at = Number(where % BigInt(now.length + 1));
      const put = how === "drop" ? "" : character;
      return now.slice(0, at) + put + now.slice(how === "add" ? at : at + 1);
    }, whole),
  );
}

const IPS = damaged(
  oneof(
    anyIp,
    constantFrom("::", "::1", "1::", "1:2:3:4:5:6:7::", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4"),
  ),
  "0:.f12",
);

test("scanIp takes what parseIp does, to the same words", () => {
  assert(
    property(IPS, (text) => {
      const expected = parseIp(text);
      expect(parseValue("ipaddr", text) as Address | undefined).toEqual(expected);
    }),
    { seed: 1, numRuns: 5000 },
  );
});

test("scanMac takes what parseMac does", () => {
  const text = damaged(constantFrom("00:11:22:33:44:55", "a:B:c:D:e:F"), "0:fg");
  assert(
    property(text, (mac) => {
      expect(parseValue("macaddr", mac)).toBe(parseMac(mac));
    }),
    { seed: 2, numRuns: 2000 },
  );
});

describe("scanTime", () => {
  const zone = constantFrom("", "", "Z", "+01:00", "-23:59", "+24:00");
  const time = tuple(oneof(anyTime.map(timeText), constantFrom("2024-1-2T3:4:5")), zone);

  test("scanTime takes what parseTime does, to the same microsecond", () => {
    const text = damaged(
      time.map((parts) => parts.join("")),
      "0169-:.TZ+",
    );
    assert(
      property(text, (written) => {
        const raw = parseValue("time", written) as bigint | undefined;
        expect(raw === undefined ? undefined : microsOfRaw(raw)).toBe(parseTime(written));
      }),
      { seed: 3, numRuns: 5000 },
    );
  });

  test("scanTime knows the hour of 1970 from the start, and no text of zeros", () => {
    expect(parseValue("time", `${"\0".repeat(14)}01:02`)).toBeUndefined();
    expect(parseValue("time", "1970-01-01T00:01:02")).toBe(62n << 32n);
  });

  test("scanTime knows every day of the format, and no other", () => {
    for (let year = 1968; year < 2108; year++) {
      for (let month = 0; month < 14; month++) {
        for (const day of [0, 1, 28, 29, 30, 31, 32]) {
          const text = `${year}-${month}-${day}T23:59:60`;
          const raw = parseValue("time", text) as bigint | undefined;
          const found = raw === undefined ? undefined : microsOfRaw(raw);
          if (found !== parseTime(text))
            expect(`${text} ${found}`).toBe(`${text} ${parseTime(text)}`);
        }
      }
    }
  });

  test.each([
    ["2024-01-02T03:04:05", 0x6593_7d25_0000_0000n],
    ["2024-01-02T03:04:05.1", 0x6593_7d25_1999_9999n],
    ["2024-01-02T03:04:05.678901", 0x6593_7d25_adcc_74b8n],
    ["2024-01-02T03:04:05.678901234", 0x6593_7d25_adcc_78a5n],
    ["2024-01-02T03:04:05.678901234999", 0x6593_7d25_adcc_78a5n],
    ["2024-01-02T03:04:05.999999999Z", 0x6593_7d25_ffff_fffbn],
    ["2106-02-07T06:28:15.5", 0xffff_ffff_8000_0000n],
  ])("scanTime reads %s as the reference's 64 bits", (text, raw) => {
    expect(parseValue("time", text)).toBe(raw);
  });
});

const INTEGERS: readonly (readonly [ScalarType, bigint, bigint])[] = (
  ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"] as const
).map((type) => {
  const bits = BigInt(SIZE[type] * 8);
  return type.startsWith("u")
    ? [type, 0n, 2n ** bits - 1n]
    : [type, -(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
});

test.each(INTEGERS)("scanScalar takes %s exactly between its borders", (type, least, most) => {
  const near = [least, most, 10n ** 14n, 10n ** 15n, 10n ** 16n, 2n ** 53n, 2n ** 32n].flatMap(
    (border) => [-2n, -1n, 0n, 1n, 2n].map((step) => border + step),
  );
  const number = oneof(
    constantFrom(...near),
    any64,
    any64.map((value) => value >> 40n),
  );
  const text = damaged(
    number.map((value) => value.toString()),
    "0-+ 9x",
  );
  const valid = type.startsWith("u") ? /^\d+$/ : /^[+-]?\d+$/;
  assert(
    property(text, (written) => {
      const value = valid.test(written) ? BigInt(written.replace("+", "")) : undefined;
      const kept = value !== undefined && value >= least && value <= most ? value : undefined;
      const found = parseValue(type, written) as number | bigint | undefined;
      expect(found === undefined ? undefined : BigInt(found)).toBe(kept);
    }),
    { seed: 4, numRuns: 1500 },
  );
});

test("scanDecimal and the string's way give what Number does", () => {
  const text = damaged(
    constantFrom("0.500000", "-123.456", "0.1", "9007199254740993.5", "1e300"),
    "0.-+e9",
  );
  const form = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/;
  assert(
    property(text, (written) => {
      const expected = form.test(written) ? Number(written) : undefined;
      expect(Object.is(parseValue("double", written), expected)).toBe(true);
    }),
    { seed: 5, numRuns: 3000 },
  );
});

describe("scanWhole", () => {
  const byteOf = (...bytes: readonly number[]): number => {
    const view = new DataView(new ArrayBuffer(1));
    scanWhole(SCALAR_CODE.char, new Span().over(Uint8Array.from(bytes), 0, bytes.length), view, 0);
    return view.getUint8(0);
  };

  test("scanWhole takes a character above ASCII as Latin-1, and a byte that is no UTF-8 as it stands", () => {
    expect(byteOf(0xc3, 0xa9)).toBe(0xe9);
    expect(byteOf(0xe9)).toBe(0xe9);
    expect(byteOf(0x41, 0xff)).toBe(0x41);
    expect(byteOf()).toBe(0);
  });

  test("scanners read nothing past their span, and write nothing but their value", () => {
    const texts: Readonly<Partial<Record<ScalarType, string>>> = {
      ipaddr: "1:2:3:4:5:6:7:8",
      macaddr: "00:11:22:33:44:55",
      time: "2024-01-02T03:04:05.678901+01:00",
      uint64: "18446744073709551615",
      int64: "-9223372036854775808",
      int8: "-128",
      double: "-123.456",
    };
    for (const [type, text] of Object.entries(texts) as [ScalarType, string][]) {
      const bytes = new TextEncoder().encode(`${text}${text}`);
      for (let end = 0; end <= text.length; end++) {
        const view = new DataView(new ArrayBuffer(48));
        const span = new Span().over(bytes, 0, end);
        scanScalar(SCALAR_CODE[type], span, view, 16);
        expect(span.at).toBeLessThanOrEqual(end);
        const outside = new Uint8Array(view.buffer).fill(0, 16, 16 + SIZE[type]);
        expect(outside.every((byte) => byte === 0)).toBe(true);
        if (parseValue(type, text.slice(0, end)) === undefined) continue;
        expect(scanWhole(SCALAR_CODE[type], span.over(bytes, 0, end), view, 16)).toBe(true);
      }
    }
  });
});
