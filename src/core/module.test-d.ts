// SPDX-License-Identifier: BSD-3-Clause
/** Wrong declarations that must not compile: checked by tsc, never run. */
import { type Context, defineModule, param, type ValuesOf } from "./module.ts";
import { type Reader, template } from "./unirec/template.ts";
import type { IpField } from "./unirec/types.ts";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(_?: T): void => {};

const flows = template("ipaddr SRC_IP, uint16 DST_PORT, time TIME_LAST, ?uint16 VLAN_ID");
const alerts = template("ipaddr SRC_IP, uint32 PORT_CNT, time TIME_LAST");
const params = {
  portsMax: param.count({ default: 1, about: "" }),
  mode: param.choice({ options: ["fast", "exact"], default: "fast", about: "" }),
  compat: param.compat(),
};

is<
  Equal<
    ValuesOf<typeof params>,
    {
      readonly portsMax: number;
      readonly mode: "fast" | "exact";
      readonly compat: "off" | "nemea";
    }
  >
>();
// @ts-expect-error: the default is one of the options
param.choice({ options: ["fast", "exact"], default: "slow", about: "" });
// @ts-expect-error: a count is a number
param.count({ default: "1", about: "" });

const head = { name: "x", about: "", params, inputs: { flows }, outputs: { alerts } };

defineModule({
  ...head,
  // @ts-expect-error: no handler for the input `flows`
  setup: () => ({}),
});
defineModule({
  ...head,
  setup: ({ out, params: { portsMax }, state, count }) => ({
    flows(flow) {
      is<Equal<typeof flow.SRC_IP, IpField>>();
      count("flows", portsMax);
      while (flow.next()) {
        if (flow.has.VLAN_ID) state.column("x", "uint8", 1);
        out.alerts.send({ SRC_IP: flow.SRC_IP, PORT_CNT: 1, TIME_LAST: flow.raw.TIME_LAST });
        // @ts-expect-error: the output template has no such field
        out.alerts.send({ DST_PORT: flow.DST_PORT });
        // @ts-expect-error: a count is no text
        out.alerts.send({ PORT_CNT: "1" });
        // @ts-expect-error: a detail without a key and a reason
        out.alerts.send({}, { observed: 1 });
        // @ts-expect-error: no such output
        out.alarms.send({});
        out.alerts.record.PORT_CNT = 3;
        // @ts-expect-error: the record has no such field
        out.alerts.record.DST_PORT = 3;
      }
    },
    everySecond: (now) => is<Equal<typeof now, number>>(),
    end() {},
  }),
});

declare const context: Context<typeof params, { alerts: typeof alerts }>;
// @ts-expect-error: parameters are not set by the module
context.params.portsMax = 2;
declare const flow: Reader<typeof flows>;
// @ts-expect-error: records are read only
flow.DST_PORT = 2;
