/** A whole history: linearizability is local (Herlihy and Wing, 1990), so each key is judged alone. */

import type { KeyVerdict } from "./check-key.ts";
import { checkKey } from "./check-key.ts";
import type { Operation } from "./operation.ts";

export interface HistoryVerdict {
  readonly operations: number;
  readonly keys: number;
  /** Keys that are not linearizable, or could not be decided. */
  readonly problems: readonly KeyProblem[];
}

export interface KeyProblem {
  readonly key: string;
  readonly verdict: Exclude<KeyVerdict, { readonly kind: "linearizable" }>;
}

export interface CheckOptions {
  /** Steps of the search for each key before it is given up. */
  readonly stepsMax?: number;
}

export function checkHistory(
  history: readonly Operation[],
  { stepsMax = 20_000_000 }: CheckOptions = {},
): HistoryVerdict {
  const byKey = new Map<string, Operation[]>();
  for (const operation of history) {
    const known = byKey.get(operation.key);
    if (known === undefined) byKey.set(operation.key, [operation]);
    else known.push(operation);
  }
  const problems: KeyProblem[] = [];
  for (const [key, operations] of byKey) {
    const verdict = checkKey(operations, stepsMax);
    if (verdict.kind !== "linearizable") problems.push({ key, verdict });
  }
  return { operations: history.length, keys: byKey.size, problems };
}
