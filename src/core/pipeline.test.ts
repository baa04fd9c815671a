// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { defineModule } from "./module.ts";
import { Pipeline } from "./pipeline.ts";
import { OutputPort } from "./port.ts";
import { plainRecord } from "./unirec/reader.ts";
import { biflow, parseTemplate, type Template, template, uniflow } from "./unirec/template.ts";
import { batchOf, packed, type Row } from "./unirec/test-kit.ts";
import { RecordWriter } from "./unirec/writer.ts";

/** A module that keeps the rows it is given. */
function keeper(input: Template, name = "keeper") {
  const rows: Row[] = [];
  const def = defineModule({
    name,
    about: "Keeps its rows.",
    params: {},
    inputs: { flows: input },
    outputs: { copies: input },
    setup: ({ out }) => ({
      flows(batch) {
        while (batch.next()) {
          rows.push(plainRecord(batch as never, input));
          out.copies.record.begin().copyFrom(batch as never);
          out.copies.push();
        }
      },
    }),
  });
  return { def, rows };
}

function send(port: OutputPort, rows: readonly Row[]): void {
  const record = new RecordWriter(port.template);
  for (const row of rows) record.begin().setAll(row).end(port.room(record.size));
  port.flush();
}

const directed = biflow("ipaddr SRC_IP, ipaddr DST_IP, uint32 PACKETS, uint32 PACKETS_REV");
const both = { SRC_IP: "10.0.0.1", DST_IP: "10.0.0.2", PACKETS: 3, PACKETS_REV: 2 };

describe("link", () => {
  test("gives a module the records of another one, by name", () => {
    const pipeline = new Pipeline();
    const first = keeper(template("uint16 A, uint8 B"));
    const second = keeper(template("uint8 B"), "second");
    const source = new OutputPort("source", parseTemplate("uint8 B,uint64 Z,uint16 A"));
    const [one, two] = [pipeline.add(first.def), pipeline.add(second.def, {}, "last")];
    pipeline.link(source, one.inputs["flows"]!);
    pipeline.link(one.outputs["copies"]!, two.inputs["flows"]!);
    send(source, [{ A: 1, B: 2, Z: 3 }]);
    source.end();
    expect(first.rows).toEqual([{ A: 1, B: 2 }]);
    expect(second.rows).toEqual([{ B: 2 }]);
    expect(pipeline.stats()).toEqual([
      {
        name: "keeper",
        inputs: { flows: 1 },
        outputs: { copies: 1 },
        counters: { malformed_records: 0 },
        busy: expect.any(Number),
      },
      {
        name: "last",
        inputs: { flows: 1 },
        outputs: { copies: 1 },
        counters: { malformed_records: 0 },
        busy: expect.any(Number),
      },
    ]);
  });

  test("tells which module's input lacks which field of which output", () => {
    const pipeline = new Pipeline();
    const { inputs } = pipeline.add(keeper(template("uint16 A, uint8 B")).def, {}, "k1");
    const source = new OutputPort("narrow", parseTemplate("uint8 B,uint32 A"));
    expect(() => pipeline.link(source, inputs["flows"]!)).toThrow(
      expect.objectContaining({
        code: "ERR_PIPELINE",
        exitCode: 78,
        message: expect.stringMatching(/^k1\.flows cannot read narrow: requires uint16 A;/),
      }),
    );
    expect(source.linked).toBe(false);
  });

  test("counts what a module cannot read of its input", () => {
    const pipeline = new Pipeline();
    const { def, rows } = keeper(template("uint16 A"));
    const runner = pipeline.add(def);
    runner.inputs["flows"]!.receive(batchOf(new Uint8Array(1), new Uint8Array(2)));
    expect(rows).toEqual([{ A: 0 }]);
    expect(pipeline.stats()[0]!.counters["malformed_records"]).toBe(1);
  });
});

