/**
 * Which refusals the faults of a run excuse. Through a node that is hit: as long as the fault lasts, and until the node has had
 * time to come back. Through the others: only until the cluster has had time to go on without it. Behind that everything asked
 * for has to be answered, reads included. A node that is removed refuses from then on, and nobody else for it.
 */

import type { ErrorCode, StoreError } from "@holdfast/base";

/** In which the others go on without a node, or get used to one that is back. */
const othersMs = 10_000;
/** In which a node that was hit comes back. */
const recoveryMs = 20_000;

const codes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "Unavailable",
  "Overloaded",
  "OutcomeUnknown",
  "Stopped",
]);

export interface Trouble {
  /** Numbers of the nodes that are hit. */
  readonly hit: ReadonlySet<number>;
  /** So many that the others cannot go on without them. */
  readonly quorumLost: boolean;
  /** Refusals that it brings about besides. */
  readonly codes: readonly ErrorCode[];
  /** It is felt some time behind its beginning: for the others it begins with the first refusal. */
  readonly strikesLater: boolean;
}

interface Lasting {
  readonly trouble: Trouble;
  readonly fromMs: number;
  endMs: number;
  /** Of one that strikes later: when it did. */
  struckMs: number | undefined;
}

export class Excuses {
  readonly #nowMs: () => number;
  readonly #all: Lasting[] = [];
  /** Numbers of nodes that are being removed, or were. */
  readonly #leaving = new Set<number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Returns what ends it. */
  begin(trouble: Trouble): () => void {
    const fromMs = this.#nowMs();
    const lasting: Lasting = { trouble, fromMs, endMs: Number.POSITIVE_INFINITY, struckMs: undefined };
    this.#all.push(lasting);
    return () => {
      lasting.endMs = this.#nowMs();
    };
  }

  /** The node is removed at any moment from now on. Returns what is to be called when it was not. */
  leaves(node: number): () => void {
    this.#leaving.add(node);
    return () => this.#leaving.delete(node);
  }

  /** Of a request to the node that began at `sinceMs` and is refused now. */
  tolerates(error: StoreError, node: number, sinceMs: number): boolean {
    if (this.#leaving.has(node) && codes.has(error.code)) return true;
    return this.#all.some((lasting) => {
      const { trouble, fromMs, endMs } = lasting;
      if (!codes.has(error.code) && !trouble.codes.includes(error.code)) return false;
      if (trouble.quorumLost || trouble.hit.has(node)) return sinceMs <= endMs + recoveryMs;
      if (isWithin(sinceMs, fromMs, othersMs) || isWithin(sinceMs, endMs, othersMs)) return true;
      if (!trouble.strikesLater || sinceMs > endMs) return false;
      lasting.struckMs ??= this.#nowMs();
      return isWithin(sinceMs, lasting.struckMs, othersMs);
    });
  }
}

/** What began before the trouble is hit by it, too. */
function isWithin(sinceMs: number, momentMs: number, spanMs: number): boolean {
  return momentMs !== Number.POSITIVE_INFINITY && sinceMs <= momentMs + spanMs;
}
