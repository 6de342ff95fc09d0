/**
 * What a power loss leaves of what was not durable. Disk and key-value store ask for each place that has unsynced
 * changes how many of them survive, in a fixed order: a list of answers names one outcome, and all lists name all.
 */

import type { Random } from "@holdfast/base";
import { uniform } from "@holdfast/base";

export interface Fate {
  /** The questions that follow are about one file, about names, or about one store. */
  begin(): void;
  /** How many of the changes to one place survive, from the first on: 0 to `changesCount`. */
  kept(changesCount: number): number;
}

/** In one of four cases everything survives and in one nothing: chance alone would hardly ever show those. */
export function fateByChance(random: Random): Fate {
  let mood = 0;
  return {
    begin: () => {
      mood = uniform(random, 4);
    },
    kept: (changesCount) => (mood === 0 ? changesCount : mood === 1 ? 0 : uniform(random, changesCount + 1)),
  };
}
