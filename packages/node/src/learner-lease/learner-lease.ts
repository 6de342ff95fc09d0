/**
 * For how long this node's copy of the system group may be trusted without asking anybody (SAFETY S18).
 *
 * A read barrier that a quorum confirmed says: at the moment when it began, nothing was agreed on that this copy does not show. The
 * lease runs from that moment. What is agreed on within it this copy may miss; so whatever is taken away is marked first, and
 * taken away when no node trusts a copy without the mark any more (everywhere.ts). What is marked, and what this copy does
 * not know, is asked about behind a barrier of its own.
 */

import type { Clock, ReplicatedLog } from "@holdfast/ports";

/** From the moment that its barrier began. */
export const leaseMs = 2000;
/** A lease in use is renewed at this age, so that it outlives an election. */
const renewMs = 250;

export interface LearnerLeaseParts {
  readonly log: Pick<ReplicatedLog<unknown>, "readBarrier">;
  readonly clock: Clock;
}

interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export class LearnerLease {
  readonly #parts: LearnerLeaseParts;
  /** When the barrier began that bears the lease; undefined: there is none. */
  #begunAt: Moment | undefined;
  #renewal: Promise<void> | undefined;
  /** A barrier that began before this copy was doubted bears no lease. */
  #doubts = 0;

  constructor(parts: LearnerLeaseParts) {
    this.#parts = parts;
  }

  /** Undefined: this node's copy may be trusted now. Otherwise resolves when it may be, or rejects as a barrier does. */
  trusted(): Promise<void> | undefined {
    const ageMs = this.#ageMs;
    if (ageMs < renewMs) return undefined;
    if (ageMs < leaseMs) {
      this.#renewInBackground();
      return undefined;
    }
    return this.#renewal === undefined ? this.confirmed() : this.#afterRenewal(this.#renewal);
  }

  /** As `trusted`, whatever the lease says: by a barrier that begins with this call. */
  confirmed(): Promise<void> | undefined {
    const now = this.#now;
    const barrier = this.#parts.log.readBarrier();
    if (barrier === undefined) return undefined;
    const doubts = this.#doubts;
    const renewal = barrier.then(() => {
      if (this.#doubts === doubts) this.#begin(now);
    });
    this.#renewal = renewal;
    const end = (): void => {
      if (this.#renewal === renewal) this.#renewal = undefined;
    };
    renewal.then(end, end);
    return renewal;
  }

  /** Somebody knows more than this copy: it is not trusted before the next barrier. */
  end(): void {
    this.#begunAt = undefined;
    this.#renewal = undefined;
    this.#doubts++;
  }

  #begin(at: Moment): void {
    const { monotonicMs } = this.#begunAt ?? at;
    if (at.monotonicMs >= monotonicMs) this.#begunAt = at;
  }

  #renewInBackground(): void {
    // Who needs the lease when it has run out hears why it was not renewed.
    if (this.#renewal === undefined) this.confirmed()?.catch(() => undefined);
  }

  /** The barrier began before the caller came: what it found counts for as long as a lease does. */
  async #afterRenewal(renewal: Promise<void>): Promise<void> {
    await renewal;
    if (this.#ageMs >= leaseMs) await this.confirmed();
  }

  /** By the clock that went further: the monotonic one may stand still while a machine is suspended. */
  get #ageMs(): number {
    if (this.#begunAt === undefined) return Number.POSITIVE_INFINITY;
    const { monotonicMs, wallMs } = this.#now;
    return Math.max(monotonicMs - this.#begunAt.monotonicMs, wallMs - this.#begunAt.wallMs);
  }

  get #now(): Moment {
    const { clock } = this.#parts;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  }
}
