/** Runs in the mutant's process: seeds of the group simulator until one fails. Exit code 0: none did. */

import { multiPaxos, raft, runGroupSeed } from "@holdfast/simulator";

const [consensus, ...numbers] = process.argv.slice(2);
const [seedsMax = 0, ticks = 0] = numbers.map(Number);
for (let seed = 1; seed <= seedsMax; seed++) {
  const options = { seed, ticks, linesMax: 0 };
  const { failure } =
    consensus === raft.name
      ? runGroupSeed({ ...options, protocol: raft })
      : runGroupSeed({ ...options, protocol: multiPaxos });
  if (failure === undefined) continue;
  console.log(`seed ${seed}: ${failure.message.split("\n")[0]}`);
  process.exit(1);
}
