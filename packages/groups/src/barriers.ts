/** Read barriers of one group: those of one turn share one question, and wait until the state has come so far. */

import type { LogIndex } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type { ReadState } from "@holdfast/consensus";

interface Waiter {
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
}

interface Confirmed {
  readonly index: LogIndex;
  readonly waiters: readonly Waiter[];
}

export class Barriers {
  readonly #waitMs: number;
  #waiting: Waiter[] = [];
  /** Nobody could confirm them; asked again after a moment. */
  #unconfirmed: Waiter[] = [];
  readonly #asked = new Map<number, readonly Waiter[]>();
  #confirmed: Confirmed[] = [];
  #lastContext = 0;

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  get isEmpty(): boolean {
    return (
      this.#waiting.length + this.#unconfirmed.length + this.#confirmed.length === 0 && this.#asked.size === 0
    );
  }

  add(nowMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ deadlineMs: nowMs + this.#waitMs, resolve, reject });
    });
  }

  /** One question for all that came since the last. */
  ask(readIndex: (context: number) => void): void {
    if (this.#waiting.length === 0) return;
    const context = ++this.#lastContext;
    this.#asked.set(context, this.#waiting);
    this.#waiting = [];
    readIndex(context);
  }

  onRead({ context, index }: ReadState, applied: LogIndex): void {
    const waiters = this.#asked.get(context) ?? [];
    this.#asked.delete(context);
    if (index === undefined) this.#unconfirmed.push(...waiters);
    else if (index <= applied) for (const { resolve } of waiters) resolve();
    else this.#confirmed.push({ index, waiters });
  }

  onApplied(applied: LogIndex): void {
    if (this.#confirmed.length === 0) return;
    const due = this.#confirmed.filter(({ index }) => index <= applied);
    this.#confirmed = this.#confirmed.filter(({ index }) => index > applied);
    for (const { waiters } of due) for (const { resolve } of waiters) resolve();
  }

  /** A moment has passed: those that nobody confirmed are asked again, and those that have waited too long end. */
  tick(nowMs: number): void {
    if (this.isEmpty) return;
    const isLate = ({ deadlineMs }: Waiter): boolean => deadlineMs <= nowMs;
    const inTime = (waiters: readonly Waiter[]): Waiter[] => {
      for (const { reject } of waiters.filter(isLate)) reject(unconfirmed());
      return waiters.filter((waiter) => !isLate(waiter));
    };
    this.#waiting = inTime([...this.#unconfirmed, ...this.#waiting]);
    this.#unconfirmed = [];
    for (const [context, waiters] of this.#asked) this.#asked.set(context, inTime(waiters));
    this.#confirmed = this.#confirmed
      .map(({ index, waiters }) => ({ index, waiters: inTime(waiters) }))
      .filter(({ waiters }) => waiters.length > 0);
  }

  end(error: StoreError): void {
    const confirmed = this.#confirmed.flatMap(({ waiters }) => waiters);
    for (const { reject } of [
      ...this.#waiting,
      ...this.#unconfirmed,
      ...this.#asked.values(),
      confirmed,
    ].flat())
      reject(error);
    this.#waiting = [];
    this.#unconfirmed = [];
    this.#confirmed = [];
    this.#asked.clear();
  }
}

function unconfirmed(): StoreError {
  return new StoreError("Unavailable", "No quorum confirms what is current here. Try again in a moment.");
}
