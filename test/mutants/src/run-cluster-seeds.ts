/** Runs in the mutant's process: seeds of whole clusters until one fails. Exit code 0: none did. */

import { clusterFaultOf, runClusterSeed } from "@holdfast/simulator";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const [first, max, name = ""] = process.argv.slice(2);
const [firstSeed, seedsMax, fault] = [Number(first), Number(max), clusterFaultOf(name)];
for (let seed = firstSeed; seed < firstSeed + seedsMax; seed++) {
  const { failure } = await runClusterSeed({ seed, nodesCount: 3, consensus: undefined, fault, drain });
  if (failure === undefined) continue;
  console.log(`seed ${seed}: ${failure.message.split("\n")[0]}`);
  process.exit(1);
}
