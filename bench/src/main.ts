import type { Row } from "./report.ts";
import { printRow, writeReport } from "./report.ts";
import { erasureSuite } from "./suites/erasure.ts";
import { logSuite } from "./suites/log.ts";
import { largeObjects, smallObjects } from "./suites/objects.ts";

const suites: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  erasure: erasureSuite,
  log: logSuite,
  small: smallObjects,
  large: largeObjects,
};

const names = process.argv.slice(2);
const unknown = names.find((name) => !Object.hasOwn(suites, name));
if (unknown === undefined) await run(names.length === 0 ? Object.keys(suites) : names);
else {
  console.error(`usage: npm run bench [-- NAME ...], with NAME of: ${Object.keys(suites).join(", ")}`);
  process.exitCode = 2;
}

async function run(chosen: readonly string[]): Promise<void> {
  const rows: Row[] = [];
  for (const name of chosen) {
    for (const row of (await suites[name]?.()) ?? []) {
      rows.push(row);
      printRow(row);
    }
  }
  console.log(`written to ${writeReport(rows)}`);
}
