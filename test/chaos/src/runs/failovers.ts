import { failover } from "./failover.ts";
import type { Kind } from "./kind.ts";

/** In which service has to be back, as a median. */
const medianMsMax = 1000;

/** The exit code. */
export async function runFailovers(options: {
  readonly kinds: readonly Kind[];
  readonly rounds: number;
}): Promise<number> {
  let isGood = true;
  for (const { size, consensus } of options.kinds) {
    const times = (await failover({ size, consensus, rounds: options.rounds })).map(Math.round);
    const ascending = times.toSorted((a, b) => a - b);
    const median = ascending[Math.floor(ascending.length / 2)] ?? Number.POSITIVE_INFINITY;
    if (median > medianMsMax) isGood = false;
    console.log(
      `${size} nodes, ${consensus}: service is back after ${median} ms (median of ${times.length}; worst ${ascending.at(-1)}): ${times.join(" ")}`,
    );
  }
  return isGood ? 0 : 1;
}
