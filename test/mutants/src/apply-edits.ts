import type { Mutant } from "./mutant.ts";

/** The source with the bug in it. Throws when an edit does not stand there exactly once. */
export function applyEdits({ row, file, edits }: Mutant, source: string): string {
  let mutated = source;
  for (const { find, replace } of edits) {
    const pieces = mutated.split(find);
    if (pieces.length !== 2)
      throw new Error(`mutant ${row}: "${find}" stands ${pieces.length - 1} times in ${file}, not once`);
    mutated = pieces.join(replace);
  }
  return mutated;
}
