import { parseArgs } from "node:util";
import { printRow } from "./report.ts";
import { runSuite } from "./run-suite.ts";
import { clusterSuite } from "./suites/cluster.ts";
import { consensusSuite, multiPaxosSuite } from "./suites/consensus.ts";
import { erasureSuite } from "./suites/erasure.ts";
import { groupsSuite } from "./suites/groups.ts";
import { listSuite } from "./suites/list.ts";
import { logSuite } from "./suites/log.ts";
import { manyFilesSuite } from "./suites/many-files.ts";
import { memorySuite } from "./suites/memory.ts";
import { networkSuite } from "./suites/network.ts";
import { largeObjects, smallObjects } from "./suites/objects.ts";
import { registersSuite } from "./suites/registers.ts";
import { ringSuite } from "./suites/ring.ts";
import { startUpSuite } from "./suites/start-up.ts";
import type { Suite } from "./suites/suite.ts";
import { keepRun } from "./written-runs.ts";

const suites: Readonly<Record<string, Suite>> = {
  erasure: erasureSuite,
  ring: ringSuite,
  log: logSuite,
  consensus: consensusSuite,
  multipaxos: multiPaxosSuite,
  network: networkSuite,
  groups: groupsSuite,
  registers: registersSuite,
  cluster: clusterSuite,
  small: smallObjects,
  large: largeObjects,
  memory: memorySuite,
  list: listSuite,
  "start-up": startUpSuite,
  "many-files": manyFilesSuite,
};
/** Its rows are among those of `many-files`, which fills its store only once. */
const includedElsewhere = new Set(["list", "start-up"]);

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { files: { type: "string", default: "1000000" }, bytes: { type: "string", default: "1024" } },
});
const options = { files: Number(values.files), fileBytes: Number(values.bytes) };
const unknown = positionals.find((name) => !Object.hasOwn(suites, name));
const areSound = options.files >= 10_000 && options.files % 100 === 0 && options.fileBytes >= 0;
if (unknown === undefined && areSound)
  await run(
    positionals.length > 0 ? positionals : Object.keys(suites).filter((name) => !includedElsewhere.has(name)),
  );
else {
  console.error(
    `usage: npm run bench [-- NAME ... --files COUNT --bytes LENGTH], with NAME of: ${Object.keys(suites).join(", ")}; COUNT: hundreds, from 10000 on`,
  );
  process.exitCode = 2;
}

async function run(chosen: readonly string[]): Promise<void> {
  for (const name of chosen) {
    const suite = suites[name];
    if (suite === undefined) continue;
    const suiteRun = await runSuite(suite, options);
    for (const row of suiteRun.rows) printRow(row);
    // At once: a long run that is interrupted keeps what it has.
    console.log(`written to ${keepRun(name, suiteRun)}`);
  }
}
