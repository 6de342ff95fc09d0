/** docs/internals/bug-matrix.md: which known bugs were put back, and what noticed each of them. */

import type { NamedMutant } from "./catalogue.ts";
import type { Exemption } from "./mutant.ts";

export interface Verdict {
  readonly mutant: NamedMutant;
  /** What the detector said; undefined when it noticed nothing. */
  readonly caughtBy: string | undefined;
  readonly seconds: number;
}

/** What the page says of mutants that the catalogue still has. */
export function verdictsIn(page: string, catalogue: readonly NamedMutant[]): readonly Verdict[] {
  const rows = page.split("\n").filter((line) => line.startsWith("| "));
  return catalogue.flatMap((mutant) => {
    const [name, bug] = cellsOf(mutant, "");
    const row = rows.find((line) => line.startsWith(`| ${name} | ${bug} | `));
    const cell = row?.slice(0, -" |".length).split(" | ").at(-1)?.replaceAll("\\|", "|");
    if (cell === undefined) return [];
    return [{ mutant, caughtBy: cell === notCaught ? undefined : cell, seconds: 0 }];
  });
}

export function bugMatrix(verdicts: readonly Verdict[], exempt: readonly Exemption[]): string {
  const caught = verdicts.filter(({ caughtBy }) => caughtBy !== undefined).length;
  const lines = [
    "# Known bugs, put back one by one",
    "",
    "Written by `npm run sim:mutants -- --write`. Each mutant is a bug that real consensus implementations or stores had, as a change",
    "of the sources in `test/mutants/src/catalogue`; it counts as caught when its detector fails: seeds of the simulated group",
    "(`packages/simulator/src/group`, seeds from 1 on, 2,000 ticks each) or of whole clusters, or tests, which pass without it.",
    "",
    `Caught: ${caught} of ${verdicts.length}.`,
    "",
    "## Raft, log and state",
    "",
    ...tableOf(verdicts.filter(({ mutant }) => !isOfPaxos(mutant))),
    ...exempt.filter((exemption) => !isOfPaxos(exemption)).map(reasonOf),
    "",
    "## Multi-Paxos",
    "",
    "M2 is row 2 in Multi-Paxos, MS14 rule S14, P1 to P8 are bugs that only a Paxos can have.",
    "",
    ...tableOf(verdicts.filter(({ mutant }) => isOfPaxos(mutant))),
    ...exempt.filter(isOfPaxos).map(reasonOf),
  ];
  return `${lines.join("\n")}\n`;
}

const notCaught = "NOT CAUGHT";

function isOfPaxos({ row }: { readonly row: string }): boolean {
  return /^[MP]/.test(row);
}

function tableOf(verdicts: readonly Verdict[]): readonly string[] {
  return [
    "| mutant | bug | changed | caught by |",
    "| --- | --- | --- | --- |",
    ...verdicts.map(({ mutant, caughtBy }) => rowOf(mutant, caughtBy)),
    "",
    "Rows without a mutant:",
    "",
  ];
}

function reasonOf({ row, reason }: Exemption): string {
  return `* ${row}: ${reason}.`;
}

function rowOf(mutant: NamedMutant, caughtBy: string | undefined): string {
  return `| ${cellsOf(mutant, caughtBy ?? notCaught).join(" | ")} |`;
}

function cellsOf({ name, bug, file }: NamedMutant, caughtBy: string): readonly string[] {
  return [name, bug, `\`${file}\``, caughtBy].map((cell) => cell.replaceAll("|", "\\|"));
}
