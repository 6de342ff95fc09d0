/** `npm run fuzz [-- --seed N] [--seconds S] [--count C] [--target query|xml|chunks|head]`. */

import { parseArgs } from "node:util";
import { fuzzTargets, runFuzz } from "./run-fuzz.ts";

/** What a long run may add to the resident memory. */
const grownBytesMax = 256 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    count: { type: "string", default: "1000000000" },
    target: { type: "string", multiple: true },
  },
});
const { finding, runs, grownBytes } = await runFuzz({
  targets: values.target ?? Object.keys(fuzzTargets),
  seed: Number(values.seed),
  count: Number(values.count),
  seconds: Number(values.seconds),
});
const counts = Object.entries(runs).map(([name, count]) => `${count} ${name}`);
console.log(
  `${counts.join(", ")} inputs from seed ${values.seed} on; ${(grownBytes / 2 ** 20).toFixed(0)} MiB more resident`,
);
if (finding !== undefined) {
  console.error(finding.error);
  console.error(`replay: npm run fuzz -- --target ${finding.target} --seed ${finding.seed} --count 1`);
  process.exitCode = 1;
} else if (grownBytes > grownBytesMax) {
  console.error(`memory grew by ${grownBytes} bytes`);
  process.exitCode = 1;
}
// An input that never ended may hold the loop.
process.exit();
