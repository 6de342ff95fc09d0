/** All mutants. Each is named by its row and a letter, such as "11b", in the order of the catalogue. */

import { clusterMutants } from "./catalogue/cluster.ts";
import { multiPaxosMutants } from "./catalogue/multipaxos.ts";
import { paxosMutants } from "./catalogue/paxos.ts";
import { raftMutants } from "./catalogue/raft.ts";
import { ruleMutants } from "./catalogue/rules.ts";
import { storageMutants } from "./catalogue/storage.ts";
import type { Mutant } from "./mutant.ts";

export interface NamedMutant extends Mutant {
  readonly name: string;
}

export const catalogue: readonly NamedMutant[] = named([
  ...raftMutants,
  ...storageMutants,
  ...ruleMutants,
  ...clusterMutants,
  ...multiPaxosMutants,
  ...paxosMutants,
]);

export function findMutant(name: string): NamedMutant {
  const found = catalogue.find((mutant) => mutant.name === name);
  if (found === undefined) throw new Error(`no mutant is called "${name}"`);
  return found;
}

function named(mutants: readonly Mutant[]): readonly NamedMutant[] {
  const counts = new Map<string, number>();
  return mutants.map((mutant) => {
    const count = counts.get(mutant.row) ?? 0;
    counts.set(mutant.row, count + 1);
    return { ...mutant, name: `${mutant.row}${String.fromCharCode(97 + count)}` };
  });
}
