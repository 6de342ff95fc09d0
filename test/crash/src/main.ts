/** `npm run crash -- [--rounds 100] [--seed 1]` */

import { parseArgs } from "node:util";
import { crashRounds } from "./rounds.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "100" }, seed: { type: "string", default: "1" } },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
if (!Number.isSafeInteger(rounds) || !Number.isSafeInteger(seed)) {
  console.error("usage: npm run crash -- [--rounds COUNT] [--seed NUMBER]");
  process.exitCode = 2;
} else {
  const startedMs = performance.now();
  const progress = (line: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${line}`);
  };
  const result = await crashRounds({ rounds, seed, progress });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  if (result.failure === undefined)
    console.log(
      `${rounds} rounds of kill -9 passed (seed ${seed}): ${result.operations} operations, ${seconds} s`,
    );
  else {
    console.log(result.tail.join("\n"));
    console.log(
      `round ${result.round} of seed ${seed} FAILED: ${result.failure}\ndata kept in ${result.data}`,
    );
    process.exitCode = 1;
  }
}
