/** Fields with any value in them: most of what is made of them no correct replica would send. */

import type { Ballot, LogIndex, Random } from "@holdfast/base";
import { ballot, logIndex, present, uniform } from "@holdfast/base";
import type { Entry, EntryKind } from "../src/contract/entry.ts";
import type { Membership } from "../src/contract/membership.ts";
import { encodeMembership } from "../src/contract/membership.ts";
import type { ReplicaId } from "../src/contract/replica-id.ts";
import { replicaId } from "../src/contract/replica-id.ts";
import { membership } from "./entries.ts";

export interface MessageRange {
  readonly to: ReplicaId;
  /** Numbers are near these, as a rule: what the receiver has. */
  readonly ballot: number;
  readonly index: number;
  /** Numbers that no varint holds, and entries out of order. */
  readonly isWild: boolean;
}

const large = [2 ** 31, 2 ** 32, 2 ** 50 - 1, 2 ** 50];
const wild = [2 ** 53 - 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60];

export class RandomFields {
  readonly #random: Random;
  readonly #range: MessageRange;

  constructor(random: Random, range: MessageRange) {
    this.#random = random;
    this.#range = range;
  }

  index(): LogIndex {
    return logIndex(this.#near(this.#range.index));
  }

  ballot(): Ballot {
    return ballot(this.#near(this.#range.ballot));
  }

  number(): number {
    return this.#near(2);
  }

  sender(): ReplicaId {
    const { to, isWild } = this.#range;
    return uniform(this.#random, 20) === 0 && isWild
      ? this.pick([replicaId(0), to, replicaId(-1), replicaId(2 ** 53 - 1)])
      : replicaId(1 + uniform(this.#random, 5));
  }

  receiver(): ReplicaId {
    const { to } = this.#range;
    return uniform(this.#random, 50) === 0 ? replicaId(to + 1) : to;
  }

  /** Some behind this index, most of this ballot. */
  entries(previousIndex: number, of: number): Entry[] {
    return Array.from({ length: uniform(this.#random, 4) }, (_, i) => {
      const isNext = uniform(this.#random, 10) > 0 || !this.#range.isWild;
      const index = isNext ? previousIndex + 1 + i : this.index();
      return this.#entry(index, uniform(this.#random, 4) > 0 ? of : this.ballot());
    });
  }

  membership(): Membership {
    return membership(this.pick([[1], [1, 2, 3], [2, 3, 4], [7]]), this.pick([[], [9]]));
  }

  coin(): boolean {
    return uniform(this.#random, 2) === 0;
  }

  pick<T>(values: readonly T[]): T {
    return present(values[uniform(this.#random, values.length)], "a value");
  }

  #entry(index: number, of: number): Entry {
    const kind = this.pick<EntryKind>(["command", "membership", "empty"]);
    const isSound = uniform(this.#random, 3) > 0;
    const payload =
      kind === "membership" && isSound
        ? encodeMembership(membership(this.pick([[1], [1, 2, 3], [3, 4, 5], [8]])))
        : this.#random.bytes(uniform(this.#random, 6));
    return { index: logIndex(index), ballot: ballot(of), kind, payload };
  }

  #near(value: number): number {
    const dice = uniform(this.#random, 40);
    if (dice === 0) return this.pick(large);
    if (dice === 1 && this.#range.isWild) return this.pick(wild);
    return Math.max(0, value - 3 + uniform(this.#random, 6));
  }
}