describe("link of biflows", () => {
  test("splits them for an input of uniflows, once for all", () => {
    const pipeline = new Pipeline();
    const wanted = uniflow("ipaddr SRC_IP, uint32 PACKETS");
    const [first, second] = [keeper(wanted), keeper(wanted)];
    const meter = new OutputPort("flows", directed);
    let links = 0;
    const link = meter.link.bind(meter);
    meter.link = (receiver) => {
      links++;
      link(receiver);
    };
    for (const { def } of [first, second]) pipeline.link(meter, pipeline.add(def).inputs["flows"]!);
    send(meter, [both, { ...both, PACKETS_REV: 0 }]);
    meter.end();
    expect(links).toBe(1);
    expect(first.rows).toEqual([
      { SRC_IP: "10.0.0.1", PACKETS: 3 },
      { SRC_IP: "10.0.0.2", PACKETS: 2 },
      { SRC_IP: "10.0.0.1", PACKETS: 3 },
    ]);
    expect(second.rows).toEqual(first.rows);
  });

  test("leaves them whole for an input of biflows, and for one of no direction", () => {
    for (const wanted of [directed, template("ipaddr SRC_IP, uint32 PACKETS_REV")]) {
      const pipeline = new Pipeline();
      const { def, rows } = keeper(wanted);
      const meter = new OutputPort("flows", directed);
      pipeline.link(meter, pipeline.add(def).inputs["flows"]!);
      send(meter, [both]);
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject({ SRC_IP: "10.0.0.1", PACKETS_REV: 2 });
    }
  });

  test("counts what the splitter drops as the module's", () => {
    const pipeline = new Pipeline();
    const { def } = keeper(uniflow("uint32 PACKETS"));
    const meter = new OutputPort("flows", directed);
    pipeline.link(meter, pipeline.add(def).inputs["flows"]!);
    const short = meter.room(5);
    short.push(5);
    meter.flush();
    expect(pipeline.stats()[0]!.counters["malformed_records"]).toBe(1);
  });
});

describe("linkNarrowest", () => {
  const ports = [
    new OutputPort("tls", parseTemplate("uint8 A,uint8 B,string TLS_SNI,string TLS_ALPN")),
    new OutputPort("dns", parseTemplate("uint8 A,uint8 B,string DNS_NAME")),
    new OutputPort("flows", parseTemplate("uint8 A,uint8 B")),
  ];
  const chosen = (wanted: Template): string | undefined => {
    const pipeline = new Pipeline();
    const fresh = ports.map(({ name, template: offered }) => new OutputPort(name, offered));
    pipeline.linkNarrowest(fresh, pipeline.add(keeper(wanted).def).inputs["flows"]!);
    return fresh.find(({ linked }) => linked)?.name;
  };

  test("takes the port with the fewest fields that has those required", () => {
    expect(chosen(template("uint8 A"))).toBe("flows");
    expect(chosen(template("uint8 B, string DNS_NAME"))).toBe("dns");
    expect(chosen(template("string TLS_ALPN"))).toBe("tls");
    expect(chosen(template("uint8 A, ?string DNS_NAME"))).toBe("flows");
  });

  test("tells what each port lacks when none will do", () => {
    expect(() => chosen(template("string DNS_NAME, string TLS_SNI"))).toThrow(
      "keeper.flows: no port offers its fields (tls lacks string DNS_NAME; dns lacks string TLS_SNI; " +
        "flows lacks string DNS_NAME, string TLS_SNI)",
    );
  });
});

test("Pipeline gives a linked module event time and the end", () => {
  const pipeline = new Pipeline();
  const runner = pipeline.add(keeper(template("uint8 A")).def);
  const source = new OutputPort("source", parseTemplate("uint8 A"));
  pipeline.link(source, runner.inputs["flows"]!);
  source.advance(42);
  expect(runner.now).toBe(42);
  source.end();
  expect(runner.inputs["flows"]!.ended).toBe(true);
  expect(pipeline.modules).toEqual([runner]);
});

test("packed rows reach a module by its input as well", () => {
  const { def, rows } = keeper(template("uint8 A"));
  new Pipeline().add(def).inputs["flows"]!.receive(packed(template("uint8 A"), [{ A: 1 }]));
  expect(rows).toEqual([{ A: 1 }]);
});
