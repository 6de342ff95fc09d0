/**
 * `npm run sim:mutants [-- NAME ... --write]`: puts the known bugs back one by one and looks whether they are caught. The
 * last line is `caught C of T`; the exit code is 0 only if C = T. `--write` renews docs/internals/bug-matrix.md.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { Verdict } from "./bug-matrix.ts";
import { bugMatrix } from "./bug-matrix.ts";
import type { NamedMutant } from "./catalogue.ts";
import { catalogue, findMutant } from "./catalogue.ts";
import { exemptions } from "./exemptions.ts";
import { judge, requireHealthyTests } from "./judge.ts";

const matrixPath = join(import.meta.dirname, "../../../docs/internals/bug-matrix.md");
const parallel = 2;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false } },
});
const chosen = positionals.length === 0 ? catalogue : positionals.map(findMutant);
await requireHealthyTests(chosen);
const verdicts = await judgeAll(chosen);
for (const { row, reason } of exemptions) console.log(`${row.padEnd(5)} not counted: ${reason}`);
if (values.write) {
  mkdirSync(dirname(matrixPath), { recursive: true });
  writeFileSync(matrixPath, bugMatrix(verdicts, exemptions));
}
const caught = verdicts.filter(({ caughtBy }) => caughtBy !== undefined).length;
console.log(`caught ${caught} of ${verdicts.length}`);
process.exitCode = caught === verdicts.length ? 0 : 1;

/** In the order of the catalogue. */
async function judgeAll(mutants: readonly NamedMutant[]): Promise<readonly Verdict[]> {
  const waiting = [...mutants];
  const found = new Map<NamedMutant, Verdict>();
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await judge(mutant);
      const outcome = verdict.caughtBy ?? "NOT CAUGHT";
      console.log(
        `${mutant.name.padEnd(5)} ${mutant.bug}\n      ${outcome} (${verdict.seconds.toFixed(1)} s)`,
      );
      found.set(mutant, verdict);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return mutants.flatMap((mutant) => found.get(mutant) ?? []);
}
