/**
 * `npm run sim:mutants [-- NAME ... | --only NAME,ROW,... | --write | --resume FILE]`: puts the known bugs back one by one and looks whether
 * they are caught. The last line is `caught C of T`; the exit code is 0 only if C = T. `--write` renews
 * docs/internals/bug-matrix.md: what did not run keeps its row. `--resume` keeps verdicts in the file and skips what is there.
 */

import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { Verdict } from "./bug-matrix.ts";
import { bugMatrix, verdictsIn } from "./bug-matrix.ts";
import type { NamedMutant } from "./catalogue.ts";
import { catalogue, findMutant } from "./catalogue.ts";
import { exemptions } from "./exemptions.ts";
import { judge, requireHealthyTests } from "./judge.ts";

const matrixPath = join(import.meta.dirname, "../../../docs/internals/bug-matrix.md");
const parallel = 2;

const { positionals, values } = argumentsOrUsage();
const chosen = chosenBy([...positionals, ...(values.only?.split(",") ?? [])]);
const earlier = values.resume === undefined ? [] : verdictsOfBefore(values.resume);
const isDone = (mutant: NamedMutant): boolean => earlier.some((verdict) => verdict.mutant === mutant);
const waiting = chosen.filter((mutant) => !isDone(mutant));
await requireHealthyTests(waiting);
const verdicts = [...earlier.filter(({ mutant }) => chosen.includes(mutant)), ...(await judgeAll(waiting))];
for (const { row, reason } of exemptions) console.log(`${row.padEnd(5)} not counted: ${reason}`);
if (values.write) writePage();
const caught = verdicts.filter(({ caughtBy }) => caughtBy !== undefined).length;
console.log(`caught ${caught} of ${verdicts.length}`);
process.exitCode = caught === verdicts.length ? 0 : 1;

/** Names of mutants, or rows; none: all. */
function chosenBy(names: readonly string[]): readonly NamedMutant[] {
  if (names.length === 0) return catalogue;
  return names.flatMap((name) => {
    const ofRow = catalogue.filter(({ row }) => row === name);
    return ofRow.length > 0 ? ofRow : [findMutant(name)];
  });
}

function verdictsOfBefore(path: string): readonly Verdict[] {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.flatMap((line) => {
    const { name, caughtBy, seconds } = JSON.parse(line) as {
      name: string;
      caughtBy?: string;
      seconds: number;
    };
    const mutant = catalogue.find((each) => each.name === name);
    return mutant === undefined ? [] : [{ mutant, caughtBy, seconds }];
  });
}

function keep({ mutant: { name }, caughtBy, seconds }: Verdict): void {
  if (values.resume === undefined) return;
  mkdirSync(dirname(values.resume), { recursive: true });
  appendFileSync(values.resume, `${JSON.stringify({ name, caughtBy, seconds })}\n`);
}

function writePage(): void {
  const known = existsSync(matrixPath) ? verdictsIn(readFileSync(matrixPath, "utf8"), catalogue) : [];
  const all = catalogue.flatMap(
    (mutant) => [...verdicts, ...known].find((verdict) => verdict.mutant === mutant) ?? [],
  );
  writeFileSync(matrixPath, bugMatrix(all, exemptions));
}

/** In the order of the catalogue. */
async function judgeAll(mutants: readonly NamedMutant[]): Promise<readonly Verdict[]> {
  const left = [...mutants];
  const found = new Map<NamedMutant, Verdict>();
  const work = async (): Promise<void> => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const verdict = await judge(mutant);
      const outcome = verdict.caughtBy ?? "NOT CAUGHT";
      console.log(
        `${mutant.name.padEnd(5)} ${mutant.bug}\n      ${outcome} (${verdict.seconds.toFixed(1)} s)`,
      );
      found.set(mutant, verdict);
      keep(verdict);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return mutants.flatMap((mutant) => found.get(mutant) ?? []);
}

function argumentsOrUsage() {
  const options = {
    write: { type: "boolean", default: false },
    only: { type: "string" },
    resume: { type: "string" },
  } as const;
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    console.error(
      `${String(error)}\nusage: npm run sim:mutants [-- NAME ... | --only NAME,ROW,... | --write | --resume FILE]`,
    );
    process.exit(2);
  }
}
