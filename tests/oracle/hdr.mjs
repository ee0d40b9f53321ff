// Writes what npm's hdr-histogram-js 3 makes of some data sets: tests/unit/harness/golden/hdr.json, with which
// harness/latency/histogram.cpp is compared. To write it again:  npm install --prefix /tmp/hdr hdr-histogram-js@3.0.1
//   NODE_PATH=/tmp/hdr/node_modules node tests/oracle/hdr.mjs > tests/unit/harness/golden/hdr.json
import { createRequire } from "node:module";
const require = createRequire(process.env.NODE_PATH + "/");
const hdr = require("hdr-histogram-js");

// The same numbers in C++: x' = (x * 1103515245 + 12345) mod 2^31.
function* numbers(count, of) {
  let x = 1n;
  for (let i = 0; i < count; ++i) {
    x = (x * 1103515245n + 12345n) % 2147483648n;
    yield of(Number(x));
  }
}
const sets = {
  "one value": [83],
  borders: [1, 600000000],
  "twice the same": [2047, 2047, 2048, 2049, 2049],
  short: [...numbers(1000, (x) => 1 + (x % 900))],
  long: [...numbers(20000, (x) => 1 + (x % 600000000))],
  "mixed": [...numbers(50000, (x) => 1 + (x % (1 << (1 + (x >> 8) % 28))))],
};
const percentiles = [0, 10, 50, 90, 99, 99.9, 99.99, 100];
const out = [];
for (const [name, values] of Object.entries(sets)) {
  const histogram = hdr.build({ lowestDiscernibleValue: 1, highestTrackableValue: 600000000, numberOfSignificantValueDigits: 3, bitBucketSize: 64, autoResize: false });
  for (const value of values) histogram.recordValue(value);
  out.push({
    name,
    count: histogram.totalCount,
    percentiles: percentiles.map((p) => [p, histogram.getValueAtPercentile(p)]),
    encoded: hdr.encodeIntoCompressedBase64(histogram),
  });
}
console.log(JSON.stringify(out, null, 1));
