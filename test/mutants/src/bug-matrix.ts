/** docs/internals/bug-matrix.md: which known bugs were put back, and what noticed each of them. */

import type { NamedMutant } from "./catalogue.ts";
import type { Exemption } from "./mutant.ts";

export interface Verdict {
  readonly mutant: NamedMutant;
  /** What the detector said; undefined when it noticed nothing. */
  readonly caughtBy: string | undefined;
  readonly seconds: number;
}

export function bugMatrix(verdicts: readonly Verdict[], exempt: readonly Exemption[]): string {
  const caught = verdicts.filter(({ caughtBy }) => caughtBy !== undefined).length;
  const lines = [
    "# Known bugs, put back one by one",
    "",
    "Written by `npm run sim:mutants -- --write`. Each mutant is a bug that real consensus implementations or stores had, as a change",
    "of the sources in `test/mutants/src/catalogue`; it counts as caught when its detector fails: seeds of the simulated group",
    "(`packages/simulator/src/group`, seeds from 1 on, 2,000 ticks each), or tests, which pass without it.",
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

function rowOf({ name, bug, file }: NamedMutant, caughtBy: string | undefined): string {
  const cells = [name, bug, `\`${file}\``, caughtBy ?? "NOT CAUGHT"];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
