/** Runs in the mutant's process: seeds of the group simulator until one fails. Exit code 0: none did. */

import { raft, runGroupSeed } from "@holdfast/simulator";

const [seedsMax = 0, ticks = 0] = process.argv.slice(2).map(Number);
for (let seed = 1; seed <= seedsMax; seed++) {
  const { failure } = runGroupSeed({ seed, protocol: raft, ticks, linesMax: 0 });
  if (failure === undefined) continue;
  console.log(`seed ${seed}: ${failure.message.split("\n")[0]}`);
  process.exit(1);
}
