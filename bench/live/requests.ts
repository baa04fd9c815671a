// SPDX-License-Identifier: BSD-3-Clause
/** Asks an API at a steady pace for some seconds and prints how long each answer took, in milliseconds, as JSON. */

const PATHS = ["healthz", "api/v1/stats", "api/v1/alerts?limit=100", "metrics"];
// Within what the API lets one sender ask: 50 a second, /healthz not among them.
const [url = "", seconds = "10", everyMs = "16"] = process.argv.slice(2);

const latencies: number[] = [];
let failed = 0;
const begin = performance.now();
const end = begin + Number(seconds) * 1000;
for (let i = 0; performance.now() < end; i++) {
  // A pace of its own: a request that comes late waits for no other, and none is left out.
  const due = begin + i * Number(everyMs);
  const wait = due - performance.now();
  if (wait > 0) await Bun.sleep(wait);
  const asked = performance.now();
  const answer = await fetch(url + PATHS[i % PATHS.length]);
  await answer.arrayBuffer();
  latencies.push(performance.now() - asked);
  if (!answer.ok) failed++;
}
console.log(JSON.stringify({ latencies, failed }));
