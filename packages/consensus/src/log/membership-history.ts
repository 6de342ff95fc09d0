/** The memberships in a replica's log: the one that its last membership entry names, and those to fall back on. */

import type { LogIndex } from "@holdfast/base";
import { assert } from "@holdfast/base";
import type { Membership } from "../contract/membership.ts";

export interface Dated {
  readonly index: LogIndex;
  readonly membership: Membership;
}

export class MembershipHistory {
  /** Ascending; the first is applied and therefore never cut off. */
  #memberships: Dated[];

  constructor(index: LogIndex, membership: Membership) {
    this.#memberships = [{ index, membership }];
  }

  /** The latest in the log, committed or not. */
  get latest(): Membership {
    return this.#last().membership;
  }

  /** Where it stands; the index of a snapshot or of what was applied at the start for one that came from there. */
  get latestIndex(): LogIndex {
    return this.#last().index;
  }

  /** The last one applied, and all behind it. */
  get all(): readonly Dated[] {
    return this.#memberships;
  }

  append(index: LogIndex, membership: Membership): void {
    assert(index > this.latestIndex, `membership at ${index} behind ${this.latestIndex}`);
    this.#memberships.push({ index, membership });
  }

  /** The log was cut from here on. True when that changed the membership. */
  truncate(from: LogIndex): boolean {
    const kept = this.#memberships.filter(({ index }) => index < from);
    assert(kept.length > 0, "an applied membership is never cut off");
    const changed = kept.length < this.#memberships.length;
    this.#memberships = kept;
    return changed;
  }

  /** Forgets what nobody can fall back on. */
  compact(applied: LogIndex): void {
    while ((this.#memberships[1]?.index ?? Number.POSITIVE_INFINITY) <= applied) this.#memberships.shift();
  }

  reset(index: LogIndex, membership: Membership): void {
    this.#memberships = [{ index, membership }];
  }

  #last(): Dated {
    const last = this.#memberships.at(-1);
    assert(last !== undefined, "there is always a membership");
    return last;
  }
}
