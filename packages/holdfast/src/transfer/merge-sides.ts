/** Two sorted sides as pairs of what has the same name: memory holds one entry of each. */

import { compareKeys } from "./key-order.ts";
import type { SideEntry } from "./sync-side.ts";

export interface SidePair {
  readonly source: SideEntry | undefined;
  readonly target: SideEntry | undefined;
}

export async function* mergeSides(
  sources: AsyncIterable<SideEntry>,
  targets: AsyncIterable<SideEntry>,
): AsyncGenerator<SidePair> {
  const left = sources[Symbol.asyncIterator]();
  const right = targets[Symbol.asyncIterator]();
  try {
    let source = await next(left);
    let target = await next(right);
    while (source !== undefined || target !== undefined) {
      const order = orderOf(source, target);
      yield { source: order <= 0 ? source : undefined, target: order >= 0 ? target : undefined };
      if (order <= 0) source = await next(left);
      if (order >= 0) target = await next(right);
    }
  } finally {
    await left.return?.();
    await right.return?.();
  }
}

/** A side that has ended is behind everything. */
function orderOf(source: SideEntry | undefined, target: SideEntry | undefined): number {
  if (source === undefined) return 1;
  if (target === undefined) return -1;
  return compareKeys(source.relative, target.relative);
}

async function next(iterator: AsyncIterator<SideEntry>): Promise<SideEntry | undefined> {
  const step = await iterator.next();
  return step.done === true ? undefined : step.value;
}
